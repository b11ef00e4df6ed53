"""What is known of a deployment: means and quantiles that fade, survive a restart, and cost little."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.routing.numbers import HALF_LIFE_S, USUAL_SUCCESS, VOTE_HALF_LIFE_S, Numbers


def answered(numbers: Numbers, now: float, seconds: float = 2.0, **told: object) -> None:
    numbers.started()
    numbers.ended(now, True, seconds, **told)  # type: ignore[arg-type]


def failed(numbers: Numbers, now: float) -> None:
    numbers.started()
    numbers.ended(now, False)


def test_a_stranger_has_no_means() -> None:
    numbers = Numbers()
    means = (numbers.success, numbers.first_token, numbers.seconds, numbers.output, numbers.rate, numbers.price)
    assert [mean.mean for mean in means] == [None] * 6
    assert numbers.quality is None
    assert numbers.takes(100) is None
    assert numbers.known(0) == 0
    assert numbers.succeeds(0) == USUAL_SUCCESS


def test_a_stream_tells_its_first_token_and_its_speed_after_it() -> None:
    numbers = Numbers()
    answered(numbers, 0, 4.5, first_token=0.5, output=200, tokens=1000, cost=3_000_000)
    assert numbers.first_token.mean == 0.5
    assert numbers.rate.mean == 50
    assert numbers.seconds.mean == 4.5
    assert numbers.output.mean == 200
    assert numbers.price.mean == 3_000_000
    assert numbers.takes(400) == pytest.approx(0.5 + 8)


def test_a_whole_answer_is_as_fast_as_its_whole_time_says() -> None:
    numbers = Numbers()
    answered(numbers, 0, 5, output=200)
    assert numbers.first_token.mean is None
    assert numbers.takes(400) == pytest.approx(10)


def test_of_a_whole_answer_the_usual_first_token_is_taken_off() -> None:
    numbers = Numbers()
    answered(numbers, 0, 5, first_token=1, output=200)
    answered(numbers, 0, 5, output=200)
    assert numbers.rate.mean == pytest.approx(50)


def test_what_has_no_output_is_judged_by_its_whole_time() -> None:
    numbers = Numbers()
    answered(numbers, 0, 0.3, tokens=50, cost=10)
    assert numbers.takes(0) == 0.3
    assert numbers.takes(100) == 0.3


def test_an_answer_that_comes_in_one_piece_is_fast_and_nothing_breaks() -> None:
    numbers = Numbers()
    answered(numbers, 0, 1.0, first_token=1.0, output=300)
    takes = numbers.takes(300)
    assert takes is not None
    assert 1.0 < takes < 1.01


def test_prices_and_speeds_count_long_answers_for_more() -> None:
    numbers = Numbers()
    answered(numbers, 0, 10, first_token=0, output=900, tokens=900, cost=900)
    answered(numbers, 0, 10, first_token=0, output=100, tokens=100, cost=1100)
    assert numbers.rate.mean == pytest.approx(50)
    assert numbers.price.mean == pytest.approx(2000)


def test_an_unknown_price_changes_no_mean() -> None:
    numbers = Numbers()
    answered(numbers, 0, tokens=100, cost=None)
    assert numbers.price.mean is None


def test_a_failure_tells_of_success_only() -> None:
    numbers = Numbers()
    answered(numbers, 0, 2, output=100)
    failed(numbers, 0)
    assert numbers.success.mean == 0.5
    assert numbers.seconds.mean == 2
    assert numbers.known(0) == 2


def test_what_tells_nothing_only_ends_the_call() -> None:
    numbers = Numbers()
    numbers.started()
    numbers.started()
    assert numbers.running == 2
    numbers.ended(0, None)
    assert (numbers.running, numbers.known(0)) == (1, 0)


def test_more_ends_than_beginnings_leave_nothing_running() -> None:
    numbers = Numbers()
    numbers.ended(0, True, 1)
    assert numbers.running == 0


def test_after_a_half_life_a_call_counts_for_half() -> None:
    numbers = Numbers()
    answered(numbers, 0, 1)
    assert numbers.known(HALF_LIFE_S) == pytest.approx(0.5)
    answered(numbers, HALF_LIFE_S, 4)
    assert numbers.seconds.mean == pytest.approx((0.5 * 1 + 4) / 1.5)
    assert numbers.known(HALF_LIFE_S) == pytest.approx(1.5)


def test_a_slow_memory_is_forgiven() -> None:
    numbers = Numbers()
    for now in range(100):
        answered(numbers, now, 30, output=100)
    for now in range(100):
        answered(numbers, 10 * HALF_LIFE_S + now, 1, output=100)
    takes = numbers.takes(100)
    assert takes is not None
    assert takes < 1.2
    median = numbers.times.quantile(0.5)
    assert median == pytest.approx(1, rel=0.05)


def test_so_is_one_that_failed() -> None:
    numbers = Numbers()
    for _ in range(20):
        failed(numbers, 0)
    assert numbers.succeeds(0) < 0.1
    assert numbers.succeeds(20 * HALF_LIFE_S) == pytest.approx(USUAL_SUCCESS, abs=0.001)


def test_one_failure_alone_proves_little() -> None:
    numbers = Numbers()
    failed(numbers, 0)
    assert 0.5 < numbers.succeeds(0) < USUAL_SUCCESS


def test_quantiles_are_of_both_times() -> None:
    numbers = Numbers()
    for number in range(1, 101):
        answered(numbers, 0, number / 10, first_token=number / 100, output=10)
    assert numbers.times.quantile(0.95) == pytest.approx(9.5, rel=0.05)
    assert numbers.first_tokens.quantile(0.5) == pytest.approx(0.5, rel=0.05)


def test_votes_move_the_quality_little_by_little_from_the_middle() -> None:
    numbers = Numbers()
    numbers.voted(1, 0)
    assert numbers.quality is not None
    assert 0.5 < numbers.quality < 0.65
    for _ in range(50):
        numbers.voted(1, 0)
    assert numbers.quality > 0.9
    assert numbers.votes(0) == 51


def test_votes_outlast_calls_and_fade_too() -> None:
    numbers = Numbers()
    for _ in range(10):
        numbers.voted(0, 0)
    assert numbers.votes(86400) > 9
    assert numbers.votes(VOTE_HALF_LIFE_S) == pytest.approx(5)
    answered(numbers, 20 * VOTE_HALF_LIFE_S)  # quality is worked out anew now and then
    assert numbers.quality == pytest.approx(0.5, abs=0.01)


TELLING = some.lists(
    some.tuples(
        some.floats(0, 5 * HALF_LIFE_S),
        some.sampled_from([True, True, True, False, None]),
        some.floats(0.001, 100),
        some.one_of(some.none(), some.floats(0.001, 10)),
        some.integers(0, 5000),
    ),
    max_size=40,
)


@given(TELLING)
def test_the_means_are_those_of_calls_that_each_count_by_their_age(
    calls: list[tuple[float, bool | None, float, float | None, int]],
) -> None:
    numbers, now = Numbers(), 1e6
    times: list[tuple[float, bool, float]] = []
    for wait, ok, seconds, first, output in calls:
        now += wait
        numbers.ended(now, ok, seconds, first, output)
        if ok is not None:
            times.append((now, ok, seconds))
    weights = [2 ** ((at - now) / HALF_LIFE_S) for at, _, _ in times]
    assert numbers.known(now) == pytest.approx(sum(weights))
    if times:
        good = sum(weight for weight, (_, ok, _) in zip(weights, times, strict=True) if ok)
        assert numbers.success.mean == pytest.approx(good / sum(weights), abs=1e-9)
        spent = sum(weight * seconds for weight, (_, ok, seconds) in zip(weights, times, strict=True) if ok)
        assert numbers.seconds.mean == (pytest.approx(spent / good) if good else None)


@given(TELLING, some.floats(0, 3 * HALF_LIFE_S))
def test_a_restart_loses_nothing_and_time_goes_on_meanwhile(
    calls: list[tuple[float, bool | None, float, float | None, int]], away: float
) -> None:
    numbers, now = Numbers(), 5000.0
    for wait, ok, seconds, first, output in calls:
        now += wait
        numbers.ended(now, ok, seconds, first, output, output + 10, 1000)
    numbers.voted(1, now)
    dumped = json.loads(json.dumps(numbers.dump(now, wall=1.8e9)))
    # the monotonic clock begins anew
    again = Numbers.load(dumped, now=7.0, wall=1.8e9 + away)
    assert again.known(7.0) == pytest.approx(numbers.known(now + away), rel=1e-4, abs=1e-6)
    for name in ("success", "first_token", "seconds", "output", "rate", "price"):
        mean = getattr(numbers, name).mean
        assert getattr(again, name).mean == (None if mean is None else pytest.approx(mean, rel=1e-4, abs=1e-4))
    assert again.votes(7.0) == pytest.approx(numbers.votes(now + away), rel=1e-4)
    assert again.times.quantile(0.9) == numbers.times.quantile(0.9)
    assert again.running == 0


def test_what_happens_after_a_restart_counts_beside_what_was_before() -> None:
    numbers = Numbers()
    answered(numbers, 0, 1)
    again = Numbers.load(numbers.dump(0, wall=1000), now=50, wall=1000 + HALF_LIFE_S)
    answered(again, 50, 4)
    assert again.seconds.mean == pytest.approx((0.5 * 1 + 4) / 1.5)


def test_a_clock_that_was_set_back_makes_nothing_younger_than_it_is() -> None:
    numbers = Numbers()
    answered(numbers, 0, 1)
    again = Numbers.load(numbers.dump(0, wall=1000), now=50, wall=10)
    assert again.known(50) == pytest.approx(1)


@pytest.mark.parametrize(
    "dumped", [{}, {"at": 1}, {"at": 1, "means": {"success": [-1, 1]}}, {"at": 1, "means": {}, "times": [1]}]
)
def test_what_is_no_dump_is_refused(dumped: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Numbers.load(dumped, 0, 0)


@given(some.lists(some.floats(0, 1e7), max_size=20))
def test_months_of_quiet_leave_the_means_and_no_weight(waits: list[float]) -> None:
    numbers, now = Numbers(), 0.0
    for wait in waits:
        now += wait
        answered(numbers, now, 3, first_token=1, output=10, tokens=20, cost=5)
        failed(numbers, now)
    if waits:
        assert 1.999 <= numbers.known(now) <= 2.001 * len(waits)
        assert numbers.known(now + 1e9) == 0
        assert numbers.seconds.mean == pytest.approx(3)
        assert numbers.succeeds(now + 1e9) == USUAL_SUCCESS
