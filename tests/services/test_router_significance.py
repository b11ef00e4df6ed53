"""What is said of a canary: the three tests by known values, and the words for what they find."""

from __future__ import annotations

from random import Random

import pytest

from app.services.router_significance import Sample, means_p, note, proportions_p, ranks_p


def sample(requests: int, failures: int = 0, cost: int = 1_000_000, times: list[int] | None = None) -> Sample:
    costs = [cost + (at % 7 - 3) * 1000 for at in range(requests)]
    return Sample(requests, failures, costs, times if times is not None else [500 + at % 50 for at in range(requests)])


def test_two_shares_by_hand() -> None:
    # 7.5 % and 20 %, together 13.75 %: z = 0.125 / sqrt(0.1375 x 0.8625 / 100) = 3.630
    assert proportions_p(15, 200, 40, 200) == pytest.approx(0.000284, rel=0.01)
    assert proportions_p(0, 50, 0, 70) == 1
    assert proportions_p(5, 50, 5, 50) == 1


def test_two_means_whose_spread_differs() -> None:
    # means 10 and 12, variances 4 x 200 / 199 and 9 x 200 / 199, 200 values each: z = 2 / sqrt(13 / 199) = 7.825
    one, other = [8, 12] * 100, [9, 15] * 100
    assert means_p(one, other) == pytest.approx(5.08e-15, rel=0.02)
    # mean 10.1: z = 0.1 / sqrt(2 x 4 / 199) or nearly
    assert means_p(one, [8, 12] * 95 + [10, 14] * 5) == pytest.approx(0.62, abs=0.01)
    assert means_p(one, one) == 1
    assert means_p([1, 1], [1, 1]) == 1, "values that are all the same"
    assert means_p([1, 1], [2, 2]) == 0


def test_ranks_with_ties() -> None:
    # ranks 1, 2.5, 2.5, 5 and 7 give u = 3, the mean is 12.5; ties of 2 and 3: sigma = sqrt(25 / 12 x (11 - 30 / 90))
    assert ranks_p([1, 2, 2, 3, 5], [3, 3, 6, 7, 8]) == pytest.approx(0.0439, rel=0.01)
    assert ranks_p([4, 4, 4], [4, 4, 4]) == 1
    assert ranks_p([], [1]) == 1


def test_chance_alone_is_seldom_called_a_difference() -> None:
    draw = Random(4)
    false_alarms = sum(
        ranks_p([draw.randrange(1000) for _ in range(120)], [draw.randrange(1000) for _ in range(120)]) < 0.05
        for _ in range(400)
    )
    assert 6 <= false_alarms <= 36, "5 % of 400 is 20"


def test_a_few_requests_say_nothing_yet() -> None:
    assert note(sample(5000), sample(12)) == (
        "Not enough requests yet: 5,000 through the live version and 12 through the canary; 100 of each are needed."
    )


def test_what_is_hardly_chance_is_said_in_plain_words() -> None:
    live = sample(5000, 170, times=[900 + at % 90 for at in range(2000)])
    canary = sample(1000, 12, cost=700_000, times=[400 + at % 90 for at in range(1000)])
    assert note(live, canary) == (
        "Fails less often: 1.2 % against 3.4 %, hardly by chance (p < 0.001). "
        "Costs less: $0.00070 against $0.0010 a request, hardly by chance (p < 0.001). "
        "Takes less time: half of the answers within 444 ms against 944 ms, hardly by chance (p < 0.001)."
    )


def test_what_may_be_chance_is_not_called_a_difference() -> None:
    said = note(sample(1000, 12), sample(1000, 14))
    assert "Fails more often, but that may well be chance: 1.4 % against 1.2 % (p = 0.69)." in said
    assert "Takes the same: half of the answers within 525 ms against 525 ms." in said


def test_prices_and_times_that_are_not_known_are_not_compared() -> None:
    unknown = Sample(500, 500, (), ())
    assert note(sample(500), unknown) == (
        "Fails more often: 100.0 % against 0.0 %, hardly by chance (p < 0.001). "
        "Too few requests have a known price to compare the cost. "
        "Too few requests were answered to compare the time."
    )
