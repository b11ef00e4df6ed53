"""Fields of a provider and its models, checked: each refusal names the field and what it accepts."""

from __future__ import annotations

import re
from typing import Any

from app.core.errors import BadRequest
from app.core.price import stored_price
from app.core.price_text import read_price
from app.providers.addresses import base_url_of
from app.providers.kinds import Kind, kind_named
from app.routing.checks import CAPABILITIES
from app.services.views import ModelSpec, ProviderSpec

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def check_provider(spec: ProviderSpec, speaks: set[str]) -> Kind:
    """The kind, after every field was checked. `speaks` are the formats this AnyGPT knows."""
    if not _NAME.fullmatch(spec.name):
        raise BadRequest(
            f'name: "{spec.name}" is not a provider name; use up to 64 letters, digits, dots, dashes and underscores.',
            field="name",
        )
    kind = kind_named(spec.kind)
    base_url_of(kind, spec.base_url)
    for wire in spec.formats or ():
        if wire not in speaks:
            raise BadRequest(f'formats: "{wire}" is not one of {", ".join(sorted(speaks))}.', field="formats")
    if spec.formats is not None and not spec.formats:
        raise BadRequest(f"formats: name at least one of {', '.join(sorted(speaks))}.", field="formats")
    if not 0 <= spec.priority <= 1_000_000:
        raise BadRequest("priority: a number from 0 to 1000000; lower answers first.", field="priority")
    check_rate_limit(spec.rate_limit)
    for key in spec.api_keys or ():
        if not key.strip() or not key.isascii() or any(character.isspace() for character in key.strip()):
            raise BadRequest("api_key: a key is one word of plain characters; check what was pasted.", field="api_key")
    seen: set[str] = set()
    for position, model in enumerate(spec.models or ()):
        if model.id in seen:
            raise BadRequest(f'models[{position}].id: "{model.id}" stands there twice.', field=f"models[{position}].id")
        seen.add(model.id)
        check_model(model, f"models[{position}]")
    return kind


def check_rate_limit(limit: dict[str, Any] | None) -> None:
    for name, value in (limit or {}).items():
        field = f"rate_limit.{name}"
        if name not in ("requests", "tokens", "window_s"):
            raise BadRequest(f'rate_limit: "{name}" is not one of requests, tokens, window_s.', field=field)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise BadRequest(f"{field}: a whole number, 1 or more.", field=field)


def check_model(model: ModelSpec, where: str) -> None:
    if not model.id.strip() or len(model.id) > 200:
        raise BadRequest(f"{where}.id: the model's name at the provider, 1 to 200 characters.", field=f"{where}.id")
    if model.alias is not None and (not model.alias.strip() or model.alias == "auto" or len(model.alias) > 200):
        raise BadRequest(f'{where}.alias: a name of 1 to 200 characters, other than "auto".', field=f"{where}.alias")
    price_of(model, where)
    for field in ("context_window", "max_output_tokens"):
        value = getattr(model, field)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise BadRequest(f"{where}.{field}: a whole number of tokens, 1 or more.", field=f"{where}.{field}")
    for capability in model.capabilities or ():
        if capability not in CAPABILITIES:
            raise BadRequest(
                f'{where}.capabilities: "{capability}" is not one of {", ".join(CAPABILITIES)}.',
                field=f"{where}.capabilities",
            )


def price_of(model: ModelSpec, where: str) -> dict[str, Any] | None:
    """As rows keep it: the fields of a Price in nano-dollars, without those left out; None: unknown."""
    return None if model.price is None else stored_price(read_price(model.price, f"{where}.price"))
