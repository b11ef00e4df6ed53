"""Least busy: whoever has the fewest calls in flight for its capacity, which is the target's weight."""

from collections.abc import Sequence

from app.routing.question import Question
from app.routing.strategies.base import LAST, Candidate, Strategy, World
from app.routing.strategies.round_robin import take_turn

_TIE = 1e-6  # of a call: the turn only decides between those that are equally busy


def rank(candidates: Sequence[Candidate], question: Question, world: World) -> list[float]:
    """Calls in flight divided by the weight, and a trace of the turns, so that equals are asked in turn."""
    known, turns = world.numbers, world.turns
    asked = [turns.get(candidate.deployment.id, 0.0) for candidate in candidates]
    if not asked:
        return []
    oldest = min(asked)
    step = _TIE / (max(asked) - oldest + 1)
    numbers: list[float] = []
    for candidate, turn in zip(candidates, asked, strict=True):
        if candidate.weight <= 0:
            numbers.append(LAST)
            continue
        calls = known.get(candidate.deployment.id)
        running = calls.running if calls is not None else 0
        numbers.append(running / candidate.weight + (turn - oldest) * step)
    take_turn(candidates, numbers, world)
    return numbers


def show(number: float) -> str:
    return "weight 0, only when nobody else is left" if number == LAST else f"{round(number, 1):g} in flight"


STRATEGY = Strategy(
    "least_busy",
    "Load",
    "The target with the fewest calls in flight is next; weights say how much each can carry.",
    rank,
    show,
)
