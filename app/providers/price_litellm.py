"""LiteLLM's public list of prices and context windows, as rows of the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from app.providers.catalog import Row, Rows
from app.providers.price_rows import checked, count_of, read_document, tiers_of, usd

LEAST_MODELS = 1_000
_PROVIDERS = {  # their word → the catalogue's
    "openai": "openai",
    "text-completion-openai": "openai",
    "azure": "azure",
    "anthropic": "anthropic",
    "gemini": "google",
    "vertex_ai-language-models": "google-vertex",
    "openrouter": "openrouter",
    "groq": "groq",
    "mistral": "mistral",
    "deepseek": "deepseek",
    "xai": "xai",
    "together_ai": "togetherai",
    "fireworks_ai": "fireworks-ai",
    "cerebras": "cerebras",
    "perplexity": "perplexity",
    "cohere": "cohere",
    "cohere_chat": "cohere",
    "nebius": "nebius",
    "novita": "novita-ai",
    "zai": "zai",
    "moonshot": "moonshotai",
    "vercel_ai_gateway": "vercel",
    "deepinfra": "deepinfra",
    "bedrock": "amazon-bedrock",
    "bedrock_converse": "amazon-bedrock",
}
_TOKENS = {  # ours → theirs, USD per token
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cache_read": "cache_read_input_token_cost",
    "cache_write": "cache_creation_input_token_cost",
    "cache_write_1h": "cache_creation_input_token_cost_above_1hr",
    "reasoning": "output_cost_per_reasoning_token",
    "audio_input": "input_cost_per_audio_token",
    "audio_output": "output_cost_per_audio_token",
    "image_input": "input_cost_per_image_token",
}
_TIERED = ("input", "output", "cache_read", "cache_write")
_SIZE = re.compile(r"_above_(\d{2,4})k_tokens$")
_WORDS = {
    "supports_function_calling": "tools",
    "supports_vision": "vision",
    "supports_response_schema": "json",
    "supports_reasoning": "reasoning",
    "supports_pdf_input": "files",
    "supports_audio_input": "audio_in",
    "supports_audio_output": "audio_out",
}
_MODES = {"chat": "chat", "completion": "chat", "responses": "chat", "embedding": "embeddings"}
_MILLION = 1_000_000


def litellm_rows(body: bytes) -> Rows:
    """Rows of model_prices_and_context_window.json, prices in USD per token there. Raises UnreadableAnswer for anything
    that is not a whole list."""
    rows: dict[str, dict[str, Row]] = {}
    for name, model in read_document(body, "LiteLLM").items():
        provider = _PROVIDERS.get(str(model.get("litellm_provider"))) if isinstance(model, dict) else None
        if provider is not None and model.get("mode") in _MODES:
            models = rows.setdefault(provider, {})
            # the same model stands there with the provider's name before it, and without
            models.setdefault(_plain(name, str(model["litellm_provider"])), _row(model))
    return checked(rows, "LiteLLM", LEAST_MODELS)


def _plain(name: str, provider: str) -> str:
    return name.removeprefix(f"{provider.removesuffix('_chat')}/")


def _row(model: dict[str, Any]) -> Row:
    amounts = {ours: usd(model.get(theirs), _MILLION) for ours, theirs in _TOKENS.items()}
    embeds = model["mode"] == "embedding"
    if embeds and amounts["input"] is not None:
        amounts["output"] = "0"
    return Row(
        name="",
        **{name: value for name, value in amounts.items() if value is not None},
        tiers=tiers_of(_tiers(model)),
        context=count_of(model.get("max_input_tokens")) or count_of(model.get("max_tokens")),
        max_output=None if embeds else count_of(model.get("max_output_tokens")),
        capabilities=_capabilities(model),
    )


def _tiers(model: dict[str, Any]) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    for size, ours, value in _sized(model):
        found.setdefault(size, {})[ours] = value
    return found


def _sized(model: dict[str, Any]) -> Iterator[tuple[int, str, str]]:
    for field, said in model.items():
        sized = _SIZE.search(field)
        if sized is None or (value := usd(said, _MILLION)) is None:
            continue
        for ours in _TIERED:
            if field[: sized.start()] == _TOKENS[ours]:
                yield int(sized[1]) * 1000, ours, value


def _capabilities(model: dict[str, Any]) -> tuple[str, ...] | None:
    """None where the list says nothing but the mode: what it leaves out is not known to be missing."""
    main = _MODES[model["mode"]]
    if main == "embeddings":
        return (main,)
    if not any(name in model for name in _WORDS):
        return None
    return tuple(sorted({main, *(word for name, word in _WORDS.items() if model.get(name) is True)}))
