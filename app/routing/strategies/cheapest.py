"""Cheapest: what this request is expected to cost at each target, the least first."""

from collections.abc import Sequence

from app.core.money import show_usd
from app.routing.question import Question
from app.routing.strategies.base import LAST, Candidate, Strategy, World
from app.routing.strategies.expected import expected_costs, expected_output


def rank(candidates: Sequence[Candidate], question: Question, world: World) -> list[float]:
    """Nano-dollars; an unknown price is no price of zero, so it comes last."""
    output = expected_output(candidates, question, world.numbers)
    return [LAST if cost is None else cost for cost in expected_costs(candidates, question, output)]


def show(number: float) -> str:
    return "price unknown" if number == LAST else show_usd(round(number))


STRATEGY = Strategy(
    "cheapest",
    "Price",
    "The target where this request costs least is next; whose price is unknown comes last.",
    rank,
    show,
)
