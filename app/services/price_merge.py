"""Newer prices laid over the known ones: what is taken over, and what jumped so far that a person should look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from app.core.price import Price, read_stored_price, stored_price
from app.core.price_text import CLASSES, write_price
from app.providers.catalog import Row, Rows, TierRow

JUMP = 10  # times as much, or as little
MANY = 0.2  # of the compared prices: then it is the list that jumped, not its prices
MANY_AT_LEAST = 50

ModelKey = tuple[str, str]  # the catalogue's name of the provider, and the model's id
_TOKENS = ("input", "output")
_COMPARED = (*_TOKENS, "image", "minute", "request")
_NO_PRICE: dict[str, Any] = {**dict.fromkeys(CLASSES), "tiers": ()}


@dataclass(frozen=True, slots=True)
class PriceMove:
    provider: str
    model: str
    before: Price | None
    after: Price | None

    @property
    def key(self) -> ModelKey:
        return (self.provider, self.model)


@dataclass(slots=True)
class Merged:
    """`rows` hold the old price of every model among `jumps`. `compared` counts prices that both lists know."""

    rows: dict[str, dict[str, Row]]
    moves: list[PriceMove] = field(default_factory=list)
    jumps: list[PriceMove] = field(default_factory=list)
    compared: int = 0

    @property
    def distrusted(self) -> bool:
        return len(self.jumps) > max(MANY_AT_LEAST, MANY * self.compared)


def merge(known: Rows, newer: Rows, allowed: Mapping[ModelKey, Price] | None = None) -> Merged:
    """Unknown never takes the place of what is known, and models that the newer list lacks stay. `allowed` are prices
    that a person confirmed, however far they are from the known ones."""
    merged = Merged({provider: dict(models) for provider, models in known.items()})
    for provider, models in newer.items():
        ours = merged.rows.setdefault(provider, {})
        for model_id, row in models.items():
            ours[model_id] = _merge_row(merged, (provider, model_id), ours.get(model_id), row, allowed or {})
    return merged


def with_price(row: Row, price: Price | None) -> Row:
    written = write_price(price) if price is not None else {}
    tiers = tuple(TierRow(**tier) for tier in written.pop("tiers", ()))
    return msgspec.structs.replace(row, **{**_NO_PRICE, **written, "tiers": tiers})


def jumped(before: Price, after: Price) -> bool:
    """Whether any main amount is more than ten times as much or as little; from free, and to free, is as well."""
    return any(_far(getattr(before, name) or 0, getattr(after, name) or 0, name in _TOKENS) for name in _COMPARED)


def _merge_row(merged: Merged, key: ModelKey, old: Row | None, row: Row, allowed: Mapping[ModelKey, Price]) -> Row:
    new_price = row.price()
    if old is None:
        if new_price is not None and _costs_nothing(new_price) and not _named_free(key[1]):
            row = with_price(row, None)  # two zeros stand for a price that is not known
        return row if row.name else msgspec.structs.replace(row, name=key[1])
    old_price = old.price()
    row = _with_facts(old, row)
    if new_price is None:
        return with_price(row, old_price)
    if old_price is None:
        if _costs_nothing(new_price) and not _named_free(key[1]):
            return with_price(row, None)
        merged.moves.append(PriceMove(*key, None, new_price))
        return row
    merged.compared += 1
    new_price = _with_details(old_price, new_price)
    if new_price == old_price:
        return with_price(row, old_price)
    move = PriceMove(*key, old_price, new_price)
    if jumped(old_price, new_price) and allowed.get(key) != new_price:
        merged.jumps.append(move)
        return with_price(row, old_price)
    merged.moves.append(move)
    return with_price(row, new_price)


def _with_facts(old: Row, new: Row) -> Row:
    """The newer facts; what the newer list does not say stays."""
    return msgspec.structs.replace(
        new,
        name=new.name or old.name,
        context=new.context or old.context,
        max_output=new.max_output or old.max_output,
        capabilities=new.capabilities if new.capabilities is not None else old.capabilities,
        released=new.released or old.released,
    )


def _with_details(old: Price, new: Price) -> Price:
    """What only the older list prices apart stays where both agree on the rest."""
    if (old.input, old.output) != (new.input, new.output):
        return new
    return read_stored_price(stored_price(old) | stored_price(new))


def _far(old: int, new: int, always_known: bool) -> bool:
    if not old:  # of what is paid by the piece, nothing may also mean that the older list had no word for it
        return bool(new) and always_known
    return not new or max(old, new) > JUMP * min(old, new)


def _costs_nothing(price: Price) -> bool:
    return not any(getattr(price, name) for name in _COMPARED)


def _named_free(model_id: str) -> bool:
    return model_id.lower().endswith("free")
