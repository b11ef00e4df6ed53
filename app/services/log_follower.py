"""What log pages follow: the newest requests of a filter and their sums, by reading only what was written since.

Pages ask twice a second, and reading a day takes a tenth of a second for every 100,000 requests. So a filter is read
once, in slices, when the first page looks at it; from then on the new rows are added for all who look at the same. A
row that is written again (the client left while it was committed) may count twice until the filter is read anew.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import aliased
from sqlmodel import Session

from app.db.engine import Database
from app.db.order import written
from app.db.tables.ledger import RequestRow as RequestTable
from app.services.log_conditions import REQUESTS, conditions
from app.services.log_sums import Part, Sums, newest_times
from app.services.views import LogFilter, LogSummary, Page, RequestRow

FILTERS = 16  # followed at once; the one that was looked at longest ago makes room
SLICES = 8
MAX_NEW = 20_000  # rows; where there are more, it is read anew
NEWEST = 50

_order = written(RequestTable.__table__)  # type: ignore[attr-defined]
ReadRows = Callable[[Session, Any, list[Any], int], list[RequestRow]]


@dataclass(frozen=True, slots=True)
class _News:
    """What was written up to `upto`: sums, times to answer (the newest last) and the newest rows."""

    upto: int
    parts: list[Part]
    times: list[int]
    rows: list[RequestRow]


class LogFollower:
    """`read_rows(session, entity, conditions, limit)` reads the newest requests."""

    def __init__(self, db: Database, read_rows: ReadRows) -> None:
        self._db, self._read_rows = db, read_rows
        self._followed: OrderedDict[LogFilter, _Followed] = OrderedDict()

    async def look(self, wanted: LogFilter) -> tuple[Page[RequestRow], LogSummary]:
        """The newest page and the sums. The filter names both ends of its time; the later one may be to come."""
        followed = self._followed.get(wanted)
        if followed is None:
            followed = self._followed[wanted] = _Followed(self._db, self._read_rows, wanted)
            if len(self._followed) > FILTERS:
                self._followed.popitem(last=False)
        self._followed.move_to_end(wanted)
        return await followed.look()


class _Followed:
    def __init__(self, db: Database, read_rows: ReadRows, wanted: LogFilter) -> None:
        if wanted.since is None or wanted.until is None:
            raise ValueError("a filter that is followed has a beginning and an end")
        self._db, self._read_rows, self._wanted = db, read_rows, wanted
        self._since, self._until = wanted.since, wanted.until
        self._one_at_a_time = asyncio.Lock()
        self._upto: int | None = None
        self._sums = Sums(self._since, self._until)
        self._rows: list[RequestRow] = []
        self._shown: tuple[Page[RequestRow], LogSummary] | None = None

    async def look(self) -> tuple[Page[RequestRow], LogSummary]:
        async with self._one_at_a_time:
            before = self._upto
            news = None if before is None else await self._db.read(lambda session: self._read_new(session, before))
            if news is None:
                await self._begin()
            elif news.upto != before or self._shown is None:
                self._take(news)
            assert self._shown is not None
            return self._shown

    async def _begin(self) -> None:
        upto = await self._db.read(_last_written)
        sums, parts = Sums(self._since, self._until), list[Part]()
        step = (self._until - self._since) / SLICES
        # an expression, since the index to use is the one on time
        known = _order + 0 <= upto
        for number in range(SLICES):
            first, last = self._since + step * number, number == SLICES - 1
            end = REQUESTS.at <= self._until if last else REQUESTS.at < first + step
            where = [*conditions(self._wanted), REQUESTS.at >= first, end, known]
            parts += await self._db.read(partial(sums.parts, of=REQUESTS, where=where))
        where = [*conditions(self._wanted), known]
        times = await self._db.read(partial(newest_times, of=REQUESTS, where=where))
        rows = await self._db.read(lambda session: self._read_rows(session, RequestTable, where, NEWEST + 1))
        self._sums, self._rows = sums, []
        self._take(_News(upto, parts, times, rows))

    def _read_new(self, session: Session, upto: int) -> _News | None:
        """None: so much is new, or so little left, that it is read anew."""
        last = _last_written(session)
        if not upto <= last <= upto + MAX_NEW:
            return None
        if last == upto:
            return _News(upto, [], [], [])
        # the limit keeps SQLite from looking through an index of the filter instead of at the few new rows
        new = select(RequestTable).where(_order > upto, _order <= last).limit(MAX_NEW).subquery("new")
        where = conditions(self._wanted, new.c)
        return _News(
            last,
            self._sums.parts(session, new.c, where),
            newest_times(session, new.c, where),
            self._read_rows(session, aliased(RequestTable, new), where, NEWEST + 1),
        )

    def _take(self, news: _News) -> None:
        self._upto = news.upto
        self._sums.add(news.parts, news.times)
        # ids sort by time; a row that was written again is the same request
        rows = {row.id: row for row in [*self._rows, *news.rows]}
        self._rows = [rows[id] for id in sorted(rows, reverse=True)[: NEWEST + 1]]
        cursor = self._rows[NEWEST - 1].id if len(self._rows) > NEWEST else None
        self._shown = Page(tuple(self._rows[:NEWEST]), cursor), self._sums.summary()


def _last_written(session: Session) -> int:
    return int(session.execute(select(func.max(_order)).select_from(RequestTable)).scalar() or 0)
