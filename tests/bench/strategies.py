"""Holds every strategy against the best choice in hindsight, over ten synthetic providers that change.

`python -m tests.bench.strategies` prints a table; `--plot FILE` also writes the regret as it grows, as a page (HTML).
Everything is virtual: no provider is called, and the same seed gives the same figures."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import plotly.graph_objects as go

from app.routing.question import Question
from app.routing.strategies import STRATEGIES
from app.routing.strategies.base import Candidate, World
from tests.bench.market import PHASES, Outcome, Phase, Rank, phases, simulate
from tests.bench.verdict import quantile

HINDSIGHT, AT_RANDOM = "best in hindsight", "at random"
LATE = 0.5  # the last half of each phase: what has changed could be learned


@dataclass(frozen=True)
class Line:
    """What one strategy came to: dollars for 1,000 requests, seconds, shares."""

    name: str
    cost: float
    mean_s: float
    p95_s: float
    failed: float
    utility: float
    regret: float
    late_regret: float

    def __str__(self) -> str:
        return (
            f"{self.name:18} {self.cost:9.3f} {self.mean_s:8.2f} {self.p95_s:8.2f} {self.failed:8.2%} "
            f"{self.utility:8.3f} {self.regret:8.1%} {self.late_regret:10.1%}"
        )


HEADING = (
    f"{'':18} {'$ / 1,000':>9} {'mean s':>8} {'p95 s':>8} {'failed':>8} {'utility':>8} {'regret':>8} {'late half':>10}"
)


def compare(requests: int, seed: int, names: Sequence[str] = ()) -> dict[str, Outcome]:
    """By name; all strategies and both yardsticks, or only those that are named."""
    market = phases(seed)
    ranks: dict[str, Rank] = {HINDSIGHT: _hindsight(market)}
    ranks |= {name: strategy.rank for name, strategy in STRATEGIES.items()}
    ranks[AT_RANDOM] = _at_random
    return {name: simulate(rank, market, requests, seed) for name, rank in ranks.items() if not names or name in names}


def line(name: str, outcome: Outcome) -> Line:
    count = len(outcome.firsts)
    return Line(
        name=name,
        cost=1000 * sum(outcome.costs) / count,
        mean_s=sum(outcome.seconds) / count,
        p95_s=quantile(outcome.seconds, 0.95),
        failed=outcome.answered.count(False) / count,
        utility=sum(outcome.utility) / count,
        regret=outcome.regret(),
        late_regret=outcome.regret(LATE),
    )


def plot(outcomes: Mapping[str, Outcome], path: Path) -> None:
    """The utility missed since the beginning, request by request; a page that loads nothing from elsewhere."""
    figure = go.Figure()
    for name, outcome in outcomes.items():
        grown = list(accumulate(outcome.missed()))
        step = max(len(grown) // 1000, 1)
        figure.add_scatter(x=list(range(0, len(grown), step)), y=grown[::step], name=name, mode="lines")
    count = len(next(iter(outcomes.values())).firsts)
    for phase in range(1, PHASES):
        figure.add_vline(x=phase * count / PHASES, line_dash="dot", line_color="gray")
    figure.update_layout(
        title="Utility missed against the best choice in hindsight; dotted lines: providers change",
        xaxis_title="requests",
        yaxis_title="regret",
        template="plotly_white",
    )
    figure.write_html(path, include_plotlyjs=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.strategies", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--requests", type=int, default=20_000, help="of each strategy")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="where to write a page with the regret as it grows")
    given = parser.parse_args()
    print(f"{given.requests:,} requests each, {PHASES} phases, seed {given.seed}")
    print(HEADING)
    outcomes = compare(given.requests, given.seed)
    for name, outcome in outcomes.items():
        print(line(name, outcome))
    if given.plot is not None:
        plot(outcomes, given.plot)
        print(f"plot: {given.plot}")


def _hindsight(market: Sequence[Phase]) -> Rank:
    """Knows what each phase is like."""
    by_candidate = {id(candidate): -utility for phase in market for candidate, utility in _judged(phase)}

    def rank(candidates: Sequence[Candidate], question: Question, world: World) -> list[float]:
        return [by_candidate[id(candidate)] for candidate in candidates]

    return rank


def _judged(phase: Phase) -> list[tuple[Candidate, float]]:
    return list(zip(phase.candidates, phase.utility, strict=True))


def _at_random(candidates: Sequence[Candidate], question: Question, world: World) -> list[float]:
    return [world.random.random() for _ in candidates]


if __name__ == "__main__":
    main()
