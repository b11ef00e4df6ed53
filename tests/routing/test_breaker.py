"""The breaker of one deployment, at explicit times."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from app.routing.breaker import (
    AGAIN_S,
    FEWEST,
    MIN_VOLUME,
    MORE_S,
    MOST,
    OPEN_S,
    RETRY_AFTER_MAX_S,
    WINDOW_S,
    Breaker,
    asked_wait,
)


def call(breaker: Breaker, at: float, ok: bool) -> None:
    """A call that takes no time."""
    assert breaker.allows(at)
    breaker.start(at)
    if ok:
        breaker.succeeded(at, at)
    else:
        breaker.failed(at, "timed out", at)


def opened(at: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(FEWEST):
        call(breaker, at, ok=False)
    assert breaker.state(at) == "open"
    return breaker


def used_to_failing(every: int) -> Breaker:
    """Each so manieth of its calls fails."""
    breaker = Breaker()
    for at in range(1000):
        call(breaker, at * WINDOW_S, ok=at % every != 0)
    call(breaker, 1000 * WINDOW_S, ok=True)
    return breaker


def failures_until_open(breaker: Breaker, at: float) -> int:
    count = 0
    while breaker.state(at) != "open":
        call(breaker, at, ok=False)
        count += 1
    return count


def test_a_new_one_is_closed_and_allows() -> None:
    breaker = Breaker()
    assert breaker.state(0) == "closed"
    assert breaker.allows(0)
    assert breaker.reason == ""


def test_it_opens_after_three_failures_in_a_row_and_not_before() -> None:
    breaker = Breaker()
    for at in range(2):
        call(breaker, at, ok=False)
        assert breaker.state(at) == "closed"
    call(breaker, 2, ok=False)
    assert breaker.state(2) == "open"
    assert not breaker.allows(2)
    assert breaker.reason == "timed out"


def test_callers_that_say_less_are_understood_too() -> None:
    breaker = Breaker()
    for _ in range(FEWEST - 1):
        breaker.failed(0, "timed out")
    breaker.succeeded(0)
    assert not breaker.condition(0).doubted
    for _ in range(MOST):
        breaker.failed(0, "timed out")
    assert breaker.state(0) == "open"
    breaker.succeeded(0)
    assert breaker.state(0) == "closed"


def test_a_success_between_failures_begins_the_row_anew() -> None:
    breaker = Breaker()
    for _ in range(10):
        call(breaker, 0, ok=False)
        call(breaker, 0, ok=False)
        call(breaker, 0, ok=True)
    assert breaker.state(0) == "closed"


@pytest.mark.parametrize(("every", "failures"), [(100, 3), (8, 5), (5, 6), (3, MOST), (2, MOST)])
def test_who_often_fails_may_fail_more_often_in_a_row(every: int, failures: int) -> None:
    assert failures_until_open(used_to_failing(every), 1001 * WINDOW_S) == failures


def test_an_outage_is_no_habit() -> None:
    breaker = used_to_failing(100)
    for outage in range(20):
        at = (2000 + outage) * WINDOW_S
        assert failures_until_open(breaker, at) == FEWEST
        call(breaker, at + OPEN_S, ok=True)
        call(breaker, at + OPEN_S, ok=True)


def test_it_opens_when_half_of_forty_calls_failed() -> None:
    breaker = Breaker()
    for at in range(MIN_VOLUME // 2):
        call(breaker, at, ok=True)
        assert breaker.state(at) == "closed"
        call(breaker, at, ok=False)
    assert breaker.state(MIN_VOLUME) == "half_open"
    assert breaker.state(MIN_VOLUME // 2) == "open"


def test_half_of_fewer_calls_is_too_few_to_tell() -> None:
    breaker = Breaker()
    for at in range(MIN_VOLUME // 2 - 1):
        call(breaker, at, ok=True)
        call(breaker, at, ok=False)
    assert breaker.state(MIN_VOLUME // 2) == "closed"


def test_calls_of_more_than_a_minute_ago_do_not_count() -> None:
    breaker = Breaker()
    for at in range(100):
        call(breaker, 4 * at, ok=True)  # 15 a minute, and as many failures
        call(breaker, 4 * at, ok=False)
    assert breaker.state(400) == "closed"


def test_it_is_half_open_after_four_seconds_and_lets_one_call_try() -> None:
    breaker = opened(at=100)
    assert breaker.state(100 + OPEN_S - 0.01) == "open"
    assert breaker.state(100 + OPEN_S) == "half_open"
    assert breaker.allows(100 + OPEN_S)
    breaker.start(100 + OPEN_S)
    assert breaker.state(100 + OPEN_S) == "half_open"
    assert not breaker.allows(100 + OPEN_S)
    assert not breaker.allows(100 + OPEN_S + AGAIN_S - 0.01)


def test_a_trial_that_hangs_does_not_keep_the_next_one_waiting() -> None:
    breaker = opened()
    breaker.start(OPEN_S)
    assert breaker.allows(OPEN_S + AGAIN_S)


def test_a_trial_that_succeeds_closes_it() -> None:
    breaker = opened()
    call(breaker, OPEN_S, ok=True)
    assert breaker.state(OPEN_S) == "closed"
    call(breaker, OPEN_S, ok=False)
    assert breaker.state(OPEN_S) == "closed"  # what failed before is forgotten


def test_the_first_content_of_a_trial_closes_it() -> None:
    breaker = opened()
    breaker.start(OPEN_S)
    breaker.answering(OPEN_S)
    assert breaker.state(OPEN_S) == "closed"


def test_after_a_trial_that_fails_the_next_one_comes_nine_seconds_later() -> None:
    breaker = opened()
    for trial in (4, 13, 22, 31):
        call(breaker, trial, ok=False)
        assert breaker.state(trial) == "open"
        assert breaker.state(trial + AGAIN_S - 0.1) == "open"
        assert breaker.state(trial + AGAIN_S) == "half_open"


def test_after_a_recovery_the_first_wait_is_short_again() -> None:
    breaker = opened()
    call(breaker, 4, ok=False)
    call(breaker, 13, ok=True)
    for _ in range(FEWEST):
        call(breaker, 14, ok=False)
    assert breaker.state(14 + OPEN_S) == "half_open"


def test_a_trial_that_told_nothing_leaves_the_place_to_the_next() -> None:
    breaker = opened()
    breaker.start(4)
    breaker.released(4)
    assert breaker.state(4) == "half_open"
    assert breaker.allows(4)


def test_a_late_failure_of_an_earlier_call_does_not_lengthen_the_wait() -> None:
    breaker = opened(at=10)
    breaker.failed(13, "timed out", began=5)
    assert breaker.state(14) == "half_open"


def test_a_late_success_of_an_earlier_call_does_not_close_it() -> None:
    breaker = opened(at=10)
    breaker.succeeded(11, began=5)
    assert breaker.state(11) == "open"


def test_a_call_that_was_made_for_want_of_others_closes_it_too() -> None:
    breaker = opened(at=10)
    breaker.start(11)
    breaker.succeeded(12, began=11)
    assert breaker.state(12) == "closed"


def test_in_doubt_only_two_calls_may_begin_until_one_succeeds() -> None:
    breaker = Breaker()
    breaker.failed(10, "unavailable", began=9)
    for at in (10.1, 10.2):
        assert breaker.allows(at)
        breaker.start(at)
    assert not breaker.allows(10.3)
    assert breaker.state(10.3) == "half_open"  # they may yet succeed
    breaker.succeeded(11, began=10.2)
    assert breaker.allows(11)
    assert not breaker.condition(11).doubted


def test_the_first_content_ends_a_doubt_before_the_answer_does() -> None:
    breaker = Breaker()
    breaker.failed(10, "unavailable", began=9)
    breaker.start(10.1)
    breaker.answering(8)
    assert breaker.condition(11).doubted  # that call is older than the one that failed
    breaker.answering(10.1)
    assert not breaker.condition(11).doubted


def test_a_call_in_flight_that_began_after_the_one_that_failed_ends_the_doubt() -> None:
    breaker = Breaker()
    breaker.failed(10, "timed out", began=2)
    breaker.succeeded(10.1, began=5)
    assert not breaker.condition(11).doubted


def test_older_calls_that_succeed_make_room_slowly() -> None:
    breaker = Breaker()
    breaker.failed(10, "unavailable", began=9)
    breaker.start(10)
    breaker.start(10)
    breaker.succeeded(10.1, began=8)
    assert not breaker.allows(10.1)
    breaker.succeeded(10 + MORE_S, began=8)
    assert breaker.allows(10 + MORE_S)
    breaker.start(10 + MORE_S)
    breaker.succeeded(10.1 + MORE_S, began=8)
    assert not breaker.allows(10.1 + MORE_S)


def test_older_calls_that_fail_take_room_away() -> None:
    breaker = Breaker()
    for _ in range(FEWEST):
        breaker.failed(10, "unavailable", began=9)
    assert breaker.state(10) == "open"


def test_a_new_call_that_told_nothing_gives_its_room_back() -> None:
    breaker = Breaker()
    breaker.failed(10, "unavailable", began=9)
    breaker.start(10)
    breaker.start(10)
    breaker.released(began=3)
    assert not breaker.allows(10.1)
    breaker.released(began=10)
    assert breaker.allows(10.1)


def test_a_page_learns_what_is_the_matter() -> None:
    breaker = Breaker()
    assert not breaker.condition(0).doubted
    call(breaker, 10, ok=False)
    doubted = breaker.condition(10)
    assert (doubted.state, doubted.doubted, doubted.since, doubted.retry_at) == ("closed", True, 10, None)
    call(breaker, 11, ok=False)
    call(breaker, 12, ok=False)
    shut = breaker.condition(13)
    assert (shut.state, shut.since, shut.reason, shut.retry_at, shut.trying) == ("open", 10, "timed out", 16, False)
    breaker.start(17)
    assert breaker.condition(17).trying


def test_who_asks_to_be_left_alone_is_left_alone() -> None:
    breaker = Breaker()
    breaker.failed(10, "unavailable", began=9, wait=20)
    assert breaker.state(10) == "open"
    breaker.succeeded(11, began=9.5)
    assert not breaker.allows(29.9)
    assert breaker.allows(30)
    breaker.failed(30, "unavailable", began=30, wait=3600)
    assert breaker.allows(30 + RETRY_AFTER_MAX_S)


@pytest.mark.parametrize(
    ("status", "retry_after", "wait"),
    [(503, 5, 5), (429, 0.5, 0.5), (503, 3600, 60), (500, 5, None), (529, 5, None), (503, None, None), (429, 0, None)],
)
def test_retry_after_counts_with_429_and_503_for_a_minute_at_most(
    status: int, retry_after: float | None, wait: float | None
) -> None:
    assert asked_wait(status, retry_after) == wait


@given(some.lists(some.tuples(some.floats(0, 30), some.booleans()), max_size=60))
def test_whatever_happened_a_deployment_that_is_well_again_answers_within_ten_seconds(
    calls: list[tuple[float, bool]],
) -> None:
    breaker, now = Breaker(), 0.0
    for wait, ok in calls:
        now += wait
        if breaker.allows(now):
            call(breaker, now, ok)
            assert not (ok and breaker.state(now) != "closed")
        else:
            assert breaker.state(now) == "open"
    assert AGAIN_S < 10
    now += AGAIN_S
    call(breaker, now, ok=True)
    assert breaker.state(now) == "closed"


@given(some.lists(some.floats(0, 30), max_size=60))
def test_successes_alone_never_open_it(waits: list[float]) -> None:
    breaker, now = Breaker(), 0.0
    for wait in waits:
        now += wait
        breaker.succeeded(now, now)
    assert breaker.state(now) == "closed"


class Life(RuleBasedStateMachine):
    """Calls that overlap, clients that leave, calls that are made although they are not allowed."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker, self.now = Breaker(), 0.0
        self.running: list[float] = []

    @rule(seconds=some.floats(0, 30))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(forced=some.booleans())
    def begin(self, forced: bool) -> None:
        if forced or self.breaker.allows(self.now):
            self.breaker.start(self.now)
            self.running.append(self.now)

    @rule(which=some.integers(0, 99), how=some.sampled_from(["answers", "fails", "leaves", "begins to answer"]))
    def end(self, which: int, how: str) -> None:
        if not self.running:
            return
        began = self.running[which % len(self.running)]
        if how == "begins to answer":
            self.breaker.answering(began)
            return
        self.running.remove(began)
        if how == "leaves":
            self.breaker.released(began)
        elif how == "answers":
            self.breaker.succeeded(self.now, began)
        else:
            self.breaker.failed(self.now, "timed out", began)
            assert self.breaker.condition(self.now).doubted

    @invariant()
    def the_way_is_free_after_the_longest_wait(self) -> None:
        assert self.breaker.allows(self.now + AGAIN_S)

    @invariant()
    def while_open_nothing_is_allowed_and_while_closed_everything_is(self) -> None:
        state = self.breaker.state(self.now)
        assert self.breaker.allows(self.now) or state != "closed"
        assert not (self.breaker.allows(self.now) and state == "open")


TestLife = Life.TestCase
