"""The contract of every strategy: a permutation of its candidates, the same each time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.routing.strategies import STRATEGIES
from app.routing.strategies.base import Candidate, Strategy
from tests.routing.samples import deployment, question

CANDIDATES = some.lists(some.tuples(some.integers(0, 9), some.floats(0, 10)), max_size=8).map(
    lambda rows: [
        Candidate(deployment(f"p{number}/llama"), place, weight) for number, (place, weight) in enumerate(rows)
    ]
)


@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=lambda strategy: strategy.name)
@given(candidates=CANDIDATES)
def test_an_order_is_a_permutation_of_the_candidates(strategy: Strategy, candidates: list[Candidate]) -> None:
    before = list(candidates)
    ordered = strategy.order(candidates, question())
    assert sorted(each.deployment.id for each in ordered) == sorted(each.deployment.id for each in candidates)
    assert candidates == before


def test_every_strategy_is_known_by_its_own_name() -> None:
    assert "priority" in STRATEGIES
    assert all(strategy.name == name for name, strategy in STRATEGIES.items())


@given(CANDIDATES)
def test_priority_keeps_the_places_and_what_shares_one_as_it_came(candidates: list[Candidate]) -> None:
    ordered = STRATEGIES["priority"].order(candidates, question())
    assert [each.place for each in ordered] == sorted(each.place for each in candidates)
    for place in {each.place for each in candidates}:
        assert [c for c in ordered if c.place == place] == [c for c in candidates if c.place == place]
