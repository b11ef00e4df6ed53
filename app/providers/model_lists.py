"""Providers' lists of models: one reader for each shape that such lists have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from app.core.errors import UnreadableAnswer
from app.core.money import NANO
from app.core.price import MILLION, Price, PriceTier
from app.formats.payload import read_any


class FoundModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model as its provider lists it. What the list does not say is None: unknown, not absent."""

    id: str
    name: str | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    capabilities: frozenset[str] | None = None
    price: Price | None = None


class Page(msgspec.Struct):
    """One page of a list, and the query that asks for the next one."""

    models: list[FoundModel]
    more: dict[str, str] | None = None


def read_page(shape: str, body: bytes) -> Page:
    """Raises UnreadableAnswer when the body is not such a list."""
    try:
        value = read_any(body)
    except UnreadableAnswer:
        raise UnreadableAnswer("The list of models is not JSON.") from None
    return SHAPES[shape](value)


def _openai(value: Any) -> Page:
    """Also what compatible servers add: vLLM's max_model_len, Groq's context_window, Perplexity's prices."""
    return Page([_openai_model(item) for item in _items(value)])


def _openai_model(item: dict[str, Any]) -> FoundModel:
    return FoundModel(
        id=_id(item),
        name=_text(item, "display_name", "name"),
        context_window=_count(item, "context_window", "context_length", "max_context_length", "max_model_len"),
        max_output_tokens=_count(item, "max_completion_tokens", "max_output_tokens"),
        price=_price_per_million(item.get("pricing")),
    )


def _anthropic(value: Any) -> Page:
    models = [
        FoundModel(
            id=_id(item),
            name=_text(item, "display_name"),
            context_window=_count(item, "max_input_tokens"),
            max_output_tokens=_count(item, "max_tokens"),
        )
        for item in _items(value)
    ]
    last = value.get("last_id") if isinstance(value, dict) and value.get("has_more") is True else None
    return Page(models, {"after_id": last} if isinstance(last, str) and last else None)


def _gemini(value: Any) -> Page:
    models = [
        FoundModel(
            id=_id(item, "name").removeprefix("models/"),
            name=_text(item, "displayName"),
            context_window=_count(item, "inputTokenLimit"),
            max_output_tokens=_count(item, "outputTokenLimit"),
        )
        for item in _items(value, "models")
        if "generateContent" in item.get("supportedGenerationMethods", ("generateContent",))
    ]
    token = value.get("nextPageToken")
    return Page(models, {"pageToken": token} if isinstance(token, str) and token else None)


def _openrouter(value: Any) -> Page:
    return Page([openrouter_model(item) for item in _items(value)])


def openrouter_model(item: dict[str, Any]) -> FoundModel:
    """Prices per token as strings; modalities and parameters say the capabilities."""
    top = _dict(item.get("top_provider"))
    return FoundModel(
        id=_id(item),
        name=_text(item, "name"),
        context_window=_count(item, "context_length") or _count(top, "context_length"),
        max_output_tokens=_count(top, "max_completion_tokens"),
        capabilities=_openrouter_capabilities(item),
        price=_openrouter_price(_dict(item.get("pricing"))),
    )


_BY_INPUT = {"image": "vision", "file": "files", "audio": "audio_in"}
_BY_OUTPUT = {"text": "chat", "image": "image_out", "audio": "audio_out", "embeddings": "embeddings"}
_BY_PARAMETER = {"tools": "tools", "response_format": "json", "structured_outputs": "json", "reasoning": "reasoning"}


def _openrouter_capabilities(item: dict[str, Any]) -> frozenset[str] | None:
    architecture = _dict(item.get("architecture"))
    inputs, outputs = architecture.get("input_modalities"), architecture.get("output_modalities")
    parameters = item.get("supported_parameters")
    if not (isinstance(inputs, list) and isinstance(outputs, list) and isinstance(parameters, list)):
        return None
    words = [table.get(word) for table, said in ((_BY_INPUT, inputs), (_BY_OUTPUT, outputs)) for word in said]
    words += [_BY_PARAMETER.get(word) for word in parameters]
    return frozenset(word for word in words if word)


# classes of a token as OpenRouter names them; the later ones say "0" where they are not priced apart
_OPENROUTER_TOKENS = {
    "input": "prompt",
    "output": "completion",
    "cache_read": "input_cache_read",
    "cache_write": "input_cache_write",
}
_OPENROUTER_PARTS = {
    "cache_write_1h": "input_cache_write_1h",
    "reasoning": "internal_reasoning",
    "audio_input": "audio",
    "audio_output": "audio_output",
    "image_input": "image_token",
}


def _openrouter_price(pricing: dict[str, Any]) -> Price | None:
    """As https://openrouter.ai/docs/client-sdks/python/components/pricing.md says: USD per token, and `overrides`
    that hold from a size of the prompt on. Those of certain hours are left out."""
    amounts = _openrouter_tokens(pricing)
    if "input" not in amounts or "output" not in amounts:
        return None
    tiers: dict[int, PriceTier] = {}
    overrides = pricing.get("overrides")
    for override in [_dict(each) for each in overrides] if isinstance(overrides, list) else []:
        size, differing = _count(override, "min_prompt_tokens"), _openrouter_tokens(override)
        if size is not None and size > 1 and differing and not {"utc_start", "utc_end"} & override.keys():
            tiers[size] = PriceTier(above=size - 1, **differing)
    ordered = tuple(tiers[size] for size in sorted(tiers))
    return Price(**amounts, request=_nano(pricing.get("request"), 1) or 0, tiers=ordered)


def _openrouter_tokens(pricing: dict[str, Any]) -> dict[str, int]:
    found = {ours: _nano(pricing.get(theirs), MILLION) for ours, theirs in _OPENROUTER_TOKENS.items()}
    found |= {ours: _nano(pricing.get(theirs), MILLION) or None for ours, theirs in _OPENROUTER_PARTS.items()}
    return {name: value for name, value in found.items() if value is not None}


def _together(value: Any) -> Page:
    return Page([_together_model(item) for item in _items(value)])


def _together_model(item: dict[str, Any]) -> FoundModel:
    """Zero for both prices means free only where the id says so: models rented by the hour list zeros as well."""
    price = _price(_dict(item.get("pricing")), 1, "input", "output")
    if price is not None and price.input == price.output == 0 and not _id(item).lower().endswith("free"):
        price = None
    plain = _openai_model(item)
    return msgspec.structs.replace(plain, price=price)


def _mistral(value: Any) -> Page:
    return Page([_mistral_model(item) for item in _items(value)])


def _mistral_model(item: dict[str, Any]) -> FoundModel:
    plain = _openai_model(item)
    said = item.get("capabilities")
    if not isinstance(said, dict):
        return plain
    words = {"vision": "vision", "function_calling": "tools", "audio": "audio_in", "reasoning": "reasoning"}
    capabilities = {word for name, word in words.items() if said.get(name) is True}
    if said.get("completion_chat") is True:
        capabilities |= {"chat", "json", "files"}  # every chat model there takes a response_format and documents
    return msgspec.structs.replace(plain, capabilities=frozenset(capabilities) if capabilities else None)


def _azure(value: Any) -> Page:
    """What the resource may deploy, less what answers no requests: every model says what it can do."""
    return Page([_openai_model(item) for item in _items(value) if _azure_answers(item)])


def _azure_answers(item: dict[str, Any]) -> bool:
    said = _dict(item.get("capabilities"))
    return said.get("inference") is not False and item.get("status") in (None, "succeeded")


_BY_GITHUB = {"tool-calling": "tools", "reasoning": "reasoning"}


def _github(value: Any) -> Page:
    """GitHub's catalogue, a bare list: https://docs.github.com/rest/models/catalog"""
    return Page([_github_model(item) for item in _items(value)])


def _github_model(item: dict[str, Any]) -> FoundModel:
    limits = _dict(item.get("limits"))
    inputs, outputs = item.get("supported_input_modalities"), item.get("supported_output_modalities")
    capabilities = None
    if isinstance(inputs, list) and isinstance(outputs, list):
        words = [table.get(word) for table, said in ((_BY_INPUT, inputs), (_BY_OUTPUT, outputs)) for word in said]
        able = item.get("capabilities")
        words += [_BY_GITHUB.get(word) for word in able if isinstance(word, str)] if isinstance(able, list) else []
        words += ["json"] if "chat" in words else []  # the list has no word for it: doubt keeps it in
        capabilities = frozenset(word for word in words if word)
    return FoundModel(
        id=_id(item),
        name=_text(item, "name"),
        context_window=_count(limits, "max_input_tokens"),
        max_output_tokens=_count(limits, "max_output_tokens"),
        capabilities=capabilities,
    )


_COHERE_ENDPOINTS = ("chat", "embed")


def _cohere(value: Any) -> Page:
    """Models of the endpoints that are served here: https://docs.cohere.com/reference/list-models"""
    models = [
        FoundModel(id=_id(item, "name"), context_window=_count(item, "context_length"))
        for item in _items(value, "models")
        if not isinstance(said := item.get("endpoints"), list) or any(word in _COHERE_ENDPOINTS for word in said)
    ]
    token = value.get("next_page_token")
    return Page(models, {"page_token": token} if isinstance(token, str) and token else None)


def _ollama(value: Any) -> Page:
    """Models on the machine: https://docs.ollama.com/api/tags"""
    return Page([FoundModel(id=_id(item, "name")) for item in _items(value, "models")])


SHAPES: dict[str, Callable[[Any], Page]] = {
    "openai": _openai,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "openrouter": _openrouter,
    "together": _together,
    "mistral": _mistral,
    "azure": _azure,
    "github": _github,
    "cohere": _cohere,
    "ollama": _ollama,
}


def _items(value: Any, field: str = "data") -> list[dict[str, Any]]:
    """The rows of a list, which may also stand bare."""
    rows = value.get(field) if isinstance(value, dict) else value
    if rows is None and isinstance(value, dict) and value.get("object") == "list":
        rows = []  # Ollama without models
    if rows is None and value == {} and field == "models":
        rows = []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UnreadableAnswer("The answer is not a list of models.")
    return rows


def _id(item: dict[str, Any], field: str = "id") -> str:
    name = _text(item, field)
    if name is None:
        raise UnreadableAnswer("The list of models holds one without a name.")
    return name


def _text(item: dict[str, Any], *names: str) -> str | None:
    for name in names:
        value = item.get(name)
        if isinstance(value, str) and value:
            return value
    return None


def _count(item: dict[str, Any], *names: str) -> int | None:
    for name in names:
        number = item.get(name)
        if isinstance(number, int) and not isinstance(number, bool) and number > 0:
            return number
    return None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _price_per_million(pricing: Any) -> Price | None:
    pricing = _dict(pricing)
    if pricing.get("unit") != "usd_per_1m_tokens":
        return None
    return _price(pricing, 1, "input", "output", "cache_read", "cache_write")


def _price(
    pricing: dict[str, Any],
    tokens: int,
    input_: str,
    output: str,
    read: str | None = None,
    write: str | None = None,
) -> Price | None:
    """Prices of one token (`tokens` a million) or of a million (1); a missing or negative one is unknown."""
    values = [_nano(pricing.get(name), tokens) if name else None for name in (input_, output, read, write)]
    if values[0] is None or values[1] is None:
        return None
    return Price(input=values[0], output=values[1], cache_read=values[2], cache_write=values[3])


def _nano(text: Any, factor: int) -> int | None:
    if not isinstance(text, str | int | float) or isinstance(text, bool):
        return None
    try:
        value = Decimal(str(text)) * factor * NANO
    except InvalidOperation:
        return None
    return int(value.to_integral_value()) if value.is_finite() and value >= 0 else None


def unique(models: Iterable[FoundModel]) -> list[FoundModel]:
    """The first of each id, in the provider's order."""
    found: dict[str, FoundModel] = {}
    for model in models:
        found.setdefault(model.id, model)
    return list(found.values())
