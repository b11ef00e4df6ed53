"""What probes found: the last 24 hours in 90 slots per provider, kept in memory and in the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlmodel import Session, col, delete, select

from app.core.clock import Clock
from app.db.engine import Database
from app.db.tables.providers import ProbeRow

SLOTS = 90
SPAN = timedelta(hours=24)
KEEP = timedelta(days=7)
SLOT_S = SPAN.total_seconds() / SLOTS
ENOUGH, FINE = 5, 0.95  # attempts of a slot that count, and the share of them that is to be answered
NOBODY: Mapping[int, tuple[int, int]] = MappingProxyType({})


@dataclass(slots=True)
class History:
    """`slots` holds (good, bad) by slot number; the last result stands apart."""

    slots: dict[int, tuple[int, int]] = field(default_factory=dict)
    at: datetime | None = None
    ok: bool = True
    error: str | None = None
    latency_ms: int = 0
    down_since: datetime | None = None


class Probes:
    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock
        self._histories: dict[str, History] = {}

    async def load(self) -> None:
        since = self._clock.now() - SPAN

        def read(session: Session) -> list[ProbeRow]:
            query = select(ProbeRow).where(col(ProbeRow.at) >= since).order_by(col(ProbeRow.at))
            return list(session.exec(query))

        for row in await self._db.read(read):
            self._add(row.provider_id, row.at, row.ok, row.error, row.latency_ms)

    async def record(self, provider_id: str, ok: bool, error: str | None, latency_ms: int) -> None:
        now = self._clock.now()
        self._add(provider_id, now, ok, error, latency_ms)

        def write(session: Session) -> None:
            session.add(ProbeRow(provider_id=provider_id, at=now, ok=ok, error=error, latency_ms=latency_ms))
            session.exec(delete(ProbeRow).where(col(ProbeRow.at) < now - KEEP))

        await self._db.write(write)

    def history(self, provider_id: str) -> History:
        return self._histories.get(provider_id) or History()

    def uptime(self, provider_id: str, asked: Mapping[int, tuple[int, int]] = NOBODY) -> tuple[int, ...]:
        """90 slots, the newest last: 0 no data, 1 good, 2 partly, 3 down. `asked` are attempts of real requests and how
        many were answered, by slot."""
        slots = self.history(provider_id).slots
        newest = _slot(self._clock.now())
        return tuple(
            _both(_grade(*slots.get(number, (0, 0))), *asked.get(number, (0, 0)))
            for number in range(newest - SLOTS + 1, newest + 1)
        )

    def availability(self, provider_id: str) -> float | None:
        slots = self.history(provider_id).slots
        good = sum(good for good, _ in slots.values())
        total = good + sum(bad for _, bad in slots.values())
        return good / total if total else None

    def forget(self, alive: set[str]) -> None:
        self._histories = {key: value for key, value in self._histories.items() if key in alive}

    def _add(self, provider_id: str, at: datetime, ok: bool, error: str | None, latency_ms: int) -> None:
        history = self._histories.setdefault(provider_id, History())
        number = _slot(at)
        good, bad = history.slots.get(number, (0, 0))
        history.slots[number] = (good + ok, bad + (not ok))
        for old in [slot for slot in history.slots if slot <= number - SLOTS]:
            del history.slots[old]
        history.down_since = None if ok else history.down_since or at
        history.at, history.ok, history.error, history.latency_ms = at, ok, error, latency_ms


def _slot(at: datetime) -> int:
    return int(at.timestamp() // SLOT_S)


def _both(probed: int, attempts: int, answered: int) -> int:
    """What requests met says more than probes, where there were enough."""
    if attempts < ENOUGH:
        return probed
    asked = 1 if answered >= FINE * attempts else 2 if answered else 3
    return 2 if {probed, asked} == {1, 3} else max(probed, asked) if probed != 3 else min(asked + 1, 3)


def _grade(good: int, bad: int) -> int:
    if not good and not bad:
        return 0
    if not bad:
        return 1
    return 2 if good else 3
