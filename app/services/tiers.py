"""Tiers: what people and keys of one get where nothing of their own is tighter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from app.core.errors import BadRequest
from app.db.tables.settings import SettingRow
from app.routing.conditions import glob_pattern
from app.services.key_fields import check_limits

MOST = 50
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
FIELDS = ("limits", "models", "min_score")
DEFAULT: dict[str, Any] = {
    "free": {"limits": {"rpm": 20, "rpd": 500, "tpm": 50_000, "concurrent": 2}},
    "pro": {"limits": {"rpm": 300, "tpm": 2_000_000, "concurrent": 20}},
}


@dataclass(frozen=True, slots=True)
class Tier:
    """`models` are globs over what it opens, none where it opens all, and `pattern` is what they make; `min_score` is
    what it asks of a provider, 0…1."""

    name: str
    limits: dict[str, int]
    models: tuple[str, ...]
    pattern: re.Pattern[str] | None
    min_score: float

    def tightened(self, own: Mapping[str, int]) -> dict[str, int]:
        """With limits of one's own: the smaller one of each holds."""
        names = dict.fromkeys((*self.limits, *own))
        return {name: min(value for limits in (self.limits, own) if (value := limits.get(name))) for name in names}


def read_tiers(value: Mapping[str, Any]) -> dict[str, Tier]:
    """By name. Raises BadRequest naming the field."""
    if len(value) > MOST:
        raise BadRequest(f"tiers: at most {MOST}.", field="tiers")
    return {name: _tier(name, fields) for name, fields in value.items()}


def are_tiers(value: Any) -> bool:
    try:
        return isinstance(value, dict) and read_tiers(value) is not None
    except BadRequest:
        return False


def tiers_in(session: Session) -> dict[str, Tier]:
    """As the caller's transaction knows them."""
    return read_tiers(tier_fields_in(session))


def tier_fields_in(session: Session) -> dict[str, Any]:
    """The setting itself, as the caller's transaction knows it: a copy."""
    session.flush()
    row = session.get(SettingRow, "tiers")
    return dict(DEFAULT if row is None else row.value)


def check_tier(name: str | None, known: Mapping[str, Tier]) -> None:
    if name is not None and name not in known:
        there = ", ".join(known) or "none"
        raise BadRequest(f'tier: there is no tier "{name}"; known are {there} (setting tiers).', field="tier")


def _tier(name: str, fields: Any) -> Tier:
    where = f"tiers.{name}"
    if not NAME.fullmatch(name):
        raise BadRequest(f'tiers: "{name}" is not a name; use letters, digits, dots and dashes.', field="tiers")
    if not isinstance(fields, dict) or fields.keys() - set(FIELDS):
        raise BadRequest(f"{where}: a table with {', '.join(FIELDS)}.", field=where)
    limits, models, score = fields.get("limits", {}), fields.get("models"), fields.get("min_score", 0)
    if not isinstance(limits, dict):
        raise BadRequest(f"{where}.limits: a table such as {{ rpm = 20 }}.", field=f"{where}.limits")
    if models is not None and (not isinstance(models, list) or not all(isinstance(one, str) for one in models)):
        raise BadRequest(f"{where}.models: a list of names and globs.", field=f"{where}.models")
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        raise BadRequest(f"{where}.min_score: a number from 0 to 1.", field=f"{where}.min_score")
    opens = tuple(models or ())
    return Tier(name, check_limits(limits), opens, glob_pattern(list(opens)) if opens else None, float(score))
