"""What all lists of prices share: reading amounts and counts, and what is no price."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from app.core.errors import BadRequest, UnreadableAnswer
from app.core.price_text import MOST_TIERS
from app.providers.catalog import Row, Rows, TierRow

DEAREST = 20_000  # USD per million tokens: the dearest there is costs 600, so this is a slip of the list
LONGEST_ID = 200

_DECODER = msgspec.json.Decoder(float_hook=Decimal)  # prices keep their digits


def read_document(body: bytes, source: str) -> dict[str, Any]:
    """Raises UnreadableAnswer where it is no JSON object."""
    try:
        document = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UnreadableAnswer(f"The list of {source} is not JSON.") from None
    return as_dict(document)


def checked(rows: dict[str, dict[str, Row]], source: str, least: int) -> Rows:
    """The rows without those that make no sense. Raises UnreadableAnswer where so few are left that it is no list to
    replace a good one with."""
    good = {
        provider: {name: row for name, row in models.items() if _makes_sense(name, row)}
        for provider, models in rows.items()
    }
    count = sum(len(models) for models in good.values())
    if count < least:
        raise UnreadableAnswer(f"The list of {source} holds only {count} models; the known ones are kept.")
    return good


def tiers_of(found: dict[int, dict[str, str]]) -> tuple[TierRow, ...]:
    """By the size of the prompt above which their prices hold."""
    rows = [TierRow(above=size, **found[size]) for size in sorted(found) if size and found[size]]
    return tuple(rows[:MOST_TIERS])


def usd(value: Any, factor: int = 1) -> str | None:
    """A decimal string of USD; None of what is no price. `factor`: a million where the list says it by the token."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    amount = Decimal(value) * factor
    if not amount.is_finite() or not 0 <= amount <= DEAREST:
        return None
    return f"{amount.normalize():f}"


def count_of(value: Any) -> int | None:
    return int(value) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _makes_sense(name: str, row: Row) -> bool:
    if not name.strip() or len(name) > LONGEST_ID or "\0" in name:
        return False
    try:
        row.price()
    except BadRequest:
        return False
    return True
