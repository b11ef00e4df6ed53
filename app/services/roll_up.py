"""The ledger summed by the hour: finished hours once, and anew where rows arrived late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import case, func, insert, select
from sqlmodel import Session, col, delete

from app.core.clock import Clock
from app.db.engine import Database
from app.db.tables.base import columns
from app.db.tables.ledger import RequestRow
from app.db.tables.settings import MetaRow
from app.db.tables.statistics import HourRow
from app.db.types import from_micros, micros

HOUR = timedelta(hours=1)
SLICE = timedelta(minutes=10)  # read at once
LOOKED_BACK = 72  # hours before the last run's end whose rows may have come late: a stream's, or from the spool
ROLLED_UP = "rolled_up"  # the hour (since 1970) before which all are summed
KEYS = ("key_id", "person_id", "provider_id", "model", "router", "router_version", "rule")
NAMES = ("provider", "provider_kind")  # of the provider; it may be renamed within the hour
SUMS = (
    "requests",
    "failures",
    "attempts",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cost",
    "unpriced",
    "latency_ms",
    "first_token_ms",
    "first_tokens",
)

Texts = tuple[Any, ...]
Sums = dict[Texts, tuple[Texts, list[int]]]  # by KEYS: NAMES and SUMS

_R: Any = columns(RequestRow)
_H: Any = HourRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class RolledUp:
    hours: int  # summed for the first time
    again: int  # summed anew, because rows had come late
    until: datetime  # before this moment everything is summed


class RollUp:
    """An hour is written in one transaction, so that stopping in the middle loses nothing and doing it twice changes
    nothing. Each read is of ten minutes of the ledger at most, whatever lies behind."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock

    async def run(self) -> RolledUp:
        this_hour = _hour(self._clock.now())
        done = await self._db.read(_done)
        start = await self._next(from_micros(0) if done is None else _start(max(done - LOOKED_BACK, 0)))
        hours = again = 0
        while start is not None and _hour(start) < this_hour:
            late = done is not None and _hour(start) < done
            if not late or await self._db.read(partial(_differs, start=start)):
                await self._sum(start)
                again += late
                hours += not late
            start = await self._next(start + HOUR)
        await self._db.write(partial(_note, hour=this_hour))
        return RolledUp(hours, again, _start(this_hour))

    async def _sum(self, start: datetime) -> None:
        sums: Sums = {}
        at = start
        while at < start + HOUR:
            for keys, names, values in await self._db.read(partial(_read, since=at, until=at + SLICE)):
                _, known = sums.get(keys, (names, [0] * len(SUMS)))
                sums[keys] = (names, [before + value for before, value in zip(known, values, strict=True)])
            at += SLICE
        await self._db.write(partial(_replace, start=start, sums=sums))

    async def _next(self, since: datetime) -> datetime | None:
        """The first hour from this moment on in which there are requests or sums."""
        return await self._db.read(partial(_first, since=since))


def _done(session: Session) -> int | None:
    row = session.get(MetaRow, ROLLED_UP)
    return row.number if row is not None else None


def _note(session: Session, hour: int) -> None:
    row = session.get(MetaRow, ROLLED_UP) or MetaRow(name=ROLLED_UP)
    row.number = max(row.number, hour)
    session.add(row)


def _first(session: Session, since: datetime) -> datetime | None:
    queries = (select(func.min(_R.at)).where(_R.at >= since), select(func.min(_H.c.hour)).where(_H.c.hour >= since))
    found = [session.execute(query).scalar() for query in queries]
    return min((_start(_hour(moment)) for moment in found if moment is not None), default=None)


def _differs(session: Session, start: datetime) -> bool:
    """Whether the ledger has other requests of this hour than were summed: the index of times answers that."""
    counted = session.execute(select(func.count()).where(_R.at >= start, _R.at < start + HOUR)).scalar_one()
    summed = session.execute(select(func.sum(_H.c.requests)).where(_H.c.hour == start)).scalar_one()
    return bool(counted != (summed or 0))


def _read(session: Session, since: datetime, until: datetime) -> list[tuple[Texts, Texts, list[int]]]:
    keys = [func.coalesce(getattr(_R, name), 0 if name == "router_version" else "").label(name) for name in KEYS]
    names = [func.coalesce(func.max(getattr(_R, name)), "") for name in NAMES]
    sums = {
        "requests": func.count(),
        "failures": func.sum(case((_R.status >= 400, 1), else_=0)),
        "attempts": func.sum(_R.attempts),
        "unpriced": func.sum(case((_R.cost.is_(None), 1), else_=0)),
        "first_tokens": func.count(_R.first_token_ms),
    }
    values = [sums[name] if name in sums else func.coalesce(func.sum(getattr(_R, name)), 0) for name in SUMS]
    query = select(*keys, *names, *values).where(_R.at >= since, _R.at < until).group_by(*keys)
    found = [tuple(row) for row in session.execute(query)]
    named = len(KEYS) + len(NAMES)
    return [(row[: len(KEYS)], row[len(KEYS) : named], [int(each) for each in row[named:]]) for row in found]


def _replace(session: Session, start: datetime, sums: Sums) -> None:
    session.execute(delete(HourRow).where(col(HourRow.hour) == start))
    rows = [
        {"hour": start}
        | dict(zip(KEYS, keys, strict=True))
        | dict(zip(NAMES, names, strict=True))
        | dict(zip(SUMS, values, strict=True))
        for keys, (names, values) in sums.items()
    ]
    if rows:
        session.execute(insert(_H), rows)
    _note(session, _hour(start) + 1)


def _hour(moment: datetime) -> int:
    return micros(moment) // _HOUR


def _start(hour: int) -> datetime:
    return from_micros(hour * _HOUR)


_HOUR = micros(from_micros(0) + HOUR)
