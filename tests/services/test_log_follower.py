"""Following a log filter: the same as reading it, without reading it again."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session, delete

from app.core.ids import new_id
from app.db.tables.ledger import RequestRow
from app.services.container import Services
from app.services.log_follower import FILTERS, MAX_NEW, NEWEST
from app.services.views import KeySpec, LogFilter
from tests.statements import plan, reads

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DAY = LogFilter(since=NOON - timedelta(days=1), until=NOON)
FILTERED = {
    "all": DAY,
    "failed": LogFilter(DAY.since, DAY.until, status="failed"),
    "failed over": LogFilter(DAY.since, DAY.until, status="failed_over"),
    "provider": LogFilter(DAY.since, DAY.until, provider="b"),
    "key": LogFilter(DAY.since, DAY.until, key="ci"),
    "text": LogFilter(DAY.since, DAY.until, text="MODEL-1"),
    "an hour": LogFilter(NOON - timedelta(hours=1), NOON),
}


async def add(services: Services, number: int, chance: random.Random, key: str | None = None) -> None:
    def write(session: Session) -> None:
        for _ in range(number):
            session.add(
                RequestRow(
                    id=new_id("req"),
                    at=NOON - timedelta(minutes=chance.randrange(26 * 60)),
                    key_id=chance.choice((key, None)),
                    provider=chance.choice("ab"),
                    model=f"model-{chance.randrange(3)}",
                    status=chance.choice((200, 200, 502)),
                    attempts=chance.randrange(1, 3),
                    cost=chance.choice((None, 0, 1000)),
                    latency_ms=20,
                )
            )

    await services.db.write(write)


@pytest.mark.parametrize("wanted", FILTERED.values(), ids=FILTERED)
async def test_what_is_followed_is_what_would_be_read(timed: Services, wanted: LogFilter) -> None:
    chance = random.Random(7)
    await timed.keys.create("test", KeySpec(name="ci"))
    key = timed.keys.find("ci").id
    for number in (0, 40, 1, 0, 200):
        await add(timed, number, chance, key)
        page, summary = await timed.ledger.follow(wanted)
        assert summary == await timed.ledger.summary(wanted)
        assert page == await timed.ledger.requests(wanted, NEWEST)


@pytest.mark.parametrize("wanted", FILTERED.values(), ids=FILTERED)
async def test_new_rows_are_found_without_going_through_those_before(timed: Services, wanted: LogFilter) -> None:
    await add(timed, 50, random.Random(7))
    await timed.ledger.follow(wanted)
    await add(timed, 5, random.Random(8))
    with reads(timed.db, "request") as seen:
        await timed.ledger.follow(wanted)
    assert seen

    def steps(session: Session) -> list[str]:
        return [step for statement in seen for step in plan(session.connection(), *statement)]

    found = [step for step in await timed.db.read(steps) if "request" in step]
    assert found
    for step in found:
        assert step == "SEARCH request" or "INTEGER PRIMARY KEY" in step, step


async def test_where_nothing_is_new_one_question_tells(timed: Services) -> None:
    await add(timed, 5, random.Random(7))
    first = await timed.ledger.follow(DAY)
    with reads(timed.db, "request") as seen:
        assert await timed.ledger.follow(DAY) == first
    assert len(seen) == 1


async def test_pages_that_look_at_the_same_share_what_is_read(timed: Services) -> None:
    await add(timed, 5, random.Random(7))
    with reads(timed.db, "request") as one:
        await timed.ledger.follow(DAY)
    with reads(timed.db, "request") as many:
        other = LogFilter(DAY.since, DAY.until, status="ok")
        await asyncio.gather(*(timed.ledger.follow(other) for _ in range(5)))
    assert len(many) == len(one) + 4, "the others only ask whether there is anything new"


async def test_after_a_long_while_it_is_read_anew(timed: Services) -> None:
    await add(timed, 3, random.Random(7))
    await timed.ledger.follow(DAY)

    def write(session: Session) -> None:
        # the next rows come after a gap that is too large
        session.connection().exec_driver_sql(f"UPDATE request SET rowid = rowid + {MAX_NEW}")

    await timed.db.write(write)
    await add(timed, 4, random.Random(8))
    assert (await timed.ledger.follow(DAY))[1] == await timed.ledger.summary(DAY)


async def test_rows_that_were_taken_away_are_not_counted_for_ever(timed: Services) -> None:
    await add(timed, 9, random.Random(7))
    await timed.ledger.follow(DAY)
    await timed.db.write(lambda session: session.exec(delete(RequestRow)))
    assert (await timed.ledger.follow(DAY))[1].requests == 0


async def test_no_more_filters_are_kept_than_that(timed: Services) -> None:
    async def follow(number: int) -> int:
        with reads(timed.db, "request") as seen:
            await timed.ledger.follow(LogFilter(DAY.since, DAY.until, provider=f"p{number}"))
        return len(seen)

    first, *_ = [await follow(number) for number in range(FILTERS + 1)]
    assert await follow(FILTERS) == 1
    assert await follow(0) == first, "the oldest was forgotten and is read anew"


async def test_what_is_followed_has_an_end(timed: Services) -> None:
    with pytest.raises(ValueError, match="a beginning and an end"):
        await timed.ledger.follow(LogFilter(since=DAY.since))
