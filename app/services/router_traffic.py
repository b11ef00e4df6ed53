"""What went through routers, from the ledger: an hour of it at a time, so that no read is long."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Float, case, cast, func, select
from sqlmodel import Session

from app.core.clock import Clock
from app.core.errors import BadRequest
from app.db.engine import Database
from app.db.tables.ledger import RequestRow as RequestTable
from app.services.log_sums import quantile
from app.services.router_significance import Sample, note
from app.services.router_views import ArmNumbers, CanaryReport, RouterTraffic

MAX_DAYS = 31
TIMES = 2_000  # of the newest answers of each version
SETTLED = timedelta(hours=2)  # a request is written when it ends: an hour that old changes no more
MAX_KEPT = 100_000  # groups of settled hours in memory
HOUR = timedelta(hours=1)

_R: Any = RequestTable.__table__.c  # type: ignore[attr-defined]


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
    cost_squares: float


@dataclass(slots=True)
class _Times:
    whole: list[int]
    first: list[int]


class Traffic:
    """Hours that are over are read once and kept, for all routers together."""

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
        times = await self._times(router, (live, canary), since)
        samples = {version: _sample(version, groups, times[version].whole) for version in (live, canary)}
        arms = {version: _arm(version, samples[version], times[version]) for version in (live, canary)}
        said = await asyncio.to_thread(note, samples[live], samples[canary])
        return CanaryReport(arms[live], arms[canary], said)

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
                    kept = tuple(await self._db.read(partial(_read, start=first, end=first + HOUR)))
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

    async def _times(self, router: str, versions: Iterable[int], since: datetime) -> dict[int, _Times]:
        """Of the newest answers, back in time hour by hour until there are enough of each version."""
        found = {version: _Times([], []) for version in versions}
        end: datetime | None = None
        start = _hour(self._clock.now())
        while True:
            for version, times in found.items():
                if len(times.whole) < TIMES:
                    span, room = (max(start, since), end), TIMES - len(times.whole)
                    read = partial(_read_times, router=router, version=version, span=span, most=room)
                    rows = await self._db.read(read)
                    times.whole += [whole for whole, _ in rows]
                    times.first += [first for _, first in rows if first is not None]
            if start <= since or all(len(times.whole) >= TIMES for times in found.values()):
                return found
            start, end = start - HOUR, start


def _read(session: Session, start: datetime, end: datetime | None) -> list[Group]:
    failed = case((_R.status >= 400, 1), else_=0)
    cost = cast(_R.cost, Float)  # squares of nano-dollars are beyond what integers hold
    columns = [func.coalesce(column, empty) for column, empty in _GROUPED]
    query = select(
        *columns,
        func.count(),
        func.sum(failed),
        func.count(_R.cost),
        func.coalesce(func.sum(_R.cost), 0),
        func.coalesce(func.sum(cost * cost), 0.0),
    ).where(_R.at >= start, *(() if end is None else (_R.at < end,)))
    return [Group(*row) for row in session.execute(query.group_by(*columns)).tuples()]


_GROUPED = ((_R.router, ""), (_R.router_version, 0), (_R.rule, ""), (_R.provider, ""), (_R.model, ""))


def _read_times(
    session: Session, router: str, version: int, span: tuple[datetime, datetime | None], most: int
) -> list[tuple[int, int | None]]:
    start, end = span
    query = select(_R.latency_ms, _R.first_token_ms).where(
        _R.at >= start,
        *(() if end is None else (_R.at < end,)),
        _R.router == router,
        _R.router_version == version,
        _R.status < 400,
    )
    return [(whole, first) for whole, first in session.execute(query.order_by(_R.at.desc()).limit(most)).tuples()]


def _sample(version: int, groups: Iterable[Group], times: list[int]) -> Sample:
    requests = failures = priced = cost = 0
    squares = 0.0
    for group in groups:
        if group.version == version:
            requests += group.requests
            failures += group.failures
            priced += group.priced
            cost += group.cost
            squares += group.cost_squares
    return Sample(requests, failures, priced, cost, squares, times)


def _arm(version: int, sample: Sample, times: _Times) -> ArmNumbers:
    whole, first = sorted(times.whole), sorted(times.first)
    return ArmNumbers(
        version=version,
        requests=sample.requests,
        failures=sample.failures,
        failure_rate=sample.failures / sample.requests if sample.requests else None,
        cost=round(sample.cost / sample.priced) if sample.priced else None,
        p50_ms=quantile(whole, 0.5),
        p95_ms=quantile(whole, 0.95),
        first_token_ms=quantile(first, 0.5),
    )


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
