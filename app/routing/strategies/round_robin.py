"""Round robin: the targets take turns, whoever was asked longest ago is next."""

from collections.abc import Sequence

from app.routing.question import Question
from app.routing.strategies.base import Candidate, Strategy, World


def rank(candidates: Sequence[Candidate], question: Question, world: World) -> list[float]:
    turns = world.turns
    numbers = [turns.get(candidate.deployment.id, 0.0) for candidate in candidates]
    take_turn(candidates, numbers, world)
    return numbers


def take_turn(candidates: Sequence[Candidate], numbers: Sequence[float], world: World) -> None:
    """Puts the candidate that will be asked first behind all others. `turns` counts: 0 was never asked."""
    if not candidates:
        return
    _, _, at = min(zip(numbers, [candidate.place for candidate in candidates], range(len(numbers)), strict=True))
    latest = max([world.turns.get(candidate.deployment.id, 0.0) for candidate in candidates])
    world.turns[candidates[at].deployment.id] = latest + 1


def show(number: float) -> str:
    return ""


STRATEGY = Strategy("round_robin", "Turn", "The targets take turns, each gets as many requests.", rank, show)
