"""Public lists of models and prices, turned into rows of the catalogue."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from app.core.errors import UnreadableAnswer
from app.core.price_text import MOST_TIERS
from app.providers.catalog import Row, Rows, TierRow

MODELS_DEV = "https://models.dev/api.json"
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

_DECODER = msgspec.json.Decoder(float_hook=Decimal)  # prices keep their digits
_DEAREST = 1_000_000  # USD: a slip of the list, not a price
_INPUTS = {"image": "vision", "pdf": "files", "audio": "audio_in"}
_OUTPUTS = {"text": "chat", "audio": "audio_out", "image": "image_out"}


def models_dev_rows(body: bytes) -> Rows:
    """Rows of models.dev's api.json: provider → model → facts, prices in USD per million tokens. Raises
    UnreadableAnswer for anything that is not a whole list."""
    try:
        document = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UnreadableAnswer("The list of models.dev is not JSON.") from None
    rows: dict[str, dict[str, Row]] = {}
    for provider, entry in document.items() if isinstance(document, dict) else ():
        models = entry.get("models") if isinstance(entry, dict) else None
        if isinstance(models, dict):
            rows[provider] = {
                str(name): _row(str(name), each) for name, each in models.items() if isinstance(each, dict)
            }
    count = sum(len(models) for models in rows.values())
    if count < LEAST_MODELS:
        raise UnreadableAnswer(f"The list of models.dev holds only {count} models; the known ones are kept.")
    return rows


def _row(name: str, model: dict[str, Any]) -> Row:
    limit, cost = _dict(model.get("limit")), _dict(model.get("cost"))
    # two zeros mean free only where the name says so; elsewhere they stand for a price that is not known
    known = bool(cost.get("input") or cost.get("output")) or name.lower().endswith("free")
    return Row(
        name=str(model.get("name") or name),
        **(_amounts(cost) if known else {}),
        tiers=_tiers(cost) if known else (),
        context=_count(limit.get("context")),
        max_output=_count(limit.get("output")),
        capabilities=_capabilities(name, model),
        released=model["release_date"] if isinstance(model.get("release_date"), str) else None,
    )


def _amounts(cost: dict[str, Any]) -> dict[str, str]:
    found = {ours: _usd(cost.get(theirs)) for ours, theirs in _CLASSES.items()}
    return {name: value for name, value in found.items() if value is not None}


def _tiers(cost: dict[str, Any]) -> tuple[TierRow, ...]:
    """Of the prompt's size; `context_over_200k` is the older word for the one at 200,000."""
    listed = cost.get("tiers")
    entries = [_dict(each) for each in listed] if isinstance(listed, list) else []
    sized = [(_dict(each.get("tier")), each) for each in entries]
    found = {_count(tier.get("size")) or 0: _amounts(each) for tier, each in sized if tier.get("type") == "context"}
    found = found or {200_000: _amounts(_dict(cost.get("context_over_200k")))}
    rows = [TierRow(above=size, **found[size]) for size in sorted(found) if size and found[size]]
    return tuple(rows[:MOST_TIERS])


def _capabilities(name: str, model: dict[str, Any]) -> tuple[str, ...] | None:
    """None where the list does not say; a word left out means that the model lacks it."""
    if "embed" in name.lower():
        return ("embeddings",)
    modalities = _dict(model.get("modalities"))
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


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _usd(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value <= _DEAREST:
        return None
    return str(value)


def _count(value: Any) -> int | None:
    return int(value) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
