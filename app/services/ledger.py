"""Reading the ledger: pages of requests, one request with its decision, sums."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import defer
from sqlmodel import Session, col, select

from app.core.clock import Clock
from app.core.errors import NotFound
from app.db.engine import Database
from app.db.tables.keys import KeyRow
from app.db.tables.ledger import AttemptRow as AttemptTable
from app.db.tables.ledger import RequestRow as RequestTable
from app.db.tables.people import PersonRow
from app.providers.kinds import kinds
from app.routing.decision import shown
from app.security.permissions import Permission, allows
from app.services.budgets import window_start
from app.services.ledger_sums import read_quarterly_spend, read_today
from app.services.log_conditions import REQUESTS, conditions
from app.services.log_follower import LogFollower
from app.services.log_sentences import sentence
from app.services.log_sums import Sums, newest_times
from app.services.views import (
    AttemptRow,
    LogFilter,
    LogSummary,
    Page,
    Person,
    RequestDetail,
    RequestRow,
    Spend,
    Today,
)


class Ledger:
    def __init__(self, db: Database, clock: Clock, zone: ZoneInfo) -> None:
        self._db, self._clock, self._zone = db, clock, zone
        self._follower = LogFollower(db, _newest)

    async def requests(self, wanted: LogFilter, limit: int = 50, cursor: str | None = None) -> Page[RequestRow]:
        """Newest first; ids sort by time, so the cursor is the last id seen."""

        def read(session: Session) -> Page[RequestRow]:
            before = [REQUESTS.id < cursor] if cursor else []
            rows = _newest(session, RequestTable, [*conditions(wanted), *before], limit + 1)
            return Page(tuple(rows[:limit]), rows[limit - 1].id if len(rows) > limit else None)

        return await self._db.read(read)

    async def follow(self, wanted: LogFilter) -> tuple[Page[RequestRow], LogSummary]:
        """The newest page and the sums, for those who ask again and again: after the first time only what is new is
        read. The filter names both ends of its time; equal filters are read once for all who ask."""
        return await self._follower.look(wanted)

    async def request(self, request_id: str, viewer: Person | None = None) -> RequestDetail:
        """One request with its decision and attempts. Those who see only their own get NotFound for others'."""

        def read(session: Session) -> RequestDetail:
            found = session.exec(_joined().where(RequestTable.id == request_id)).first()
            if found is None or (viewer is not None and not _may_see(viewer, found[0], found[2])):
                raise NotFound(f'There is no request "{request_id}".')
            query = (
                select(AttemptTable).where(AttemptTable.request_id == request_id).order_by(col(AttemptTable.position))
            )
            attempts = tuple(_attempt(row) for row in session.exec(query))
            table, row = found[0], _row(*found)
            decision = shown(table.decision) if table.decision else {}
            return RequestDetail(
                row=row,
                sentence=sentence(row, attempts, decision),
                decision=decision,
                attempts=attempts,
                needs=tuple(table.needs),
                estimated_input=table.estimated_input,
                max_tokens=table.max_tokens,
            )

        return await self._db.read(read)

    def visible_to(self, viewer: Person, wanted: LogFilter) -> LogFilter:
        """The filter narrowed to what this person may see."""
        if allows(viewer.role, Permission.READ_ALL_LOGS):
            return wanted
        narrowed = {name: getattr(wanted, name) for name in LogFilter.__dataclass_fields__}
        return LogFilter(**{**narrowed, "user": viewer.email})

    async def summary(self, wanted: LogFilter) -> LogSummary:
        now = self._clock.now()
        until = wanted.until or now
        since = wanted.since or until - timedelta(hours=24)
        where = [*conditions(wanted), REQUESTS.at >= since, REQUESTS.at <= until]

        def read(session: Session) -> LogSummary:
            sums = Sums(since, until)
            sums.add(sums.parts(session, REQUESTS, where), newest_times(session, REQUESTS, where))
            return sums.summary()

        return await self._db.read(read)

    async def today(self) -> Today:
        now = self._clock.now()
        start = window_start("day", now, self._zone)
        assert start is not None
        return await self._db.read(lambda session: read_today(session, now, start))

    async def spend_by_day(self, days: int) -> list[Spend]:
        """The last days in the team's time zone, the newest last, days without spend included."""
        now = self._clock.now()
        start = window_start("day", now, self._zone)
        assert start is not None
        starts = [start - timedelta(days=back) for back in range(days - 1, -1, -1)]

        def read(session: Session) -> list[Spend]:
            sums: dict[date, dict[str, int]] = {day.date(): {} for day in starts}
            for (quarter, provider), cost in read_quarterly_spend(session, starts[0]).items():
                by_provider = sums.setdefault(quarter.astimezone(self._zone).date(), {})
                by_provider[provider] = by_provider.get(provider, 0) + cost
            return [Spend(day.isoformat(), by_provider) for day, by_provider in sums.items()]

        return await self._db.read(read)


def _newest(session: Session, requests: Any, where: list[Any], limit: int) -> list[RequestRow]:
    """Of the ledger's requests, or of those an alias stands for. Without what only a single request shows."""
    query = _joined(requests).options(defer(requests.decision), defer(requests.needs))
    return [_row(*found) for found in session.exec(query.where(*where).order_by(requests.id.desc()).limit(limit))]


def _joined(requests: Any = RequestTable) -> Any:
    return (
        select(requests, KeyRow.name, PersonRow.email)
        .join(KeyRow, col(KeyRow.id) == requests.key_id, isouter=True)
        .join(PersonRow, col(PersonRow.id) == requests.person_id, isouter=True)
    )


def _row(table: RequestTable, key: str | None, email: str | None) -> RequestRow:
    monogram, accent = _look(table.provider_kind)
    return RequestRow(
        id=table.id,
        at=table.at,
        key=key,
        user=email,
        router=table.router,
        rule=table.rule,
        model_asked=table.model_asked,
        provider=table.provider,
        provider_kind=table.provider_kind,
        monogram=monogram,
        accent=accent,
        model=table.model,
        format=table.format,
        stream=table.stream,
        status=table.status,
        error=table.error,
        input_tokens=table.input_tokens,
        output_tokens=table.output_tokens,
        cache_read_tokens=table.cache_read_tokens,
        cost=table.cost,
        estimated=table.estimated,
        latency_ms=table.latency_ms,
        first_token_ms=table.first_token_ms,
        attempts=table.attempts,
        tags=tuple(table.tags or ()),
        intent=table.intent,
        cache_write_tokens=table.cache_write_tokens,
        reasoning_tokens=table.reasoning_tokens,
        provider_cost=table.provider_cost,
    )


def _attempt(table: AttemptTable) -> AttemptRow:
    monogram, accent = _look(table.provider_kind)
    return AttemptRow(
        provider=table.provider,
        provider_kind=table.provider_kind,
        monogram=monogram,
        accent=accent,
        model=table.model,
        status=table.status,
        error=table.error,
        started_at=table.started_at,
        latency_ms=table.latency_ms,
        first_token_ms=table.first_token_ms,
    )


def _look(kind_name: str | None) -> tuple[str, str]:
    kind = kinds().get(kind_name or "")
    return (kind.monogram, kind.accent) if kind is not None else ("", "custom")


def _may_see(viewer: Person, table: RequestTable, email: str | None) -> bool:
    return allows(viewer.role, Permission.READ_ALL_LOGS) or email == viewer.email
