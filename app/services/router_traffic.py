"""What went through routers: from the sums by the hour, and from the ledger where there are none yet."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import case, func, select
from sqlmodel import Session

from app.core.clock import Clock
from app.core.errors import BadRequest
from app.db.engine import Database
from app.db.tables.base import columns
from app.db.tables.ledger import RequestRow as RequestTable
from app.db.tables.settings import MetaRow
from app.db.tables.statistics import HourRow
from app.db.types import micros
from app.services.log_sums import quantile
from app.services.roll_up import ROLLED_UP
from app.services.router_significance import Sample, note
from app.services.router_views import ArmNumbers, CanaryReport, RouterTraffic

MAX_DAYS = 31
NEWEST = 5_000  # requests of each version whose times and costs are compared
SETTLED = timedelta(hours=2)  # a request is written when it ends: an hour that old changes no more
MAX_KEPT = 100_000  # groups of settled hours in memory
HOUR = timedelta(hours=1)
_HOUR_US = 3_600_000_000

_R: Any = columns(RequestTable)
_H: Any = columns(HourRow)
_COLUMNS = ("router", "router_version", "rule", "provider", "model")


class Group(NamedTuple):
    """Requests of some span that agree in the first five. Costs are nano-dollars, of the `priced` ones."""

    router: str
    version: int
    rule: str
    provider: str
    model: str
    requests: int
    failures: int
    priced: int
    cost: int


@dataclass(slots=True)
class _Newest:
    """Of one version; times in ms, of answers."""

    requests: int
    times: list[int]
    first_tokens: list[int]
    costs: list[int]


class Traffic:
    """An hour of the ledger is read at a time, so that no read is long. Hours that are over are read once and kept,
    for all routers together."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock
        self._kept: OrderedDict[datetime, tuple[Group, ...]] = OrderedDict()
        self._size = 0
        self._lock = asyncio.Lock()

    async def of(self, router: str, days: int) -> RouterTraffic:
        if not 1 <= days <= MAX_DAYS:
            raise BadRequest(f"days: from 1 to {MAX_DAYS}.", field="days")
        since = self._clock.now() - timedelta(days=days)
        requests = failures = priced = cost = 0
        by_rule: dict[str, int] = {}
        by_target: dict[tuple[str, str, str], int] = {}
        for group in await self._groups(since):
            if group.router != router:
                continue
            requests += group.requests
            failures += group.failures
            priced += group.priced
            cost += group.cost
            by_rule[group.rule] = by_rule.get(group.rule, 0) + group.requests
            if group.provider:
                target = (group.rule, group.provider, group.model)
                by_target[target] = by_target.get(target, 0) + group.requests
        return RouterTraffic(requests, failures, cost if priced else None, by_rule, by_target, days)

    async def compared(self, router: str, live: int, canary: int, since: datetime) -> CanaryReport:
        """The last 31 days of it at most."""
        since = max(since, self._clock.now() - timedelta(days=MAX_DAYS))
        groups = [each for each in await self._groups(since) if each.router == router]
        newest = await self._newest(router, (live, canary), since)
        arms = [_arm(version, groups, newest[version]) for version in (live, canary)]
        samples = [
            Sample(arm.requests, arm.failures, newest[arm.version].costs, newest[arm.version].times) for arm in arms
        ]
        return CanaryReport(arms[0], arms[1], await asyncio.to_thread(note, *samples))

    async def _groups(self, since: datetime) -> list[Group]:
        """Of all routers since then, to the moment where an hour is not whole."""
        now = self._clock.now()
        settled = _hour(now - SETTLED)
        found: list[Group] = []
        async with self._lock:  # who comes meanwhile finds what this one has read
            first = _hour(since)
            if first < since:
                found += await self._db.read(partial(_read, start=since, end=first + HOUR))
                first += HOUR
            while first < settled:
                kept = self._kept.get(first)
                if kept is None:
                    kept = tuple(await self._db.read(partial(_read_hour, start=first)))
                    self._keep(first, kept)
                found += kept
                first += HOUR
        if first <= now:
            found += await self._db.read(partial(_read, start=first, end=None))
        return found

    def _keep(self, hour: datetime, groups: tuple[Group, ...]) -> None:
        self._kept[hour] = groups
        self._size += len(groups) + 1
        while self._size > MAX_KEPT or len(self._kept) > MAX_DAYS * 24 + 1:
            _, gone = self._kept.popitem(last=False)
            self._size -= len(gone) + 1

    async def _newest(self, router: str, versions: Iterable[int], since: datetime) -> dict[int, _Newest]:
        """Back in time hour by hour until there are enough of each version."""
        found = {version: _Newest(0, [], [], []) for version in versions}
        end: datetime | None = None
        start = _hour(self._clock.now())
        while True:
            for version, newest in found.items():
                if newest.requests < NEWEST:
                    span = (max(start, since), end)
                    read = partial(_read_newest, router=router, version=version, span=span)
                    for status, whole, first, cost in await self._db.read(partial(read, most=NEWEST - newest.requests)):
                        newest.requests += 1
                        if status < 400:
                            newest.times.append(whole)
                            newest.first_tokens += [] if first is None else [first]
                        newest.costs += [] if cost is None else [cost]
            if start <= since or all(newest.requests >= NEWEST for newest in found.values()):
                return found
            start, end = start - HOUR, start


def _read_hour(session: Session, start: datetime) -> list[Group]:
    """From its sums where they are made: a few rows in place of all requests."""
    mark = session.get(MetaRow, ROLLED_UP)
    if mark is None or micros(start) // _HOUR_US >= mark.number:
        return _read(session, start, start + HOUR)
    columns = [getattr(_H, name) for name in _COLUMNS]
    query = select(
        *columns,
        func.sum(_H.requests),
        func.sum(_H.failures),
        func.sum(_H.requests) - func.sum(_H.unpriced),
        func.sum(_H.cost),
    ).where(_H.hour == start)
    return [Group(*row) for row in session.execute(query.group_by(*columns)).tuples()]


def _read(session: Session, start: datetime, end: datetime | None) -> list[Group]:
    columns = [func.coalesce(getattr(_R, name), 0 if name == "router_version" else "") for name in _COLUMNS]
    query = select(
        *columns,
        func.count(),
        func.sum(case((_R.status >= 400, 1), else_=0)),
        func.count(_R.cost),
        func.coalesce(func.sum(_R.cost), 0),
    ).where(_R.at >= start, *(() if end is None else (_R.at < end,)))
    return [Group(*row) for row in session.execute(query.group_by(*columns)).tuples()]


def _read_newest(
    session: Session, router: str, version: int, span: tuple[datetime, datetime | None], most: int
) -> list[tuple[int, int, int | None, int | None]]:
    """Status, time to answer, time to the first token, cost."""
    start, end = span
    query = select(_R.status, _R.latency_ms, _R.first_token_ms, _R.cost).where(
        _R.at >= start,
        *(() if end is None else (_R.at < end,)),
        _R.router == router,
        _R.router_version == version,
    )
    return [tuple(row) for row in session.execute(query.order_by(_R.at.desc()).limit(most)).tuples()]


def _arm(version: int, groups: Iterable[Group], newest: _Newest) -> ArmNumbers:
    own = [group for group in groups if group.version == version]
    requests, failures = sum(group.requests for group in own), sum(group.failures for group in own)
    priced, cost = sum(group.priced for group in own), sum(group.cost for group in own)
    times = sorted(newest.times)
    return ArmNumbers(
        version=version,
        requests=requests,
        failures=failures,
        failure_rate=failures / requests if requests else None,
        cost=round(cost / priced) if priced else None,
        p50_ms=quantile(times, 0.5),
        p95_ms=quantile(times, 0.95),
        first_token_ms=quantile(sorted(newest.first_tokens), 0.5),
    )


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
