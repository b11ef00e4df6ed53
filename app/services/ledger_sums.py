"""Sums over the ledger, for the home page."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, and_, case, func, select, type_coerce
from sqlmodel import Session

from app.db.tables.base import columns
from app.db.tables.ledger import RequestRow as RequestTable
from app.db.types import from_micros
from app.services.views import HourBucket, Today

HOUR = 3_600_000_000  # microseconds
QUARTER = HOUR // 4  # every zone's day begins on a quarter of an hour of UTC, not on a whole one

_R: Any = columns(RequestTable)
_AT: Any = type_coerce(_R.at, BigInteger())  # the stored number, for arithmetic


def read_today(session: Session, now: datetime, start: datetime) -> Today:
    failed = case((_R.status >= 400, 1), else_=0)
    saved = case((and_(_R.attempts > 1, _R.status < 400), 1), else_=0)
    unknown = case((_R.cost.is_(None), 1), else_=0)
    count, tokens_in, tokens_out, cached, spend, unpriced, bad, over = session.execute(
        select(
            func.count(),
            func.sum(_R.input_tokens),
            func.sum(_R.output_tokens),
            func.sum(_R.cache_read_tokens),
            func.sum(_R.cost),
            func.sum(unknown),
            func.sum(failed),
            func.sum(saved),
        ).where(_R.at >= start)
    ).one()
    day = timedelta(days=1)
    yesterday = session.execute(select(func.count()).where(_R.at >= start - day, _R.at < now - day)).scalar_one()
    hour = (_AT // HOUR).label("hour")
    grouped = session.execute(
        select(
            hour,
            func.count(),
            func.sum(_R.input_tokens + _R.output_tokens),
            func.sum(_R.cost),
            func.sum(failed),
        )
        .where(_R.at >= now - timedelta(hours=24))
        .group_by("hour")
    )
    by_hour = {int(number): values for number, *values in grouped}
    this_hour = int(now.timestamp() * 1e6) // HOUR
    hourly = []
    for number in range(this_hour - 23, this_hour + 1):
        requests, tokens, cost, wrong = by_hour.get(number, (0, 0, 0, 0))
        hourly.append(
            HourBucket(from_micros(number * HOUR), requests, int(tokens or 0), int(cost or 0), int(wrong or 0))
        )
    return Today(
        requests=count,
        requests_yesterday_by_now=yesterday,
        input_tokens=int(tokens_in or 0),
        output_tokens=int(tokens_out or 0),
        cached_tokens=int(cached or 0),
        spend=int(spend or 0),
        spend_unknown=int(unpriced or 0),
        answered=(count - int(bad or 0)) / count if count else None,
        failed=int(bad or 0),
        saved_by_failover=int(over or 0),
        hourly=tuple(hourly),
    )


def read_quarterly_spend(session: Session, since: datetime) -> dict[tuple[datetime, str], int]:
    """Nano-dollars by the quarter of an hour and the provider."""
    quarter = (_AT // QUARTER).label("quarter")
    grouped = session.execute(
        select(quarter, _R.provider, func.sum(_R.cost))
        .where(_R.at >= since, _R.cost > 0, _R.provider.is_not(None))
        .group_by("quarter", _R.provider)
    )
    return {(from_micros(int(number) * QUARTER), str(provider)): int(cost) for number, provider, cost in grouped}
