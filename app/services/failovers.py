"""Who answered in place of whom in the last hour, and what it cost: from the ledger, at most every 10 s for all."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, func, select
from sqlmodel import Session

from app.core.chat import Usage
from app.core.clock import Clock
from app.core.price import Price
from app.db.engine import Database
from app.db.tables.base import columns
from app.db.tables.ledger import AttemptRow, RequestRow
from app.services.snapshot import Snapshot
from app.services.state import State

SPAN = timedelta(hours=1)
KEEP_S = 10.0
LOOKED_BACK = timedelta(hours=24)
MOST = 50

_A: Any = columns(AttemptRow)
_R: Any = columns(RequestRow)


@dataclass(frozen=True, slots=True)
class Failover:
    """Requests that one deployment failed and another answered. `failed_cost`: nano-dollars of the failed attempts.
    `dearer`: what the answers cost more than they would have cost there; None where a price is unknown."""

    from_provider: str
    from_model: str
    to_provider: str
    to_model: str
    requests: int
    last_at: datetime
    error: str
    failed_cost: int
    dearer: int | None
    from_id: str = ""


@dataclass(frozen=True, slots=True)
class LastFailure:
    at: datetime
    provider: str
    model: str
    status: int
    error: str


@dataclass(frozen=True, slots=True)
class LastHour:
    """`saved`: answered by another than the first; `failed`: nobody answered, and it was not the client's fault."""

    requests: int = 0
    failed: int = 0
    saved: int = 0
    failovers: tuple[Failover, ...] = ()
    last_failure: LastFailure | None = None

    @property
    def failed_cost(self) -> int:
        return sum(each.failed_cost for each in self.failovers)

    @property
    def dearer(self) -> int:
        return sum(each.dearer or 0 for each in self.failovers)


class Failovers:
    def __init__(self, db: Database, state: State, clock: Clock) -> None:
        self._db, self._state, self._clock = db, state, clock
        self._known: tuple[float, LastHour] | None = None
        self._reading = asyncio.Lock()

    async def last_hour(self) -> LastHour:
        async with self._reading:
            now = self._clock.monotonic()
            if self._known is None or now - self._known[0] >= KEEP_S:
                wall, snapshot = self._clock.now(), self._state.current
                self._known = (now, await self._db.read(lambda session: _read(session, wall, snapshot)))
            return self._known[1]


def _read(session: Session, now: datetime, snapshot: Snapshot) -> LastHour:
    since = now - SPAN
    counted = select(
        func.count(),
        func.sum(case((_R.status >= 500, 1), (_R.status == 429, 1), else_=0)),
        func.sum(case(((_R.attempts > 1) & (_R.status < 400), 1), else_=0)),
    ).where(_R.at >= since)
    requests, failed, saved = session.execute(counted).one()
    grouped = (
        select(
            _A.provider_id,
            _A.provider,
            _A.model,
            _R.provider_id,
            _R.provider,
            _R.model,
            func.count(func.distinct(_R.id)),
            func.max(_R.at),
            func.max(_A.error),
            func.sum(func.coalesce(_A.cost, 0)),
            func.sum(_R.cost),
            func.sum(_R.input_tokens),
            func.sum(_R.output_tokens),
            func.sum(_R.cache_read_tokens),
        )
        .where(_R.at >= since, _R.attempts > 1, _R.status < 400, _A.request_id == _R.id, _A.status != 200)
        .group_by(_A.provider_id, _A.model, _R.provider_id, _R.model)
        .order_by(func.count().desc())
        .limit(MOST)
    )
    prices = {
        (model.deployment.provider_id, model.deployment.model): model.deployment.price
        for provider in snapshot.providers.values()
        for model in provider.models
    }
    found = [_failover(tuple(row), prices) for row in session.execute(grouped)]
    return LastHour(int(requests), int(failed or 0), int(saved or 0), tuple(found), _last_failure(session, now))


def _failover(row: tuple[Any, ...], prices: dict[tuple[str, str], Price | None]) -> Failover:
    from_id, from_provider, from_model, _, to_provider, to_model = row[:6]
    count, at, error, failed_cost, cost, read, written, cached = row[6:]
    price = prices.get((from_id, from_model))
    there = None
    if price is not None:
        there = price.cost(Usage(input=int(read or 0), output=int(written or 0), cache_read=int(cached or 0)))
    paid = None if cost is None else int(cost) - int(failed_cost)  # the request's cost holds the failed attempts' too
    return Failover(
        from_provider,
        from_model,
        to_provider or "",
        to_model or "",
        int(count),
        at,
        error or "failed",
        int(failed_cost),
        None if paid is None or there is None else paid - there,
        from_id,
    )


def _last_failure(session: Session, now: datetime) -> LastFailure | None:
    query = (
        select(_A.started_at, _A.provider, _A.model, _A.status, _A.error)
        .where(_A.started_at >= now - LOOKED_BACK, _A.state == "closed", (_A.status >= 500) | (_A.status == 429))
        .order_by(_A.started_at.desc())
        .limit(1)
    )
    row = session.execute(query).first()
    return None if row is None else LastFailure(row[0], row[1], row[2], row[3], row[4] or "failed")
