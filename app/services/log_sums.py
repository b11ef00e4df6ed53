"""Sums over the requests that a log filter leaves: read from the ledger, added up in memory."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, case, func, select, type_coerce
from sqlmodel import Session

from app.db.types import micros
from app.services.views import LogBucket, LogSummary

BUCKETS = 48
QUANTILE_SAMPLE = 5_000


@dataclass(frozen=True, slots=True)
class Part:
    """The requests of one bucket of time. `cost`: nano-dollars."""

    bucket: int
    requests: int
    failed: int
    failed_over: int
    cost: int
    cost_unknown: int


class Sums:
    """Of a span of time, in 48 buckets. Times to answer are those of the newest 5,000 answered requests, in ms."""

    def __init__(self, since: datetime, until: datetime) -> None:
        self.since = since
        self._step = (until - since) / BUCKETS
        self._buckets = [(0, 0)] * BUCKETS  # answered, failed
        self._failed_over = self._cost = self._cost_unknown = 0
        self._times: deque[int] = deque(maxlen=QUANTILE_SAMPLE)

    def parts(self, session: Session, of: Any, where: Iterable[ColumnElement[bool]]) -> list[Part]:
        """What `add` takes, of the rows that the conditions leave: one pass over them."""
        width = max(int(self._step.total_seconds() * 1e6), 1)
        bucket = ((type_coerce(of.at, BigInteger()) - micros(self.since)) // width).label("bucket")
        failed = case((of.status >= 400, 1), else_=0)
        failed_over = case((and_(of.attempts > 1, of.status < 400), 1), else_=0)
        unknown = case((of.cost.is_(None), 1), else_=0)
        cost = func.coalesce(func.sum(of.cost), 0)
        query = select(bucket, func.count(), func.sum(failed), func.sum(failed_over), cost, func.sum(unknown))
        found = session.execute(query.where(*where).group_by("bucket"))
        return [Part(*(int(value) for value in row)) for row in found]

    def add(self, parts: Iterable[Part], newer_times: Iterable[int]) -> None:
        """`newer_times`: the newest last, and all newer than those before."""
        for part in parts:
            place = min(max(part.bucket, 0), BUCKETS - 1)  # the end itself belongs to the last one
            answered, failed = self._buckets[place]
            self._buckets[place] = (answered + part.requests - part.failed, failed + part.failed)
            self._failed_over += part.failed_over
            self._cost += part.cost
            self._cost_unknown += part.cost_unknown
        self._times.extend(newer_times)

    def summary(self) -> LogSummary:
        times = sorted(self._times)
        failed = sum(failed for _, failed in self._buckets)
        return LogSummary(
            requests=sum(answered for answered, _ in self._buckets) + failed,
            failed=failed,
            failed_over=self._failed_over,
            cost=self._cost,
            cost_unknown=self._cost_unknown,
            p50_ms=quantile(times, 0.5),
            p95_ms=quantile(times, 0.95),
            buckets=tuple(
                LogBucket(self.since + self._step * number, answered, failed)
                for number, (answered, failed) in enumerate(self._buckets)
            ),
        )


def newest_times(session: Session, of: Any, where: Iterable[ColumnElement[bool]]) -> list[int]:
    """Times to answer, the newest last."""
    # by time, not by id: the index that finds the span then ends the search after so many
    query = select(of.latency_ms).where(*where, of.status < 400).order_by(of.at.desc()).limit(QUANTILE_SAMPLE)
    return list(session.execute(query).scalars())[::-1]


def quantile(ordered: list[int], share: float) -> int | None:
    """Nearest rank; None of nothing."""
    return ordered[max(math.ceil(len(ordered) * share) - 1, 0)] if ordered else None
