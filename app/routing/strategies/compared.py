"""Candidates held against each other: values of any unit become 0…1, the better the higher, unknown ones the middle."""

from __future__ import annotations

from collections.abc import Sequence

UNKNOWN = 0.5


def middle_of(values: Sequence[float | None]) -> float:
    """The m of m / (m + value), for costs and times, of which little is good: the median of those that are known, or
    their mean where that is 0. The median gets 0.5, half of it 0.67, ten times as much 0.09, nothing 1: one that is
    very dear does not make the others look alike."""
    known = [value for value in values if value is not None]
    if not known:
        return 1.0
    known.sort()
    half = len(known) // 2
    median = known[half] if len(known) % 2 else (known[half - 1] + known[half]) / 2
    return median or sum(known) / len(known) or 1.0


def line_of(values: Sequence[float | None], least: float) -> tuple[float, float]:
    """The a and b of a + b · value, for shares, of which much is good: the best gets 1 and the worst 0 where they are
    at least `least` apart, and all stay as much nearer to the middle as they are closer together."""
    known = [value for value in values if value is not None]
    if not known:
        return 0.0, 0.0
    low, high = min(known), max(known)
    slope = 1 / (high - low if high - low > least else least)
    return UNKNOWN - (low + high) / 2 * slope, slope
