"""What the strategies make of what they have seen: fastest, score, adaptive."""

from __future__ import annotations

import pytest

from app.routing.numbers import HALF_LIFE_S
from app.routing.strategies import STRATEGIES
from app.routing.strategies.base import LAST, Weights
from app.routing.strategies.fastest import EXPLORES
from tests.routing.choices import candidate, firsts, priced, rank, seen, world


def test_fastest_weighs_the_first_token_against_the_rest() -> None:
    candidates = [candidate("quick"), candidate("steady", 1)]
    given = world(quick=seen(1000, first=0.1, rate=20), steady=seen(1000, first=1.0, rate=200))
    for stream in (True, False):
        assert firsts("fastest", candidates, given, 100, max_tokens=5, stream=stream)["quick"] > 95
        assert firsts("fastest", candidates, given, 100, max_tokens=2000, stream=stream)["steady"] > 95
    numbers = rank("fastest", candidates, given, max_tokens=5)
    assert STRATEGIES["fastest"].show(numbers[0]) == "350 ms"


def test_whole_answers_tell_its_speed_as_well() -> None:
    candidates = [candidate("slow"), candidate("fast", 1)]
    given = world(slow=seen(1000, first=None, rate=20), fast=seen(1000, first=None, rate=200))
    assert firsts("fastest", candidates, given, 100, stream=True)["fast"] > 95


def test_calls_that_fail_cost_their_time() -> None:
    candidates = [candidate("flaky"), candidate("sound", 1)]
    given = world(flaky=seen(1000, rate=100, fails=0.5), sound=seen(1000, rate=80))
    assert firsts("fastest", candidates, given, 100)["sound"] > 95


def test_strangers_are_measured_by_a_tenth_of_the_requests_at_most() -> None:
    candidates = [candidate("known"), candidate("one", 1), candidate("other", 2)]
    found = firsts("fastest", candidates, world(known=seen()), 5000)
    assert 0.8 * EXPLORES < 1 - found["known"] / 5000 < 1.2 * EXPLORES
    assert found["one"] == pytest.approx(found["other"], rel=0.3)


def test_the_better_all_are_known_the_less_is_measured() -> None:
    candidates = [candidate("fast"), candidate("slow", 1)]
    numbers = {"fast": seen(500), "slow": seen(500, rate=50)}
    assert firsts("fastest", candidates, world(**numbers), 2000)["slow"] < 10
    later = world(now=8 * HALF_LIFE_S, **numbers)
    assert firsts("fastest", candidates, later, 2000)["slow"] > 30


def test_a_stranger_that_is_being_measured_is_left_in_peace() -> None:
    candidates = [candidate("known"), candidate("stranger", 1)]
    given = world(known=seen(), stranger=seen(0, running=20))
    assert firsts("fastest", candidates, given, 2000)["stranger"] < 0.02 * 2000


def test_what_is_measured_is_said_so() -> None:
    show = STRATEGIES["fastest"].show
    assert show(-LAST) == "asked to measure it"
    assert show(-2.5) == "2.5 s when it was last asked, measured anew"
    assert show(LAST) == "not measured yet"


QUALITY, COST = Weights(quality=1, cost=0, performance=0, availability=0), Weights(0, 1, 0, 0)
SPEED, AVAILABILITY = Weights(0, 0, 1, 0), Weights(0, 0, 0, 1)


@pytest.mark.parametrize(
    ("weights", "best"), [(QUALITY, "liked"), (COST, "cheap"), (SPEED, "fast"), (AVAILABILITY, "sound")]
)
@pytest.mark.parametrize("name", ["score", "adaptive"])
def test_the_weights_say_what_counts(name: str, weights: Weights, best: str) -> None:
    candidates = [
        priced("liked", 0, usd_in=5, usd_out=5),
        priced("cheap", 1, usd_in=0.1, usd_out=0.1),
        priced("fast", 2, usd_in=5, usd_out=5),
        priced("sound", 3, usd_in=5, usd_out=5),
    ]
    given = world(
        weights=weights,
        liked=seen(9000, fails=0.2, likes=90),
        cheap=seen(9000, fails=0.2, dislikes=90),
        fast=seen(9000, fails=0.2, rate=2000, dislikes=90),
        sound=seen(9000, dislikes=90),
    )
    assert firsts(name, candidates, given, 100)[best] > 95


def test_a_score_is_between_0_and_1_and_unknown_is_the_middle() -> None:
    candidates = [candidate("stranger"), priced("a", 1), priced("b", 2)]
    given = world(a=seen(likes=100, rate=1000), b=seen(dislikes=100, rate=10, fails=0.5))
    stranger, good, bad = (-number for number in rank("score", candidates, given))
    assert stranger == pytest.approx(0.5)
    assert 0 <= bad < 0.5 < good <= 1
    assert STRATEGIES["score"].show(-0.912) == "0.91"


def test_small_differences_stay_small() -> None:
    one, other = rank("score", [priced("a"), priced("b", 1)], world(a=seen(fails=0.02), b=seen(fails=0)))
    assert abs(one - other) < 0.03


def test_adaptive_tries_everybody_and_settles_for_the_best() -> None:
    candidates = [candidate(name, place) for place, name in enumerate("abcde")]
    strangers = firsts("adaptive", candidates, world(), 1000)
    assert all(150 < strangers[name] < 250 for name in "abcde")
    given = world(
        a=seen(500, rate=10), b=seen(500, rate=10), c=seen(500, likes=50), d=seen(500, fails=0.5), e=seen(500, rate=20)
    )
    assert firsts("adaptive", candidates, given, 100)["c"] > 95


def test_adaptive_does_not_rush_at_a_stranger_that_has_not_answered_yet() -> None:
    candidates = [candidate("known"), candidate("stranger", 1)]
    idle = firsts("adaptive", candidates, world(known=seen(500, likes=20)), 1000)["stranger"]
    asked = firsts("adaptive", candidates, world(known=seen(500, likes=20), stranger=seen(0, running=40)), 1000)
    assert idle > 100
    assert asked["stranger"] < idle / 5


def test_adaptive_gives_another_chance_to_one_that_was_bad_long_ago() -> None:
    candidates = [candidate("good"), candidate("bad", 1)]
    good = seen(500, at=20 * HALF_LIFE_S, likes=5)
    now = 20 * HALF_LIFE_S
    lately = world(now=now, good=good, bad=seen(500, fails=0.9, at=now))
    long_ago = world(now=now, good=good, bad=seen(500, fails=0.9))
    assert firsts("adaptive", candidates, lately, 1000)["bad"] == 0
    assert firsts("adaptive", candidates, long_ago, 1000)["bad"] > 50
