"""The public list of models.dev, as rows of the catalogue."""

from __future__ import annotations

from typing import Any

from app.providers.catalog import Row, Rows, TierRow
from app.providers.price_rows import as_dict, checked, count_of, read_document, tiers_of, usd

_CLASSES = {  # ours → theirs
    "input": "input",
    "output": "output",
    "cache_read": "cache_read",
    "cache_write": "cache_write",
    "reasoning": "reasoning",
    "audio_input": "input_audio",
    "audio_output": "output_audio",
}
LEAST_MODELS = 1_000  # fewer is no list to replace a good one with

_INPUTS = {"image": "vision", "pdf": "files", "audio": "audio_in"}
_OUTPUTS = {"text": "chat", "audio": "audio_out", "image": "image_out"}


def models_dev_rows(body: bytes) -> Rows:
    """Rows of models.dev's api.json: provider → model → facts, prices in USD per million tokens. Raises
    UnreadableAnswer for anything that is not a whole list. Two zeros need not mean free: see `price_merge`."""
    rows: dict[str, dict[str, Row]] = {}
    for provider, entry in read_document(body, "models.dev").items():
        models = entry.get("models") if isinstance(entry, dict) else None
        if isinstance(models, dict):
            rows[provider] = {
                str(name): _row(str(name), each) for name, each in models.items() if isinstance(each, dict)
            }
    return checked(rows, "models.dev", LEAST_MODELS)


def _row(name: str, model: dict[str, Any]) -> Row:
    limit, cost = as_dict(model.get("limit")), as_dict(model.get("cost"))
    return Row(
        name=str(model.get("name") or name),
        **_amounts(cost),
        tiers=_tiers(cost),
        context=count_of(limit.get("context")),
        max_output=count_of(limit.get("output")),
        capabilities=_capabilities(name, model),
        released=model["release_date"] if isinstance(model.get("release_date"), str) else None,
    )


def _amounts(cost: dict[str, Any]) -> dict[str, str]:
    found = {ours: usd(cost.get(theirs)) for ours, theirs in _CLASSES.items()}
    return {name: value for name, value in found.items() if value is not None}


def _tiers(cost: dict[str, Any]) -> tuple[TierRow, ...]:
    """Of the prompt's size; `context_over_200k` is the older word for the one at 200,000."""
    listed = cost.get("tiers")
    entries = [as_dict(each) for each in listed] if isinstance(listed, list) else []
    sized = [(as_dict(each.get("tier")), each) for each in entries]
    found = {count_of(tier.get("size")) or 0: _amounts(each) for tier, each in sized if tier.get("type") == "context"}
    found = found or {200_000: _amounts(as_dict(cost.get("context_over_200k")))}
    return tiers_of(found)


def _capabilities(name: str, model: dict[str, Any]) -> tuple[str, ...] | None:
    """None where the list does not say; a word left out means that the model lacks it."""
    if "embed" in name.lower():
        return ("embeddings",)
    modalities = as_dict(model.get("modalities"))
    inputs, outputs = modalities.get("input"), modalities.get("output")
    if not isinstance(inputs, list) or not isinstance(outputs, list):
        return None
    words = {_INPUTS[each] for each in inputs if each in _INPUTS} | {
        _OUTPUTS[each] for each in outputs if each in _OUTPUTS
    }
    if "chat" in words and model.get("structured_output") is not False:
        words.add("json")
    words |= {word for field, word in (("tool_call", "tools"), ("reasoning", "reasoning")) if model.get(field)}
    if model.get("attachment") and "vision" not in words:
        words.add("files")
    return tuple(sorted(words))
