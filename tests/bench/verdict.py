"""A figure, the limit it has to keep, and whether it does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """`at_least`: the limit is a lower one. `unit` stands behind the figure and the limit."""

    what: str
    figure: float
    limit: float
    unit: str = ""
    at_least: bool = False
    digits: int = 2
    note: str = ""

    @property
    def met(self) -> bool:
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit

    def __str__(self) -> str:
        limit = f"{'at least' if self.at_least else 'at most'} {self.limit:g}{self.unit}"
        line = f"  {self.what}: {self.figure:.{self.digits}f}{self.unit} ({limit}): {'met' if self.met else 'NOT met'}"
        return f"{line}; {self.note}" if self.note else line


def quantile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all do not exceed (nearest rank); nan of nothing, which meets no limit."""
    ordered = sorted(values)
    return ordered[max(math.ceil(len(ordered) * share) - 1, 0)] if ordered else math.nan
