"""Reading and changing the settings that change while running."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session

from app.core.clock import Clock
from app.db.tables.settings import SettingRow
from app.services.audit import note
from app.services.runtime import KNOWN, check_setting
from app.services.state import State
from app.services.tier_members import check_members
from app.services.views import Actor


class RuntimeStore:
    def __init__(self, state: State, clock: Clock) -> None:
        self._state, self._clock = state, clock

    def get(self, name: str) -> Any:
        return self._state.current.runtime.get(name)

    def all(self) -> dict[str, Any]:
        return self._state.current.runtime.all()

    async def set(self, actor: Actor | str, values: dict[str, Any]) -> dict[str, Any]:
        """All or none. Raises BadRequest or NotFound naming the setting, Conflict where a tier that goes is in use."""
        checked = {name: check_setting(name, value) for name, value in values.items()}
        before = {name: self.get(name) for name in checked}

        def write(session: Session) -> None:
            write_settings(session, checked)
            note(session, actor, "change settings", ", ".join(checked), before, checked)
            check_members(session)

        await self._state.change(write)
        return self.all()


def write_settings(session: Session, values: dict[str, Any]) -> list[str]:
    """None takes a setting back to its default. Returns the names whose value changed."""
    changed = []
    for name, value in values.items():
        default = KNOWN[name].default
        wanted = default if value is None else value
        row = session.get(SettingRow, name)
        if (row.value if row is not None else default) != wanted:
            changed.append(name)
        if wanted == default:
            if row is not None:
                session.delete(row)
            continue
        row = row or SettingRow(name=name)
        row.value = wanted
        session.add(row)
    return changed
