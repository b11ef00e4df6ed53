"""Who answers `auto` where no rule says it: what a request is about and how hard it is decides how dear it may be."""

from collections.abc import Sequence

import msgspec

from app.routing.question import Question
from app.routing.strategies.base import LAST, Candidate, Strategy, Weights, World
from app.routing.strategies.compared import UNKNOWN, line_of
from app.routing.strategies.expected import expected_costs, expected_output
from app.routing.strategies.score import rank as score

# what is easy goes to who is cheap and fast, what is hard to who is able
_WEIGHTS = {
    "low": Weights(quality=0.1, cost=0.6, performance=0.2, availability=0.1),
    "medium": Weights(quality=0.35, cost=0.3, performance=0.2, availability=0.15),
    "high": Weights(quality=0.7, cost=0.05, performance=0.1, availability=0.15),
}
_LIKED = {"code": "reasoning", "math": "reasoning", "vision": "vision", "long_document": "files"}
_LIKING = 0.05  # of a score, where a model is known to have what such requests are helped by
_VOTELESS = 0.3  # how far the price stands for quality where nobody has voted: dearer models are mostly abler ones


def rank(candidates: Sequence[Candidate], question: Question, world: World) -> list[float]:
    """The score (strategy `score`) by weights for the request's complexity, below zero. A model that is known to lack
    what the request needs comes after the others."""
    intent = question.intent
    complexity = intent.complexity if intent is not None else "medium"
    weights = _WEIGHTS[complexity]
    numbers = score(candidates, question, msgspec.structs.replace(world, weights=weights))
    liked = _LIKED.get(intent.name) if intent is not None else None
    strength = _strengths(candidates, question, world)
    found: list[float] = []
    for candidate, number, strong in zip(candidates, numbers, strength, strict=True):
        able = candidate.deployment.capabilities
        number -= weights.quality * (strong - UNKNOWN)
        if able is not None and liked in able:
            number -= _LIKING
        found.append(LAST / 2 + number if able is not None and not question.needs <= able else number)
    return found


def _strengths(candidates: Sequence[Candidate], question: Question, world: World) -> list[float]:
    """0…1 around the middle, by what they cost, for those that nobody voted on."""
    costs = expected_costs(candidates, question, expected_output(candidates, question, world.numbers))
    ladder = sorted({cost for cost in costs if cost})
    steps = {cost: place for place, cost in enumerate(ladder)}
    at_0, slope = line_of([float(place) for place in range(len(ladder))], 1.0)
    found = []
    for candidate, cost in zip(candidates, costs, strict=True):
        known = world.numbers.get(candidate.deployment.id)
        if cost not in steps or (known is not None and known.quality is not None):
            found.append(UNKNOWN)
        else:
            found.append(UNKNOWN + (at_0 + slope * steps[cost] - UNKNOWN) * _VOTELESS * 2)
    return found


def show(number: float) -> str:
    return f"{abs(number):.2f}" if abs(number) < 2 else "lacks something"


AUTOMATIC = Strategy(
    "auto",
    "Fit",
    "By what the request is about and how hard it is: easy ones go where it is cheap, hard ones to able models.",
    rank,
    show,
)
