"""Quantiles of durations: right to within five per cent, in bounded memory, whatever comes."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.routing.sketch import BUCKETS, ERROR, LEAST_S, MOST_S, Sketch

DURATIONS = some.lists(some.floats(LEAST_S, MOST_S * 0.99), min_size=1, max_size=200)
SHARES = some.sampled_from([0.0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 1.0])


def sketch(values: list[float]) -> Sketch:
    made = Sketch()
    for value in values:
        made.add(value)
    return made


def exact(values: list[float], share: float) -> float:
    """The smallest value that at least this share does not exceed."""
    return sorted(values)[max(ceil(round(share * len(values), 9)), 1) - 1]


def test_it_promises_five_per_cent() -> None:
    assert ERROR < 0.05


@given(DURATIONS, SHARES)
def test_a_quantile_is_within_five_per_cent_of_the_exact_one(values: list[float], share: float) -> None:
    assert sketch(values).quantile(share) == pytest.approx(exact(values, share), rel=0.05)


@given(some.lists(some.tuples(some.floats(0.01, 100), some.integers(1, 9)), min_size=1, max_size=50), SHARES)
def test_a_weight_counts_as_so_many_values(pairs: list[tuple[float, int]], share: float) -> None:
    weighted = Sketch()
    for value, times in pairs:
        weighted.add(value, times)
    repeated = [value for value, times in pairs for _ in range(times)]
    assert weighted.quantile(share) == pytest.approx(exact(repeated, share), rel=0.05)


def test_without_values_there_is_no_quantile() -> None:
    assert Sketch().quantile(0.5) is None


@given(some.lists(some.floats(-1, 1e12), min_size=1))
def test_what_is_too_short_or_too_long_counts_as_the_shortest_or_longest(values: list[float]) -> None:
    made = sketch(values)
    for share in (0, 0.5, 1):
        found = made.quantile(share)
        assert found is not None
        assert LEAST_S < found < MOST_S
    assert len(made.dump()) <= 2 * BUCKETS


@given(DURATIONS, DURATIONS, SHARES)
def test_merged_sketches_are_the_sketch_of_both(one: list[float], other: list[float], share: float) -> None:
    merged = sketch(one)
    merged.merge(sketch(other))
    assert merged.quantile(share) == sketch(one + other).quantile(share)
    assert merged.total == len(one) + len(other)


def test_what_is_merged_lightly_moves_little() -> None:
    fast = sketch([0.1] * 10)
    fast.merge(sketch([10.0] * 100), factor=0.01)
    assert fast.total == pytest.approx(11)
    assert fast.quantile(0.5) == pytest.approx(0.1, rel=0.05)
    assert fast.quantile(0.99) == pytest.approx(10, rel=0.05)


@given(DURATIONS, some.floats(0.001, 1000), SHARES)
def test_scaling_changes_the_total_and_no_quantile(values: list[float], factor: float, share: float) -> None:
    made = sketch(values)
    before = made.quantile(share)
    made.scale(factor)
    assert made.total == pytest.approx(len(values) * factor)
    assert made.quantile(share) == pytest.approx(before)


@given(DURATIONS, SHARES)
def test_what_is_dumped_is_loaded_again(values: list[float], share: float) -> None:
    made = sketch(values)
    again = Sketch.load(made.dump())
    assert again.quantile(share) == made.quantile(share)
    assert again.total == pytest.approx(made.total)


@pytest.mark.parametrize(
    "dumped", [[1], [BUCKETS, 1], [-1, 1], [0.5, 1], [1, -1], [1, float("inf")], [1, float("nan")]]
)
def test_what_is_no_dump_is_refused(dumped: list[float]) -> None:
    with pytest.raises(ValueError):
        Sketch.load(dumped)
