"""Priority: targets as written; without targets, the providers' priority, then names."""

from collections.abc import Sequence

from app.routing.question import Question
from app.routing.strategies.base import Candidate, Strategy, World


def rank(candidates: Sequence[Candidate], question: Question, world: World) -> list[float]:
    return [candidate.place for candidate in candidates]


def show(number: float) -> str:
    return ""


STRATEGY = Strategy(
    "priority", "Priority", "The first target answers; the others step in when it fails.", rank, show, fixed=True
)
