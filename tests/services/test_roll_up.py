"""Sums by the hour: each finished hour once, whatever comes late or breaks off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from app.core.ids import new_id
from app.db.tables.ledger import RequestRow
from app.db.tables.statistics import HourRow
from app.services.container import Services
from app.services.roll_up import LOOKED_BACK, RolledUp, RollUp
from tests.clock import StillClock


async def add(services: Services, at: datetime, number: int = 1, **fields: Any) -> None:
    values = {"provider_id": "prov_1", "provider": "main", "model": "m", "cost": 5, "latency_ms": 10, **fields}

    def write(session: Session) -> None:
        session.add_all(RequestRow(id=new_id("req"), at=at, **values) for _ in range(number))

    await services.db.write(write)


async def hours(services: Services) -> Sequence[HourRow]:
    query = select(HourRow).order_by(col(HourRow.hour), col(HourRow.model))
    return await services.db.read(lambda session: session.exec(query).all())


async def test_finished_hours_are_summed_and_the_present_one_is_not(timed: Services, clock: StillClock) -> None:
    now = clock.now()
    await add(timed, now - timedelta(minutes=50), input_tokens=7, attempts=2, first_token_ms=3)
    await add(timed, now - timedelta(minutes=10), input_tokens=4, attempts=1, status=502, cost=None)
    await add(timed, now - timedelta(minutes=10), model="other", router="default", router_version=3, rule="r")
    await add(timed, now + timedelta(minutes=1))
    assert await RollUp(timed.db, clock).run() == RolledUp(1, 0, now)
    first, other = await hours(timed)
    assert first.hour == now - timedelta(hours=1)
    assert (first.requests, first.failures, first.attempts, first.input_tokens) == (2, 1, 3, 11)
    assert (first.cost, first.unpriced, first.latency_ms) == (5, 1, 20)
    assert (first.first_token_ms, first.first_tokens) == (3, 1)
    assert (first.provider, first.key_id, first.router_version) == ("main", "", 0)
    assert (other.model, other.router, other.router_version, other.rule, other.requests) == (
        "other",
        "default",
        3,
        "r",
        1,
    )


async def test_a_second_run_changes_nothing(timed: Services, clock: StillClock) -> None:
    await add(timed, clock.now() - timedelta(hours=5), 3)
    await RollUp(timed.db, clock).run()
    before = await hours(timed)
    assert await RollUp(timed.db, clock).run() == RolledUp(0, 0, clock.now())
    assert [(row.id, row.requests) for row in await hours(timed)] == [(row.id, row.requests) for row in before]


async def test_rows_that_came_late_are_counted(timed: Services, clock: StillClock) -> None:
    at = clock.now() - timedelta(minutes=1)
    await add(timed, at)
    await RollUp(timed.db, clock).run()
    await add(timed, at, 2)
    assert await RollUp(timed.db, clock).run() == RolledUp(0, 1, clock.now())
    (row,) = await hours(timed)
    assert (row.requests, row.cost) == (3, 15)


async def test_a_spool_that_was_written_back_after_a_long_time_off_is_counted(
    timed: Services, clock: StillClock
) -> None:
    at = clock.now() - timedelta(hours=LOOKED_BACK - 1)
    await add(timed, at)
    await RollUp(timed.db, clock).run()
    clock.skip(30 * 86400)
    await add(timed, at)
    assert await RollUp(timed.db, clock).run() == RolledUp(0, 1, clock.now())
    (row,) = await hours(timed)
    assert row.requests == 2


async def test_what_was_missed_while_the_server_was_off_is_caught_up(timed: Services, clock: StillClock) -> None:
    for back in range(1, 49):
        await add(timed, clock.now() - timedelta(days=back))
    assert (await RollUp(timed.db, clock).run()).hours == 48
    assert sum(row.requests for row in await hours(timed)) == 48


async def test_a_provider_that_was_renamed_within_the_hour_is_one(timed: Services, clock: StillClock) -> None:
    at = clock.now() - timedelta(minutes=30)
    await add(timed, at, provider="old")
    await add(timed, at + timedelta(minutes=15), provider="newer")
    await RollUp(timed.db, clock).run()
    (row,) = await hours(timed)
    assert row.requests == 2
