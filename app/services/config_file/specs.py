"""Items of the file as the services take them: what is left out has its default."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from app.core.errors import BadRequest
from app.services.config_file.document import FileKey, FileModel, FilePrice, FileProvider
from app.services.provider_rows import DEMO, DEMO_PRIORITY
from app.services.views import KeySpec, ModelSpec, ProviderSpec

DEFAULT_PRIORITY = 100


def provider_spec(item: FileProvider) -> ProviderSpec:
    """Raises BadRequest where keys are given in more than one way."""
    given = [name for name in ("api_key", "api_keys", "api_key_env") if getattr(item, name) is not None]
    if len(given) > 1:
        raise BadRequest(f"{given[1]}: give {given[0]} or {given[1]}, not both.", field=given[1])
    if item.api_keys == []:
        raise BadRequest("api_keys: name at least one key, or leave it out to keep those there are.", field="api_keys")
    return ProviderSpec(
        name=item.name,
        kind=item.kind,
        base_url=item.base_url,
        api_keys=[item.api_key] if item.api_key is not None else item.api_keys,
        api_key_env=item.api_key_env,
        enabled=item.enabled,
        priority=item.priority if item.priority is not None else default_priority(item.kind),
        formats=item.formats,
        rate_limit=_present(item.rate_limit) or None,
        models=[_model_spec(model) for model in item.models] if item.models is not None else None,
    )


def default_priority(kind: str) -> int:
    return DEMO_PRIORITY if kind == DEMO else DEFAULT_PRIORITY


def key_spec(item: FileKey) -> KeySpec:
    """Raises BadRequest where the owner is named twice."""
    if item.owner is not None and item.user is not None:
        raise BadRequest("user: give owner or user, not both.", field="user")
    expires = item.expires.isoformat() if isinstance(item.expires, date) else item.expires
    return KeySpec(
        name=item.name,
        secret=item.secret,
        owner=item.owner if item.owner is not None else item.user,
        router=item.router,
        models=["*"] if item.models is None else item.models,
        scopes=item.scopes,
        tier=item.tier,
        limits=_present(item.limits),
        budgets=[{"usd": str(budget.usd), "window": budget.window} for budget in item.budgets or ()],
        on_budget=item.on_budget,
        unknown_price=item.unknown_price,
        allowed_ips=item.allowed_ips or [],
        allowed_referrers=item.allowed_referrers or [],
        expires=expires,
        enabled=item.enabled,
    )


def _model_spec(item: FileModel) -> ModelSpec:
    return ModelSpec(
        id=item.id,
        alias=item.alias,
        enabled=item.enabled,
        price=_price(item.price),
        context_window=item.context_window,
        max_output_tokens=item.max_output_tokens,
        capabilities=item.capabilities,
    )


def _price(item: FilePrice | None) -> dict[str, Any] | None:
    if item is None:
        return None
    tiers = {"tiers": [_present(tier) for tier in item.tiers]} if item.tiers else {}
    return _present(item) | tiers


def _present(item: msgspec.Struct | None) -> dict[str, Any]:
    values = msgspec.structs.asdict(item) if item is not None else {}
    return {name: value for name, value in values.items() if value is not None}
