"""Tiers as an admin sees and edits them: one at a time, so that two admins do not undo each other's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from app.core.errors import Conflict, NotFound
from app.routing.document import Rule
from app.services.audit import note
from app.services.runtime_store import write_settings
from app.services.state import State
from app.services.tier_members import check_members
from app.services.tiers import read_tiers, tier_fields_in
from app.services.views import Actor


@dataclass(frozen=True, slots=True)
class TierView:
    """`keys` are the names of those in force by it, by their own choice or their person's; `own_keys` those by their
    own; `people` are e-mail addresses; `routers` have a live rule that asks for it."""

    name: str
    limits: dict[str, int]
    models: tuple[str, ...]
    min_score: float
    keys: tuple[str, ...] = ()
    own_keys: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    routers: tuple[str, ...] = ()


class Tiers:
    def __init__(self, state: State) -> None:
        self._state = state

    def names(self) -> list[str]:
        return list(self._state.current.runtime.tiers)

    def list(self) -> list[TierView]:
        """In the order of the setting. Revoked keys do not count."""
        now = self._state.current
        keys = [key for key in now.keys.values() if not key.disabled]
        return [
            TierView(
                name=tier.name,
                limits=tier.limits,
                models=tier.models,
                min_score=tier.min_score,
                keys=_sorted(key.name for key in keys if key.in_tier is tier),
                own_keys=_sorted(key.name for key in keys if key.tier == tier.name),
                people=_sorted(person.email for person in now.people.values() if person.tier == tier.name),
                routers=_sorted(
                    name
                    for name, (document, _) in now.documents.items()
                    if any(tier.name in tiers for rule in document.rules for tiers in _asked_for(rule))
                ),
            )
            for tier in now.runtime.tiers.values()
        ]

    def limits(self, name: str | None) -> dict[str, int]:
        """None and names that do not exist limit nothing."""
        tier = self._state.current.runtime.tiers.get(name or "")
        return tier.limits if tier is not None else {}

    async def add(self, actor: Actor | str, name: str, fields: Mapping[str, Any]) -> None:
        """`fields` as in a file: `{"limits": {"rpm": 20}, "models": ["small*"], "min_score": 0.5}`. Raises BadRequest
        naming the field, and Conflict where the name is taken."""

        def change(tiers: dict[str, Any]) -> None:
            if name in tiers:
                raise Conflict(f'name: there already is a tier "{name}".', field="name")
            tiers[name] = dict(fields)

        await self._write(actor, change)

    async def update(self, actor: Actor | str, name: str, fields: Mapping[str, Any]) -> None:
        """Replaces all but the name."""

        def change(tiers: dict[str, Any]) -> None:
            _there(tiers, name)
            tiers[name] = dict(fields)

        await self._write(actor, change)

    async def remove(self, actor: Actor | str, name: str) -> None:
        """Raises Conflict while a key or a person is in it."""

        def change(tiers: dict[str, Any]) -> None:
            _there(tiers, name)
            del tiers[name]

        await self._write(actor, change)

    async def _write(self, actor: Actor | str, change: Callable[[dict[str, Any]], None]) -> None:
        def write(session: Session) -> None:
            before = tier_fields_in(session)
            after = dict(before)
            change(after)
            read_tiers(after)
            if write_settings(session, {"tiers": after}):
                note(session, actor, "change settings", "tiers", {"tiers": before}, {"tiers": after})
            check_members(session)

        await self._state.change(write)


def _there(tiers: Mapping[str, Any], name: str) -> None:
    if name not in tiers:
        raise NotFound(f'There is no tier "{name}" any more.')


def _asked_for(rule: Rule) -> Iterable[list[str]]:
    return (conditions.tiers for conditions in (rule.when, rule.unless) if conditions is not None)


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names))
