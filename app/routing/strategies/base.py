"""What a strategy is: a number for each candidate of one rule, the smallest first."""

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from random import Random

import msgspec

from app.routing.deployment import Deployment
from app.routing.numbers import Numbers
from app.routing.question import Question

LAST = 1e30
"""The number of those who are asked when nobody else is left: the price is unknown, the weight is 0. Finite, since JSON
knows no infinity."""


class Candidate(msgspec.Struct, frozen=True, eq=False):
    """A deployment in one rule; `place` is where the rule's targets name it."""

    deployment: Deployment
    place: int = 0
    weight: float = 1
    rule: str = ""


class Weights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What strategy `score` makes of quality, cost, performance and availability; only their proportions matter."""

    quality: float = 0.4
    cost: float = 0.3
    performance: float = 0.2
    availability: float = 0.1


class World(msgspec.Struct, kw_only=True):
    """What a strategy may look at beside the request. `numbers` are by deployment and lack those that were never
    called. `turns` is the memory of one rule, by deployment, for strategies that take turns: a dry run gets a copy.
    `random` has its own seed. `now` gives monotonic seconds."""

    numbers: Mapping[str, Numbers]
    turns: MutableMapping[str, float]
    weights: Weights
    random: Random
    now: Callable[[], float]


class Strategy(msgspec.Struct, frozen=True):
    """`rank` gives a number for each candidate, in the candidates' order; who has the smallest is asked first, and of
    equals the one with the smaller place. It changes nothing but `turns` and the state of `random`. `show` says such a
    number to a person («$0.00042», «340 ms»), or is empty where it means nothing to one. `fixed` says that the numbers
    are the places, whatever the world. `label` and `summary` are what the editor shows: a name that can follow «by»,
    and one sentence."""

    name: str
    label: str
    summary: str
    rank: Callable[[Sequence[Candidate], Question, World], list[float]]
    show: Callable[[float], str]
    fixed: bool = False
