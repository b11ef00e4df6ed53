"""The breaker of one deployment, at explicit times."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from app.routing.breaker import CONSECUTIVE, MIN_VOLUME, OPEN_MAX_S, OPEN_S, WINDOW_S, Breaker


def opened(at: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(CONSECUTIVE):
        breaker.failed(at, "timed out")
    return breaker


def trial(breaker: Breaker, at: float, ok: bool) -> None:
    assert breaker.allows(at)
    breaker.start(at)
    if ok:
        breaker.succeeded(at)
    else:
        breaker.failed(at, "timed out")


def test_a_new_one_is_closed_and_allows() -> None:
    breaker = Breaker()
    assert breaker.state(0) == "closed"
    assert breaker.allows(0)
    assert breaker.reason == ""


def test_it_opens_after_five_failures_in_a_row_and_not_before() -> None:
    breaker = Breaker()
    for at in range(4):
        breaker.failed(at, "timed out")
        assert breaker.state(at) == "closed"
    breaker.failed(4, "unavailable")
    assert breaker.state(4) == "open"
    assert not breaker.allows(4)
    assert breaker.reason == "unavailable"


def test_a_success_between_failures_begins_the_row_anew() -> None:
    breaker = Breaker()
    for _ in range(4):
        breaker.failed(0, "timed out")
    breaker.succeeded(0)
    for _ in range(4):
        breaker.failed(0, "timed out")
    assert breaker.state(0) == "closed"


def test_it_opens_when_half_of_ten_calls_failed() -> None:
    breaker = Breaker()
    for at in range(MIN_VOLUME // 2):
        breaker.succeeded(at)
        assert breaker.state(at) == "closed"
        breaker.failed(at, "timed out")
    assert breaker.state(5) == "open"


def test_half_of_nine_calls_is_too_few_to_tell() -> None:
    breaker = Breaker()
    for at in range(4):
        breaker.succeeded(at)
        breaker.failed(at, "timed out")
    breaker.failed(4, "timed out")
    assert breaker.state(4) == "closed"


def test_less_than_half_leaves_it_closed() -> None:
    breaker = Breaker()
    for at in range(30):
        breaker.succeeded(at)
        breaker.succeeded(at)
        breaker.failed(at, "timed out")
    assert breaker.state(30) == "closed"


def test_calls_of_more_than_a_minute_ago_do_not_count() -> None:
    breaker = Breaker()
    for _ in range(4):
        breaker.succeeded(0)
        breaker.failed(0, "timed out")
    breaker.succeeded(WINDOW_S + 1)
    breaker.failed(WINDOW_S + 1, "timed out")
    assert breaker.state(WINDOW_S + 1) == "closed"


def test_it_is_half_open_after_four_seconds_and_lets_one_call_try() -> None:
    breaker = opened(at=100)
    assert breaker.state(100 + OPEN_S - 0.01) == "open"
    assert breaker.state(100 + OPEN_S) == "half_open"
    assert breaker.allows(100 + OPEN_S)
    breaker.start(100 + OPEN_S)
    assert not breaker.allows(100 + OPEN_S)
    assert not breaker.allows(100 + OPEN_S + 1000)


def test_a_trial_that_succeeds_closes_it() -> None:
    breaker = opened()
    trial(breaker, OPEN_S, ok=True)
    assert breaker.state(OPEN_S) == "closed"
    breaker.failed(OPEN_S, "timed out")
    assert breaker.state(OPEN_S) == "closed"  # what failed before is forgotten


def test_a_trial_that_fails_opens_it_for_twice_as_long() -> None:
    breaker = opened()
    trial(breaker, 4, ok=False)
    assert breaker.state(4) == "open"
    assert breaker.state(11.9) == "open"
    assert breaker.state(12) == "half_open"
    trial(breaker, 12, ok=False)
    assert breaker.state(19.9) == "open"  # no longer than eight seconds, however often
    assert breaker.state(20) == "half_open"


def test_after_a_recovery_the_first_wait_is_short_again() -> None:
    breaker = opened()
    trial(breaker, 4, ok=False)
    trial(breaker, 12, ok=True)
    for _ in range(CONSECUTIVE):
        breaker.failed(13, "timed out")
    assert breaker.state(13 + OPEN_S) == "half_open"


def test_a_trial_that_told_nothing_leaves_the_place_to_the_next() -> None:
    breaker = opened()
    breaker.start(4)
    breaker.released()
    assert breaker.state(4) == "half_open"
    assert breaker.allows(4)


def test_a_late_failure_of_an_earlier_call_does_not_lengthen_the_wait() -> None:
    breaker = opened()
    breaker.failed(3, "timed out")
    assert breaker.state(4) == "half_open"


CALLS = some.lists(some.tuples(some.floats(0, 30), some.booleans()), max_size=60)


@given(CALLS)
def test_whatever_happened_a_deployment_that_is_well_again_answers_within_ten_seconds(
    calls: list[tuple[float, bool]],
) -> None:
    breaker, now = Breaker(), 0.0
    for wait, ok in calls:
        now += wait
        if breaker.allows(now):
            trial(breaker, now, ok)
    assert OPEN_MAX_S < 10
    now += OPEN_MAX_S + 0.01
    trial(breaker, now, ok=True)
    assert breaker.state(now) == "closed"


@given(CALLS)
def test_while_open_nothing_is_allowed_and_while_closed_everything_is(calls: list[tuple[float, bool]]) -> None:
    breaker, now = Breaker(), 0.0
    for wait, ok in calls:
        now += wait
        state = breaker.state(now)
        assert breaker.allows(now) == (state != "open")
        if state != "open":
            trial(breaker, now, ok)
            assert not (ok and breaker.state(now) != "closed")


@given(some.lists(some.floats(0, 30), max_size=60))
def test_successes_alone_never_open_it(waits: list[float]) -> None:
    breaker, now = Breaker(), 0.0
    for wait in waits:
        now += wait
        breaker.succeeded(now)
    assert breaker.state(now) == "closed"


class Life(RuleBasedStateMachine):
    """Calls that take their time, clients that leave, failures of calls that began before it opened."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker, self.now = Breaker(), 0.0

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
            self.breaker.failed(self.now, "timed out")

    @rule()
    def late_failure(self) -> None:
        self.breaker.failed(self.now, "timed out")

    @invariant()
    def the_way_is_free_after_the_longest_wait(self) -> None:
        assert self.breaker.allows(self.now + OPEN_MAX_S + 0.01)


TestLife = Life.TestCase
