"""Limits in words: one by one, and what is in force where a tier is tighter than a key's own."""

from __future__ import annotations

from collections.abc import Mapping

from components.format import count, tokens

LABELS = {
    "rps": "Requests a second",
    "rpm": "Requests a minute",
    "rpd": "Requests a day",
    "tpm": "Tokens a minute",
    "concurrent": "At the same time",
}
_UNITS = {"concurrent": "at once"}  # the others are their own


def limit_words(limits: Mapping[str, int]) -> str:
    """`20 rpm, 50k tpm, 2 at once`"""
    return ", ".join(f"{_short(name, limits[name])} {_unit(name)}" for name in LABELS if name in limits)


def narrowed(own: Mapping[str, int], tier: Mapping[str, int]) -> str:
    """What the tier leaves of a key's own limits: `20 of 100 rpm`. Empty where its own are as tight."""
    wider = [name for name in LABELS if name in own and name in tier and own[name] > tier[name]]
    return ", ".join(f"{_short(name, tier[name])} of {_short(name, own[name])} {_unit(name)}" for name in wider)


def in_force(own: Mapping[str, int], tier: Mapping[str, int], name: str) -> str:
    """A sentence about the limits that come from the tier: `In force: 20 of 100 rpm, 2 at once, by tier free.` Empty
    where the key's own are all that counts."""
    added = {limit: value for limit, value in tier.items() if limit not in own}
    parts = [part for part in (narrowed(own, tier), limit_words(added)) if part]
    return f"In force: {', '.join(parts)}, by tier {name}." if parts else ""


def _unit(name: str) -> str:
    return _UNITS.get(name, name)


def _short(name: str, value: int) -> str:
    return tokens(value).replace(".0", "") if name == "tpm" else count(value)
