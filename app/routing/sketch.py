"""A quantile sketch of durations: logarithmic buckets, so that each quantile is right to within five per cent.

After DDSketch (Masson, Rim and Lee, «DDSketch: a fast and fully-mergeable quantile sketch with relative-error
guarantees», VLDB 2019), with a fixed number of buckets and with weights instead of counts."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import log

GAMMA = 1.1  # each bucket ends at 1.1 times its beginning
ERROR = (GAMMA - 1) / (GAMMA + 1)  # relative, at most: 4.8 %
LEAST_S = 0.001  # shorter durations count as this
BUCKETS = 160
MOST_S = LEAST_S * GAMMA**BUCKETS  # longer ones as this: 70 minutes
_PER_LOG = 1 / log(GAMMA)
_FIRST = log(LEAST_S) * _PER_LOG
_MIDDLE = 2 * LEAST_S * GAMMA / (GAMMA + 1)  # of bucket 0: off by the same share at both of its ends
_ROUNDING = 1 - 1e-12
_EMPTY = bytes(8 * BUCKETS)


class Sketch:
    """Values are seconds; bucket `i` holds those from LEAST_S · GAMMA^i up to the next. 1.3 kB, whatever is added."""

    __slots__ = ("_weights", "total")

    def __init__(self) -> None:
        self._weights = array("d", _EMPTY)
        self.total = 0.0

    def add(self, value: float, weight: float = 1.0) -> None:
        at = int(log(value) * _PER_LOG - _FIRST) if value > LEAST_S else 0
        self._weights[at if at < BUCKETS else BUCKETS - 1] += weight
        self.total += weight

    def quantile(self, share: float) -> float | None:
        """The smallest value that at least this share (0…1) of the weight does not exceed; None without any."""
        if self.total <= 0:
            return None
        wanted = share * self.total * _ROUNDING
        below = 0.0
        last = 0
        for at, weight in enumerate(self._weights):
            if weight > 0:
                below += weight
                last = at
                if below >= wanted:
                    break
        return float(_MIDDLE * GAMMA**last)

    def scale(self, factor: float) -> None:
        """Makes everything that was added lighter (or heavier) by one factor."""
        self._weights = array("d", [weight * factor for weight in self._weights])
        self.total *= factor

    def merge(self, other: Sketch, factor: float = 1.0) -> None:
        """Adds all that another one holds, each weight times `factor`."""
        for at, weight in enumerate(other._weights):
            self._weights[at] += weight * factor
        self.total += other.total * factor

    def dump(self, factor: float = 1.0) -> list[float]:
        """Buckets and their weights in turn, as JSON can hold them, without the lightest: 1 in 10,000 together."""
        least = self.total / (10_000 * BUCKETS)
        kept = [(at, weight) for at, weight in enumerate(self._weights) if weight > least]
        return [number for at, weight in kept for number in (at, float(f"{weight * factor:.5g}"))]

    @classmethod
    def load(cls, dumped: Sequence[float]) -> Sketch:
        """Raises ValueError where it is not what `dump` gives."""
        sketch = cls()
        for at, weight in zip(dumped[::2], dumped[1::2], strict=True):
            if not (0 <= at < BUCKETS and at == int(at) and 0 <= weight < float("inf")):
                raise ValueError(f"bucket {at} with weight {weight} is none of a sketch")
            sketch._weights[int(at)] += weight
            sketch.total += weight
        return sketch
