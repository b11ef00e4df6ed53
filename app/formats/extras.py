"""What only the client's own format knows: kept for a provider of the same family, dropped or refused for others."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from app.core.chat import ChatRequest
from app.core.errors import Unsupported

_FAMILY = "family"  # in `extra`, beside the fields: whose they are

# Fields whose loss would change what the answer is. All others are advice (tiers, storage, padding, safety
# thresholds …) that their own documentation calls optional.
_MEANINGFUL = {
    "logit_bias",
    "modalities",
    "audio",
    "web_search_options",
    "plugins",
    "mcp_servers",
    "container",
    "cachedContent",
    "responseModalities",
    "previous_response_id",
    "conversation",
    "thread",
    "prompt",
    "background",
    "data_sources",
    "documents",
    "search_parameters",
    "guided_json",
    "guided_regex",
    "guided_choice",
    "guided_grammar",
    "structured_outputs",
}
_ASKED_BY_PRESENCE = {"web_search_options"}  # an empty object asks for a search too
_HARMLESS: dict[str, list[Any]] = {"modalities": [["text"]], "responseModalities": [["TEXT"], ["text"]]}


def keep_extras(value: dict[str, Any], known: Collection[str], family: str) -> dict[str, Any]:
    extra = {key: item for key, item in value.items() if key not in known and item is not None}
    return {_FAMILY: family, **extra} if extra else {}


def own_extras(request: ChatRequest, family: str) -> dict[str, Any]:
    """The fields that go out again to a provider of the same family."""
    if request.extra.get(_FAMILY) != family:
        return {}
    return {key: value for key, value in request.extra.items() if key != _FAMILY}


def refuse_extras(request: ChatRequest, family: str, format_name: str) -> None:
    """Raises Unsupported for a field that changes the meaning and that another family cannot say."""
    if request.extra.get(_FAMILY) in (None, family):
        return
    for key, value in request.extra.items():
        asked = bool(value) or key in _ASKED_BY_PRESENCE
        if key in _MEANINGFUL and asked and value not in _HARMLESS.get(key, []):
            raise Unsupported(f"{key}: {format_name} cannot say this; leave it out or name another model.", field=key)


def refuse(field: str, format_name: str, hint: str = "leave it out or name another model") -> Unsupported:
    return Unsupported(f"{field}: {format_name} cannot say this; {hint}.", field=field)
