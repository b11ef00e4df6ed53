"""The breaker before 32 clients at once: what an outage costs, and who stays useful."""

from __future__ import annotations

import pytest

from app.routing.breaker import AGAIN_S
from tests.routing.crowd import Crowd

ALIKE = [(0.02, 0.02), (0.1, 0.1), (2, 2)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("answers_s", "fails_s"), [*ALIKE, (0.1, 0.005), (2, 0.01), (10, 0.01)])
def test_an_outage_of_thirty_seconds_costs_five_calls_however_many_are_in_flight(
    answers_s: float, fails_s: float, seed: int
) -> None:
    crowd = Crowd(answers_s=answers_s, fails_s=fails_s, outage=(10, 40), seed=seed)
    seen = crowd.run(60 + answers_s)
    assert seen.late <= 5
    assert seen.back_after is not None
    assert seen.back_after <= AGAIN_S + 1.2 * answers_s
    assert crowd.breaker.state(60 + answers_s) == "closed"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("answers_s", "fails_s"), ALIKE)
def test_one_that_fails_three_times_in_ten_stays_useful(answers_s: float, fails_s: float, seed: int) -> None:
    seen = Crowd(answers_s=answers_s, fails_s=fails_s, fails=0.3, seed=seed).run(150 * answers_s)
    assert seen.share > 0.9
    assert seen.failed <= 0.32 * seen.requests


@pytest.mark.parametrize(("first_s", "share"), [(None, 0.25), (0.5, 0.6)])
def test_so_does_one_whose_failures_are_faster_than_its_answers(first_s: float | None, share: float) -> None:
    crowd = Crowd(answers_s=5, fails_s=0.01, first_content_s=first_s, fails=0.3)
    assert crowd.run(500).share > share


def test_a_failure_now_and_then_leaves_a_good_one_its_traffic() -> None:
    assert Crowd(answers_s=0.05, fails_s=0.05, fails=0.005).run(10).share > 0.98
    assert Crowd(answers_s=2, fails_s=0.01, fails=0.005).run(400).share > 0.8


def test_one_that_mostly_fails_is_hardly_asked() -> None:
    assert Crowd(answers_s=0.05, fails_s=0.05, fails=0.9).run(60).share < 0.05
