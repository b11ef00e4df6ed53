"""Priority: targets as written; without targets, the providers' priority, then names."""

from collections.abc import Sequence

from app.routing.question import Question
from app.routing.strategies.base import Candidate, Strategy


def order(candidates: Sequence[Candidate], question: Question) -> list[Candidate]:
    return sorted(candidates, key=lambda candidate: candidate.place)


STRATEGY = Strategy("priority", order)
