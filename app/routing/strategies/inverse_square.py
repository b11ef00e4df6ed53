"""Inverse square: drawn by lot, and who costs half as much is drawn four times as often.

OpenRouter's way of balancing providers by price (its documentation, «Provider Routing»). The order is drawn without
putting back: each target gets an exponential number divided by its weight, the smallest first (Efraimidis and Spirakis,
«Weighted random sampling with a reservoir», 2006; their key u^(1/w) is the same order as -ln(u)/w)."""

from collections.abc import Sequence
from math import log

from app.core.money import NANO
from app.routing.question import Question
from app.routing.strategies.base import LAST, Candidate, Strategy, World
from app.routing.strategies.expected import expected_costs, expected_output


def rank(candidates: Sequence[Candidate], question: Question, world: World) -> list[float]:
    """The weight is 1 / cost². What costs nothing would have all the weight there is: it comes first, in even lots,
    with numbers below 0. An unknown price comes last."""
    draw = world.random.random
    output = expected_output(candidates, question, world.numbers)
    numbers: list[float] = []
    for cost in expected_costs(candidates, question, output):
        lot = draw()
        if cost is None:
            numbers.append(LAST)
        elif cost > 0:
            numbers.append(-log(1.0 - lot) * (cost / NANO) ** 2)
        else:
            numbers.append(lot - 1.0)
    return numbers


def show(number: float) -> str:
    return "price unknown" if number == LAST else ""


STRATEGY = Strategy(
    "inverse_square",
    "Price-weighted lot",
    "The target is drawn by lot: one that costs half as much is drawn four times as often.",
    rank,
    show,
)
