"""What a strategy is: an order over the candidates of one rule."""

from collections.abc import Callable, Sequence

import msgspec

from app.routing.deployment import Deployment
from app.routing.question import Question


class Candidate(msgspec.Struct, frozen=True):
    """A deployment in one rule; `place` is where the rule's targets name it."""

    deployment: Deployment
    place: int = 0
    weight: float = 1


class Strategy(msgspec.Struct, frozen=True):
    """`order` returns a permutation of its candidates, best first."""

    name: str
    order: Callable[[Sequence[Candidate], Question], list[Candidate]]
