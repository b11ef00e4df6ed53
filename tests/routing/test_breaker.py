"""The breaker: closed, open, half open, by the clock."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from app.routing.breaker import CONSECUTIVE, OPEN_MAX_S, OPEN_S, Breaker


def opened(now: float = 0) -> Breaker:
    breaker = Breaker()
    for _ in range(CONSECUTIVE):
        breaker.failed(now, "down")
    return breaker


def test_five_failures_in_a_row_open_it() -> None:
    breaker = Breaker()
    for _ in range(CONSECUTIVE - 1):
        breaker.failed(0, "down")
    assert breaker.state(0) == "closed"
    breaker.succeeded(0)
    breaker.failed(0, "down")
    assert breaker.state(0) == "closed", "a success in between begins anew"
    for _ in range(CONSECUTIVE - 1):
        breaker.failed(0, "down")
    assert (breaker.state(0), breaker.allows(0), breaker.reason) == ("open", False, "down")


def test_half_of_the_recent_calls_failing_opens_it() -> None:
    breaker = Breaker()
    for number in range(9):
        (breaker.succeeded if number % 2 else lambda now: breaker.failed(now, "x"))(number)
    assert breaker.state(9) == "closed", "too few to say"
    breaker.failed(9, "x")
    assert breaker.state(9) == "open"


def test_old_failures_do_not_count() -> None:
    breaker = Breaker()
    for number in range(8):
        (breaker.succeeded if number % 2 else lambda now: breaker.failed(now, "x"))(0)
    for now in (100, 101):
        breaker.failed(now, "x")
    assert breaker.state(101) == "closed"


def test_one_call_at_a_time_may_try_and_its_success_closes_it() -> None:
    breaker = opened()
    assert breaker.state(OPEN_S) == "half_open"
    assert breaker.allows(OPEN_S)
    breaker.start(OPEN_S)
    assert not breaker.allows(OPEN_S)
    breaker.succeeded(OPEN_S + 1)
    assert (breaker.state(OPEN_S + 1), breaker.allows(OPEN_S + 1)) == ("closed", True)


def test_a_failed_trial_waits_longer_up_to_a_limit() -> None:
    breaker, now, waits = opened(), 0.0, []
    for _ in range(4):
        begun = now
        while breaker.state(now) == "open":
            now += 0.5
        waits.append(now - begun)
        breaker.start(now)
        breaker.failed(now, "still down")
    assert waits == [OPEN_S, OPEN_MAX_S, OPEN_MAX_S, OPEN_MAX_S]


def test_a_trial_that_told_nothing_lets_the_next_one_try() -> None:
    breaker = opened()
    breaker.start(OPEN_S)
    breaker.released()
    assert breaker.allows(OPEN_S)


class Life(RuleBasedStateMachine):
    """Whatever happens: the way is free again after the longest wait, unless a trial is under way."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker, self.now, self.trying = Breaker(), 0.0, False

    @rule(seconds=some.floats(0, 30))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(ok=some.booleans(), takes=some.floats(0, 5), leaves=some.booleans())
    def call(self, ok: bool, takes: float, leaves: bool) -> None:
        if not self.breaker.allows(self.now):
            return
        self.breaker.start(self.now)
        self.now += takes
        if leaves:
            self.breaker.released()
        elif ok:
            self.breaker.succeeded(self.now)
            assert self.breaker.state(self.now) == "closed"
        else:
            self.breaker.failed(self.now, "x")

    @rule()
    def late_failure(self) -> None:
        """Of a call that began before the breaker opened."""
        self.breaker.failed(self.now, "late")

    @invariant()
    def free_after_the_longest_wait(self) -> None:
        assert self.breaker.allows(self.now + OPEN_MAX_S)
        assert self.breaker.state(self.now) in ("closed", "open", "half_open")


TestLife = Life.TestCase


@given(outcomes=some.lists(some.booleans(), max_size=60))
def test_a_breaker_of_successes_alone_never_opens(outcomes: list[bool]) -> None:
    breaker = Breaker()
    for now, _ in enumerate(outcomes):
        breaker.succeeded(now)
    assert breaker.state(len(outcomes)) == "closed"
