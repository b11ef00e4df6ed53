"""OpenRouter's public list of its own models, as rows of the catalogue."""

from __future__ import annotations

from app.core.errors import UnreadableAnswer
from app.core.money import parse_usd
from app.core.price import TOKEN_CLASSES
from app.core.price_text import write_price
from app.providers.catalog import Row, Rows, TierRow
from app.providers.model_lists import openrouter_model
from app.providers.price_rows import DEAREST, as_dict, checked, read_document

LEAST_MODELS = 100


def openrouter_rows(body: bytes) -> Rows:
    """Rows of /api/v1/models, which lists all at once where neither `limit` nor `offset` is asked for. Raises
    UnreadableAnswer for anything that is not a whole list."""
    rows: dict[str, Row] = {}
    entries = read_document(body, "OpenRouter").get("data")
    for entry in entries if isinstance(entries, list) else ():
        try:
            model = openrouter_model(as_dict(entry))
        except UnreadableAnswer:
            continue
        written = write_price(model.price) if model.price is not None else {}
        if any(parse_usd(written.get(name, "0")) > DEAREST * 10**9 for name in TOKEN_CLASSES):
            written = {}
        tiers = written.pop("tiers", ())
        rows[model.id] = Row(
            name=model.name or model.id,
            **written,
            tiers=tuple(TierRow(**tier) for tier in tiers),
            context=model.context_window,
            max_output=model.max_output_tokens,
            capabilities=tuple(sorted(model.capabilities)) if model.capabilities is not None else None,
        )
    return checked({"openrouter": rows}, "OpenRouter", LEAST_MODELS)
