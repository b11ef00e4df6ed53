"""Settings that change while running: rows of the database, each with its default and what it accepts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from app.core.errors import BadRequest, NotFound
from app.services.tiers import DEFAULT, Tier, are_tiers, read_tiers


class Setting(msgspec.Struct, frozen=True):
    name: str
    default: Any
    accepts: str
    check: Callable[[Any], bool]


def _number(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


KNOWN: dict[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting("team_name", "", "text of at most 60 characters", lambda v: isinstance(v, str) and len(v) <= 60),
        Setting("max_body_mb", 32, "megabytes, from 1 to 256", _number(1, 256)),
        Setting("tiers", DEFAULT, "a table of tiers, each with limits, models and min_score", are_tiers),
        Setting("probe_interval_s", 60, "seconds between probes of a provider, from 10 to 86400", _number(10, 86400)),
        Setting("models_refresh_h", 24, "hours between looks for new models, from 1 to 720", _number(1, 720)),
        Setting("prices_refresh_h", 24, "hours between refreshes of the catalogue, from 1 to 720", _number(1, 720)),
    )
}


def check_setting(name: str, value: Any) -> Any:
    """The value, or BadRequest naming what the setting accepts."""
    setting = KNOWN.get(name)
    if setting is None:
        raise NotFound(f'There is no setting "{name}"; known are {", ".join(KNOWN)}.')
    if not setting.check(value):
        raise BadRequest(f"{name}: it takes {setting.accepts}.", field=name)
    return value


class RuntimeSettings:
    """The values in force: what the database says, else the default."""

    def __init__(self, stored: dict[str, Any]) -> None:
        self._stored = {name: value for name, value in stored.items() if name in KNOWN}

        self.tiers: dict[str, Tier] = read_tiers(self.get("tiers"))

    def get(self, name: str) -> Any:
        return self._stored.get(name, KNOWN[name].default)

    def all(self) -> dict[str, Any]:
        return {name: self.get(name) for name in KNOWN}

    @property
    def stored(self) -> dict[str, Any]:
        """Only what was set."""
        return dict(self._stored)

    @property
    def max_body_bytes(self) -> int:
        return int(self.get("max_body_mb") * 2**20)
