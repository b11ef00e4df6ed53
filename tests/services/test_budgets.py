"""Budgets: never passed, and windows that follow the calendar of the team's time zone."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.core.errors import BudgetSpent
from app.services.budgets import WINDOWS, Budget, KeyBudgets, Reservation, window_end, window_start
from tests.clock import StillClock

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BERLIN, HAVANA, KATHMANDU = ZoneInfo("Europe/Berlin"), ZoneInfo("America/Havana"), ZoneInfo("Asia/Kathmandu")
moments = some.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=some.just(UTC))
zones = some.sampled_from([ZoneInfo("UTC"), BERLIN, HAVANA, KATHMANDU, ZoneInfo("Pacific/Auckland")])


@given(
    limit=some.integers(1, 1000),
    steps=some.lists(some.tuples(some.integers(0, 400), some.floats(0, 1), some.integers(0, 3)), max_size=60),
)
def test_what_is_spent_and_reserved_never_passes_the_limit(limit: int, steps: list[tuple[int, float, int]]) -> None:
    budgets = KeyBudgets([Budget(limit, "total", ZoneInfo("UTC"))])
    (budget,) = budgets.budgets
    running: list[tuple[Reservation, float]] = []
    for amount, share, ended in steps:
        with suppress(BudgetSpent):
            running.append((budgets.reserve(amount, NOW), share))
            running[-1][0].top_up(amount // 3, NOW)
        assert budget.spent + budget.reserved <= limit
        for reservation, used in running[:ended]:
            reservation.settle(int(reservation.amount * used), NOW)
            reservation.settle(reservation.amount, NOW)  # a second time is none
        running = running[ended:]
        assert budget.reserved >= 0
        assert budget.spent + budget.reserved <= limit


def test_of_several_budgets_the_tightest_decides() -> None:
    zone = ZoneInfo("UTC")
    budgets = KeyBudgets([Budget(100, "day", zone), Budget(10, "total", zone)])
    with pytest.raises(BudgetSpent, match="in total"):
        budgets.reserve(11, NOW)
    assert [budget.reserved for budget in budgets.budgets] == [0, 0], "all or nothing"
    budgets.reserve(10, NOW).settle(8, NOW)
    assert (budgets.left(NOW), budgets.left_share(NOW)) == (2, 0.2)


def test_a_new_window_begins_with_nothing_spent() -> None:
    budgets = KeyBudgets([Budget(10, "day", BERLIN)])
    budgets.reserve(10, NOW).settle(10, NOW)
    over_midnight = budgets.reserve
    with pytest.raises(BudgetSpent, match=r"starts anew at 2026-11-21 00:00 CET"):
        over_midnight(1, NOW)
    tomorrow = datetime(2026, 11, 20, 23, 0, tzinfo=UTC)
    reservation = budgets.reserve(4, tomorrow)
    assert budgets.left(tomorrow) == 6
    reservation.settle(3, tomorrow + timedelta(days=1))
    assert budgets.left(tomorrow + timedelta(days=1)) == 7, "what ends after midnight counts to the new day"


@pytest.mark.parametrize(
    ("window", "zone", "now", "start", "end"),
    [
        ("hour", BERLIN, "2026-11-20T12:34+00:00", "2026-11-20T12:00+00:00", "2026-11-20T13:00+00:00"),
        ("hour", KATHMANDU, "2026-11-20T12:34+00:00", "2026-11-20T12:15+00:00", "2026-11-20T13:15+00:00"),
        ("day", BERLIN, "2026-11-20T23:30+00:00", "2026-11-20T23:00+00:00", "2026-11-21T23:00+00:00"),
        ("week", BERLIN, "2026-11-22T12:00+00:00", "2026-11-15T23:00+00:00", "2026-11-22T23:00+00:00"),
        ("month", BERLIN, "2026-12-31T23:30+00:00", "2026-12-31T23:00+00:00", "2027-01-31T23:00+00:00"),
        ("month", BERLIN, "2026-01-31T12:00+00:00", "2025-12-31T23:00+00:00", "2026-01-31T23:00+00:00"),
        # a day of 23 and one of 25 hours
        ("day", BERLIN, "2026-03-29T12:00+00:00", "2026-03-28T23:00+00:00", "2026-03-29T22:00+00:00"),
        ("day", BERLIN, "2026-10-25T12:00+00:00", "2026-10-24T22:00+00:00", "2026-10-25T23:00+00:00"),
        # the hour that there is not, and the one that there is twice
        ("hour", BERLIN, "2026-03-29T00:30+00:00", "2026-03-29T00:00+00:00", "2026-03-29T01:00+00:00"),
        ("hour", BERLIN, "2026-10-25T00:30+00:00", "2026-10-25T00:00+00:00", "2026-10-25T01:00+00:00"),
        ("hour", BERLIN, "2026-10-25T01:30+00:00", "2026-10-25T01:00+00:00", "2026-10-25T02:00+00:00"),
        # the clock goes back from 1 to 0: the day has two midnights and begins with the first
        ("day", HAVANA, "2026-11-01T05:30+00:00", "2026-11-01T04:00+00:00", "2026-11-02T05:00+00:00"),
    ],
)
def test_windows_follow_the_calendar(window: str, zone: ZoneInfo, now: str, start: str, end: str) -> None:
    moment = datetime.fromisoformat(now)
    found = [window_start(window, moment, zone), window_end(window, moment, zone)]
    assert [each.astimezone(UTC) for each in found if each] == [datetime.fromisoformat(each) for each in (start, end)]


@given(now=moments, zone=zones, window=some.sampled_from([name for name in WINDOWS if name != "total"]))
def test_every_moment_lies_in_its_window_and_windows_follow_each_other(
    now: datetime, zone: ZoneInfo, window: str
) -> None:
    start, end = window_start(window, now, zone), window_end(window, now, zone)
    assert start is not None
    assert end is not None
    assert start.astimezone(UTC) <= now < end.astimezone(UTC)
    following = window_start(window, end.astimezone(UTC), zone)
    assert following is not None
    assert following.astimezone(UTC) == end.astimezone(UTC)


def test_a_total_has_no_window() -> None:
    assert window_start("total", NOW, BERLIN) is window_end("total", NOW, BERLIN) is None


def test_fifty_reservations_at_once_never_pass_the_limit() -> None:
    budgets, granted = KeyBudgets([Budget(10, "day", BERLIN)]), []
    for _ in range(50):
        try:
            granted.append(budgets.reserve(1, NOW))
        except BudgetSpent:
            continue
    assert len(granted) == 10
    for reservation in granted:
        reservation.settle(1, NOW)
    assert budgets.left(NOW) == 0
    with pytest.raises(BudgetSpent, match="is spent"):
        budgets.reserve(0, NOW)  # what costs nothing is refused as well


def test_a_top_up_that_does_not_fit_leaves_the_reservation_as_it_was() -> None:
    budgets = KeyBudgets([Budget(10, "day", BERLIN), Budget(100, "month", BERLIN)])
    reservation = budgets.reserve(6, NOW)
    reservation.top_up(3, NOW)
    with pytest.raises(BudgetSpent):
        reservation.top_up(2, NOW)
    assert [budget.reserved for budget in budgets.budgets] == [9, 9]
    reservation.settle(8, NOW)
    assert [budget.left() for budget in budgets.budgets] == [2, 92]


def test_what_runs_over_midnight_is_held_before_and_after_it() -> None:
    clock = StillClock(datetime(2026, 11, 20, 22, 59, 59, tzinfo=UTC))
    budgets = KeyBudgets([Budget(10, "day", BERLIN)])
    budgets.reserve(7, clock.now()).settle(7, clock.now())
    running = budgets.reserve(3, clock.now())
    assert budgets.left(clock.now()) == 0
    clock.skip(1)
    assert budgets.left(clock.now()) == 7
    running.settle(2, clock.now())
    assert budgets.left(clock.now()) == 8


def test_a_day_whose_midnight_does_not_exist_begins_when_the_clock_is_moved() -> None:
    santiago = ZoneInfo("America/Santiago")  # on 6 September 2026 the clock goes from 0:00 to 1:00
    start = window_start("day", datetime(2026, 9, 6, 12, tzinfo=UTC), santiago)
    before = window_end("day", datetime(2026, 9, 6, 3, 59, tzinfo=UTC), santiago)
    assert start is not None
    assert before is not None
    assert start.astimezone(UTC) == before.astimezone(UTC) == datetime(2026, 9, 6, 4, tzinfo=UTC)


def test_a_refusal_says_what_is_left_and_when_it_starts_anew() -> None:
    budgets = KeyBudgets([Budget(10_000_000_000, "day", BERLIN)])
    budgets.reserve(9_000_000_000, NOW)
    with pytest.raises(BudgetSpent) as refused:
        budgets.reserve(2_000_000_000, NOW)
    assert refused.value.message == (
        "This request may cost up to $2.00, but $1.00 of the budget of $10.00 per day is left. "
        "It starts anew at 2026-11-21 00:00 CET. A smaller max_tokens may fit."
    )
