"""The simulation of strategies, small: adaptive's regret is bounded, and each strategy is good at what it is for."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.bench.market import PHASES, Outcome, phases
from tests.bench.stage import ROOT
from tests.bench.strategies import AT_RANDOM, HINDSIGHT, LATE, compare, line, plot

REQUESTS = 5000
SEEDS = (1, 2)


@pytest.fixture(scope="module", params=SEEDS)
def outcomes(request: pytest.FixtureRequest) -> dict[str, Outcome]:
    names = (HINDSIGHT, AT_RANDOM, "adaptive", "cheapest", "fastest", "score", "inverse_square", "priority")
    return compare(REQUESTS, request.param, names)


def test_adaptive_misses_little_of_what_hindsight_would_have_had(outcomes: dict[str, Outcome]) -> None:
    adaptive = outcomes["adaptive"]
    assert adaptive.regret() < 0.1
    assert adaptive.regret(LATE) < 0.08


def test_it_misses_far_less_than_chance_does(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["adaptive"].regret() < outcomes[AT_RANDOM].regret() / 2.5
    assert outcomes["adaptive"].regret(LATE) < outcomes[AT_RANDOM].regret(LATE) / 3


def test_the_yardstick_misses_hardly_anything(outcomes: dict[str, Outcome]) -> None:
    assert 0 <= outcomes[HINDSIGHT].regret() < 0.01


def test_cheapest_costs_least(outcomes: dict[str, Outcome]) -> None:
    assert min(outcomes, key=lambda name: sum(outcomes[name].costs)) == "cheapest"


def test_fastest_answers_first(outcomes: dict[str, Outcome]) -> None:
    foresight = {HINDSIGHT}
    assert min(outcomes.keys() - foresight, key=lambda name: line(name, outcomes[name]).mean_s) == "fastest"


def test_score_and_price_weighting_do_better_than_chance_at_theirs(outcomes: dict[str, Outcome]) -> None:
    chance = line(AT_RANDOM, outcomes[AT_RANDOM])
    assert line("score", outcomes["score"]).regret < chance.regret / 2
    assert line("inverse_square", outcomes["inverse_square"]).cost < chance.cost / 2


def test_somebody_answers_whatever_the_strategy(outcomes: dict[str, Outcome]) -> None:
    for outcome in outcomes.values():
        assert len(outcome.firsts) == REQUESTS
        assert outcome.answered.count(False) < REQUESTS / 1000


def test_the_same_seed_gives_the_same_figures() -> None:
    one, other = (compare(500, 7, ["adaptive"])["adaptive"] for _ in range(2))
    assert one == other


def test_the_market_changes_from_phase_to_phase() -> None:
    market = phases(1)
    assert len(market) == PHASES
    for before, after in pairwise(market):
        assert sum(one != other for one, other in zip(before.natures, after.natures, strict=True)) >= 4


def test_a_table_and_a_plot_come_out(tmp_path: Path) -> None:
    path = tmp_path / "regret.html"
    command = [sys.executable, "-m", "tests.bench.strategies", "--requests", "200", "--plot", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    for name in ("adaptive", "cheapest", "round_robin", HINDSIGHT, AT_RANDOM):
        assert any(text.startswith(name) for text in done.stdout.splitlines())
    page = path.read_text(encoding="utf-8")
    assert "adaptive" in page
    assert '<script src="http' not in page


def test_a_plot_needs_no_more_than_a_few_requests(tmp_path: Path) -> None:
    plot(compare(20, 1, ["priority"]), tmp_path / "small.html")
    assert (tmp_path / "small.html").stat().st_size > 1000
