"""The retry budget, at explicit times."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from app.routing.retry_budget import MOST, PER_SECOND, SHARE, RetryBudget


def test_a_quiet_system_may_repeat_once() -> None:
    budget = RetryBudget()
    assert budget.take(100)
    assert not budget.take(100)


def test_five_requests_earn_one_more_call() -> None:
    budget = RetryBudget()
    assert budget.take(0)
    for _ in range(4):
        budget.request(0)
    assert not budget.take(0)
    budget.request(0)
    assert budget.take(0)


def test_so_do_ten_quiet_seconds() -> None:
    budget = RetryBudget()
    assert budget.take(0)
    assert not budget.take(9)
    assert budget.take(10)


def test_looking_costs_nothing() -> None:
    budget = RetryBudget()
    assert budget.take(0)
    for second in range(1, 10):
        assert budget.left(second) < 1
    assert budget.take(10)


def test_credit_does_not_grow_without_end() -> None:
    budget = RetryBudget()
    for _ in range(1000):
        budget.request(0)
    assert budget.left(1e6) == MOST
    assert [budget.take(1e6) for _ in range(12)].count(True) == MOST


def test_in_a_storm_a_fifth_is_repeated_and_no_more() -> None:
    budget = RetryBudget()
    repeats = 0
    for number in range(5000):
        now = number / 500
        budget.request(now)
        repeats += budget.take(now)
    assert 990 <= repeats <= 1010


@given(some.lists(some.tuples(some.sampled_from(["request", "repeat"]), some.floats(0, 20)), max_size=300))
def test_repeats_stay_within_the_budget_whatever_comes(events: list[tuple[str, float]]) -> None:
    budget, now, requests, repeats = RetryBudget(), 0.0, 0, 0
    for what, wait in events:
        now += wait
        if what == "request":
            budget.request(now)
            requests += 1
        else:
            repeats += budget.take(now)
        assert repeats <= SHARE * requests + PER_SECOND * now + 1 + 1e-6
        assert 0 <= budget.left(now) + 1e-6 <= MOST + 1
