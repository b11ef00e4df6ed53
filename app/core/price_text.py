"""Prices as people write them: decimal strings of USD, tokens by the million."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from app.core.errors import BadRequest
from app.core.money import format_usd, parse_usd
from app.core.price import TOKEN_CLASSES, UNIT_CLASSES, Price, PriceTier

CLASSES = (*TOKEN_CLASSES, *UNIT_CLASSES)
MOST_TIERS = 20


def read_price(values: Mapping[str, Any], where: str = "price") -> Price:
    """A price from `{input, output, …, tiers: [{above, …}]}`: amounts are decimal strings of USD, `above` is a number
    of tokens. Raises BadRequest naming the field."""
    _only(values, (*CLASSES, "tiers"), where)
    for name in ("input", "output"):
        if values.get(name) is None:
            raise BadRequest(
                f'{where}.{name} is missing; write USD per 1M tokens, such as "0.15".', field=f"{where}.{name}"
            )
    tiers = values.get("tiers") or ()
    if not isinstance(tiers, list | tuple) or len(tiers) > MOST_TIERS:
        raise BadRequest(f"{where}.tiers: a list of up to {MOST_TIERS} tiers.", field=f"{where}.tiers")
    read = sorted((_tier(tier, f"{where}.tiers[{at}]") for at, tier in enumerate(tiers)), key=lambda tier: tier.above)
    for lower, upper in pairwise(read):
        if lower.above == upper.above:
            raise BadRequest(
                f"{where}.tiers: there are two tiers above {lower.above}; leave one.", field=f"{where}.tiers"
            )
    return Price(**_amounts(values, CLASSES, where), tiers=tuple(read))


def write_price(price: Price) -> dict[str, Any]:
    """The same in decimal strings; `read_price` of it is the same price. What is left out is absent."""
    written: dict[str, Any] = _texts(price, TOKEN_CLASSES) | _texts(price, ("image", "minute"))
    if price.request:
        written["request"] = format_usd(price.request)
    if price.tiers:
        written["tiers"] = [{"above": tier.above} | _texts(tier, TOKEN_CLASSES) for tier in price.tiers]
    return written


def _tier(values: Any, where: str) -> PriceTier:
    if not isinstance(values, Mapping):
        raise BadRequest(f'{where}: a table such as {{ above = 200000, input = "2.50" }}.', field=where)
    _only(values, ("above", *TOKEN_CLASSES), where)
    above = values.get("above")
    if isinstance(above, bool) or not isinstance(above, int) or above < 1:
        raise BadRequest(
            f"{where}.above: the prompt's size in tokens, a whole number, 1 or more.", field=f"{where}.above"
        )
    amounts = _amounts(values, TOKEN_CLASSES, where)
    if not amounts:
        raise BadRequest(f"{where}: name at least one price that differs above {above} tokens.", field=where)
    return PriceTier(above=above, **amounts)


def _only(values: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for name in values:
        if name not in known:
            raise BadRequest(f'{where}: "{name}" is not one of {", ".join(known)}.', field=f"{where}.{name}")


def _amounts(values: Mapping[str, Any], names: tuple[str, ...], where: str) -> dict[str, int]:
    return {name: parse_usd(values[name], f"{where}.{name}") for name in names if values.get(name) is not None}


def _texts(source: Price | PriceTier, names: tuple[str, ...]) -> dict[str, str]:
    return {name: format_usd(value) for name in names if (value := getattr(source, name)) is not None}
