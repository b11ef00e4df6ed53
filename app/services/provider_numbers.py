"""What each provider did lately, for its card: read from the ledger at start, counted as requests end."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, case, func, select, type_coerce
from sqlmodel import Session

from app.core.clock import Clock
from app.db.engine import Database
from app.db.tables.base import columns
from app.db.tables.ledger import AttemptRow, RequestRow
from app.db.types import from_micros, micros
from app.services.budgets import window_start
from app.services.gateway.call import Call
from app.services.gateway.record import ATTEMPT_COLUMNS, REQUEST_COLUMNS
from app.services.spool import Rows

Numbers = tuple[int, int, int]  # attempts and answered ones of 24 hours, nano-dollars of today
Found = tuple[str, int, int, int, int]  # provider, quarter of an hour, attempts, answered ones, nano-dollars

DAY = timedelta(hours=24)
QUARTER = 900_000_000  # microseconds; every zone's day begins on a quarter of an hour of UTC
KEPT = 26 * 4  # quarters: the day on which the clock goes back has 25 hours
SLICE = timedelta(hours=1)
RUN = 50  # answers, as many as are kept while running
_NONE: dict[int, list[int]] = {}

_A: Any = columns(AttemptRow)
_R: Any = columns(RequestRow)


class ProviderNumbers:
    """Three numbers for each provider and quarter of an hour; those of more than a day ago are forgotten. The ledger is
    not read again: all that this process writes to it comes by `add`, and nobody else writes it meanwhile."""

    def __init__(self, db: Database, clock: Clock, zone: ZoneInfo) -> None:
        self._db, self._clock, self._zone = db, clock, zone
        self._quarters: dict[str, dict[int, list[int]]] = {}
        self._newest = 0

    def of(self, provider_id: str) -> Numbers:
        now = self._clock.now()
        midnight = window_start("day", now, self._zone)
        assert midnight is not None
        since, today = _quarter(now - DAY), _quarter(midnight)
        attempts = answered = spend = 0
        for quarter, (tried, good, cost) in self._quarters.get(provider_id, {}).items():
            if quarter >= since:
                attempts += tried
                answered += good
            if quarter >= today:
                spend += cost
        return attempts, answered, spend

    def answered_by_slot(self, provider_id: str, slot_s: float) -> dict[int, tuple[int, int]]:
        """Attempts and answered ones by the number of the slot (of so many seconds since 1970) that the middle of
        their quarter of an hour lies in."""
        slots: dict[int, tuple[int, int]] = {}
        for quarter, (tried, good, _) in self._quarters.get(provider_id, _NONE).items():
            number = int((quarter + 0.5) * QUARTER / 1_000_000 // slot_s)
            before = slots.get(number, (0, 0))
            slots[number] = (before[0] + tried, before[1] + good)
        return slots

    def add(self, call: Call) -> None:
        """A request that has ended."""
        attempts = call.attempts
        for attempt in attempts:
            self._add(attempt.deployment.provider_id, attempt.at // QUARTER, 1, int(attempt.status == 200), 0)
        if attempts and (cost := call.cost):
            self._add(attempts[-1].deployment.provider_id, call.at_us // QUARTER, 0, 0, cost)

    async def load(self, waiting: Iterable[Rows] = ()) -> None:
        """Before the first request: the ledger's last day, in slices, and what waits to be written to it."""
        since = await self._db.read(partial(_oldest, since=_start(_quarter(self._clock.now()) - KEPT)))
        while since is not None:
            end = since + SLICE
            for found in await self._db.read(partial(_read, since=since, until=end)):
                self._add(*found)
            since = await self._db.read(partial(_oldest, since=end))
        for rows in waiting:
            for found in await self._db.read(partial(_missing, rows=rows)):
                self._add(*found)

    async def first_tokens(self, provider_ids: Iterable[str]) -> dict[str, list[int]]:
        """Milliseconds to the first token of each provider's latest answers of a day, the oldest first."""
        since, wanted = self._clock.now() - DAY, list(provider_ids)

        def read(session: Session) -> dict[str, list[int]]:
            found = {}
            for provider_id in wanted:
                query = (
                    select(_R.first_token_ms)
                    .where(_R.provider_id == provider_id, _R.at >= since, _R.first_token_ms.is_not(None))
                    .order_by(_R.at.desc())
                    .limit(RUN)
                )
                if run := list(session.execute(query).scalars()):
                    found[provider_id] = run[::-1]
            return found

        return await self._db.read(read)

    def _add(self, provider_id: str, quarter: int, attempts: int, answered: int, cost: int) -> None:
        numbers = self._quarters.get(provider_id, _NONE).get(quarter)
        if numbers is None:
            if quarter > self._newest:
                self._newest = quarter
                self._forget(quarter - KEPT)
            numbers = self._quarters.setdefault(provider_id, {}).setdefault(quarter, [0, 0, 0])
        numbers[0] += attempts
        numbers[1] += answered
        numbers[2] += cost

    def _forget(self, before: int) -> None:
        for provider_id, quarters in list(self._quarters.items()):
            kept = {quarter: numbers for quarter, numbers in quarters.items() if quarter >= before}
            if kept:
                self._quarters[provider_id] = kept
            else:
                del self._quarters[provider_id]


def _quarter(moment: datetime) -> int:
    return micros(moment) // QUARTER


def _start(quarter: int) -> datetime:
    return from_micros(quarter * QUARTER)


def _oldest(session: Session, since: datetime) -> datetime | None:
    """The start of the first quarter of an hour from `since` on in which anything is."""
    found = [session.execute(select(func.min(at)).where(at >= since)).scalar() for at in (_A.started_at, _R.at)]
    return min((_start(_quarter(moment)) for moment in found if moment is not None), default=None)


def _read(session: Session, since: datetime, until: datetime) -> list[Found]:
    quarter = (type_coerce(_A.started_at, BigInteger()) // QUARTER).label("quarter")
    answered = func.sum(case((_A.status == 200, 1), else_=0))
    attempts = (
        select(_A.provider_id, quarter, func.count(), answered)
        .where(_A.started_at >= since, _A.started_at < until, _A.state != "open")
        .group_by(_A.provider_id, "quarter")
    )
    quarter = (type_coerce(_R.at, BigInteger()) // QUARTER).label("quarter")
    spend = (
        select(_R.provider_id, quarter, func.sum(_R.cost))
        .where(_R.at >= since, _R.at < until, _R.cost > 0, _R.provider_id.is_not(None))
        .group_by(_R.provider_id, "quarter")
    )
    found = [(str(id), int(number), int(n), int(good), 0) for id, number, n, good in session.execute(attempts)]
    return found + [(str(id), int(number), 0, 0, int(cost)) for id, number, cost in session.execute(spend)]


def _missing(session: Session, rows: Rows) -> list[Found]:
    """Of rows that wait to be written, what the ledger does not have yet."""
    found: list[Found] = []
    for name, row_id, values in rows:
        if name == "attempt" and session.get(AttemptRow, row_id) is None:
            row = dict(zip(ATTEMPT_COLUMNS, values, strict=True))
            quarter = int(row["started_at"]) // QUARTER
            found.append((str(row["provider_id"]), quarter, 1, int(row["status"] == 200), 0))
        if name == "request" and session.get(RequestRow, row_id) is None:
            row = dict(zip(REQUEST_COLUMNS, values, strict=True))
            if row["provider_id"] and row["cost"]:
                found.append((str(row["provider_id"]), int(row["at"]) // QUARTER, 0, 0, int(row["cost"])))
    return found
