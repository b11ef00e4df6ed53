"""Weighted: requests are shared out as the targets' weights say, evenly spread over time.

The smooth weighted round robin of nginx (`ngx_http_upstream_round_robin.c`): at each request everybody gains its
weight, the one with the most is asked and pays the sum of all weights. Weights 5, 1, 1 give a a b a c a a."""

from collections.abc import Sequence

from app.routing.question import Question
from app.routing.strategies.base import LAST, Candidate, Strategy, World


def rank(candidates: Sequence[Candidate], question: Question, world: World) -> list[float]:
    turns = world.turns
    numbers: list[float] = []
    total = 0.0
    first: Candidate | None = None
    most = -LAST
    for candidate in candidates:
        weight = candidate.weight
        if weight <= 0:
            numbers.append(LAST)
            continue
        id = candidate.deployment.id
        total += weight
        turns[id] = gained = turns.get(id, 0.0) + weight
        numbers.append(-gained)
        if first is None or gained > most or (gained == most and candidate.place < first.place):
            first, most = candidate, gained
    if first is not None:
        turns[first.deployment.id] = most - total
    return numbers


def show(number: float) -> str:
    return "weight 0, only when nobody else is left" if number == LAST else ""


STRATEGY = Strategy(
    "weighted",
    "Weight",
    "Requests are shared out by the targets' weights; a target of weight 0 only steps in when nobody else is left.",
    rank,
    show,
)
