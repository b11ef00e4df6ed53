"""Candidates, what is known of them, and the order that a strategy gives them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

from app.core.price import Price
from app.routing.numbers import Numbers
from app.routing.strategies import STRATEGIES
from app.routing.strategies.base import Candidate, Weights, World
from tests.routing.samples import deployment, question


def candidate(name: str, place: int = 0, weight: float = 1, **fields: Any) -> Candidate:
    return Candidate(deployment(f"{name}/llama", **fields), place, weight)


def priced(name: str, place: int = 0, *, usd_in: float = 1, usd_out: float = 1, **fields: Any) -> Candidate:
    """Dollars per million tokens."""
    return candidate(name, place, price=Price(input=int(usd_in * 1e9), output=int(usd_out * 1e9)), **fields)


def world(seed: int = 1, weights: Weights | None = None, now: float = 0.0, **numbers: Numbers) -> World:
    return World(
        numbers={f"{name}/llama": each for name, each in numbers.items()},
        turns={},
        weights=weights or Weights(),
        random=Random(seed),
        now=lambda: now,
    )


def seen(
    calls: int = 50,
    *,
    first: float | None = 0.5,
    rate: float = 100,
    output: int = 300,
    fails: float = 0,
    likes: int = 0,
    dislikes: int = 0,
    at: float = 0.0,
    running: int = 0,
) -> Numbers:
    """A deployment that answered so many calls, all alike."""
    numbers = Numbers()
    for number in range(calls):
        ok = number >= fails * calls
        numbers.ended(at, ok, (first or 0) + output / rate, first, output, output + 100, 1000)
    for vote in [1] * likes + [0] * dislikes:
        numbers.voted(vote, at)
    numbers.running = running
    return numbers


def rank(name: str, candidates: Sequence[Candidate], given: World, **fields: Any) -> list[float]:
    return STRATEGIES[name].rank(candidates, question(**fields), given)


def order(name: str, candidates: Sequence[Candidate], given: World, **fields: Any) -> list[str]:
    """The providers in the order in which they are asked, as the planner sorts them."""
    numbers = rank(name, candidates, given, **fields)
    ordered = sorted(zip(numbers, [each.place for each in candidates], range(len(numbers)), strict=True))
    return [candidates[at].deployment.provider for _, _, at in ordered]


def firsts(name: str, candidates: Sequence[Candidate], given: World, times: int, **fields: Any) -> Counter[str]:
    return Counter(order(name, candidates, given, **fields)[0] for _ in range(times))
