"""Ten synthetic providers whose prices, speeds and failures change, and requests sent through them in virtual time."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from statistics import median
from typing import Any

from app.core.price import Price
from app.routing.breaker import Breaker
from app.routing.deployment import Deployment
from app.routing.numbers import Numbers
from app.routing.question import Question
from app.routing.strategies.base import Candidate, Weights, World

PROVIDERS = 10
INPUT, OUTPUT = 800, 300  # tokens of the usual request
PER_SECOND = 2.0  # requests
MAX_ATTEMPTS = 4
VOTES = 0.05  # of the answers are judged by a person
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

Rank = Callable[[Sequence[Candidate], Question, World], list[float]]


@dataclass(frozen=True)
class Nature:
    """How one deployment is for a while: seconds, tokens per second, shares, dollars per million tokens."""

    first_token_s: float
    rate: float
    fails: float
    quality: float
    price_in: float
    price_out: float

    @property
    def seconds(self) -> float:
        return self.first_token_s + OUTPUT / self.rate

    @property
    def cost(self) -> float:
        return (INPUT * self.price_in + OUTPUT * self.price_out) / 1e6

    def deployment(self, at: int) -> Deployment:
        return Deployment(
            id=f"d{at}",
            provider_id=f"p{at}",
            provider=f"provider-{at}",
            kind="openai-compatible",
            model="m",
            alias="m",
            formats=("openai-chat",),
            price=Price(input=round(self.price_in * 1e9), output=round(self.price_out * 1e9)),
        )


@dataclass(frozen=True)
class Phase:
    """`utility` is what a first choice is worth on average: the share of calls that succeed, times quality, cost and
    speed by the usual weights, cost and speed held against the median of all."""

    natures: list[Nature]
    candidates: list[Candidate]
    utility: list[float]

    @property
    def best(self) -> int:
        return max(range(len(self.utility)), key=self.utility.__getitem__)


@dataclass
class Outcome:
    """Of all requests of one run, in their order. Times are seconds, costs dollars."""

    seconds: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    answered: list[bool] = field(default_factory=list)
    firsts: list[int] = field(default_factory=list)
    utility: list[float] = field(default_factory=list)
    best: list[float] = field(default_factory=list)

    def regret(self, start: float = 0.0) -> float:
        """The share of the best utility in hindsight that was missed; of each phase the part from `start` (0…1) on."""
        return sum(self.missed(start)) / sum(self._late(self.best, start))

    def missed(self, start: float = 0.0) -> list[float]:
        pairs = zip(self._late(self.best, start), self._late(self.utility, start), strict=True)
        return [best - own for best, own in pairs]

    def _late(self, values: list[float], start: float) -> list[float]:
        phase = len(values) // PHASES
        return [value for at, value in enumerate(values) if at % phase >= start * phase]


PHASES = 5


def phases(seed: int) -> list[Phase]:
    """In each a few change: one is down, two are slow, two fail a lot, three have other prices."""
    random = Random(seed)
    usual = [_nature(random) for _ in range(PROVIDERS)]
    found = []
    for _ in range(PHASES):
        natures = list(usual)
        odd = random.sample(range(PROVIDERS), 5)
        natures[odd[0]] = _but(natures[odd[0]], fails=1.0)
        for at in odd[1:3]:
            natures[at] = _but(natures[at], first_token_s=natures[at].first_token_s * 4, rate=natures[at].rate / 3)
        for at in odd[3:5]:
            natures[at] = _but(natures[at], fails=0.35)
        for at in random.sample(range(PROVIDERS), 3):
            factor = random.choice([0.4, 2.5])
            natures[at] = _but(
                natures[at], price_in=natures[at].price_in * factor, price_out=natures[at].price_out * factor
            )
        candidates = [Candidate(nature.deployment(at), at) for at, nature in enumerate(natures)]
        found.append(Phase(natures, candidates, _utilities(natures)))
    return found


def simulate(rank: Rank, market: list[Phase], requests: int, seed: int) -> Outcome:
    """Sends requests at random times; what an answer tells is known when it ends. The breakers are the real ones."""
    return _Run(rank, market, requests, seed).run()


class _Run:
    def __init__(self, rank: Rank, market: list[Phase], requests: int, seed: int) -> None:
        self._rank, self._market, self._requests = rank, market, requests
        self._random = Random(seed)  # of the world; the strategy has its own
        self._now = 0.0
        self._numbers: dict[str, Numbers] = {}
        self._world = World(
            numbers=self._numbers, turns={}, weights=Weights(), random=Random(seed + 1), now=lambda: self._now
        )
        self._breakers = [Breaker() for _ in range(PROVIDERS)]
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._outcome = Outcome()

    def run(self) -> Outcome:
        self._at(0.0, self._arrives)
        while self._events:
            self._now, _, happens = heapq.heappop(self._events)
            happens()
        return self._outcome

    def _at(self, moment: float, happens: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (moment, self._count, happens))

    def _arrives(self) -> None:
        outcome, random = self._outcome, self._random
        number = len(outcome.firsts)
        if number + 1 < self._requests:
            self._at(self._now + random.expovariate(PER_SECOND), self._arrives)
        phase = self._market[number * PHASES // self._requests]
        question = Question(
            model="m", input_tokens=int(random.lognormvariate(0, 0.7) * INPUT), now=NOON, stream=random.random() < 0.7
        )
        well = [each for each in phase.candidates if self._breakers[each.place].allows(self._now)]
        candidates = well or phase.candidates
        numbers = self._rank(candidates, question, self._world)
        ranked = sorted(zip(numbers, [each.place for each in candidates], strict=True))
        order = [place for _, place in ranked[:MAX_ATTEMPTS]]
        outcome.firsts.append(order[0])
        outcome.utility.append(phase.utility[order[0]])
        outcome.best.append(phase.utility[phase.best])
        for values in (outcome.seconds, outcome.costs):
            values.append(0.0)
        outcome.answered.append(False)
        output = max(int(random.lognormvariate(0, 0.7) * OUTPUT), 1)
        self._tries(_Request(number, phase, question, output, order, self._now))

    def _tries(self, request: _Request) -> None:
        place = request.order.pop(0)
        nature, random, began = request.phase.natures[place], self._random, self._now
        id = request.phase.candidates[place].deployment.id
        self._numbers.setdefault(id, Numbers()).started()
        self._breakers[place].start(began)
        first = nature.first_token_s * random.lognormvariate(0, 0.4)
        if random.random() < nature.fails:
            self._at(began + first, lambda: self._fails(request, place, began))
        else:
            seconds = first + request.output / (nature.rate * random.lognormvariate(0, 0.2))
            self._at(began + seconds, lambda: self._answers(request, place, began, first))

    def _fails(self, request: _Request, place: int, began: float) -> None:
        candidate = request.phase.candidates[place]
        self._numbers[candidate.deployment.id].ended(self._now, False)
        self._breakers[place].failed(self._now, "unavailable", began)
        if request.order:
            self._tries(request)
        else:
            self._outcome.seconds[request.number] = self._now - request.began

    def _answers(self, request: _Request, place: int, began: float, first: float) -> None:
        deployment = request.phase.candidates[place].deployment
        nature, size = request.phase.natures[place], request.question.input_tokens
        cost = (size * nature.price_in + request.output * nature.price_out) / 1e6
        numbers = self._numbers[deployment.id]
        numbers.ended(
            self._now,
            True,
            self._now - began,
            first if request.question.stream else None,
            request.output,
            size + request.output,
            round(cost * 1e9),
        )
        self._breakers[place].succeeded(self._now, began)
        if self._random.random() < VOTES:
            numbers.voted(float(self._random.random() < nature.quality), self._now)
        outcome, number = self._outcome, request.number
        outcome.seconds[number] = self._now - request.began
        outcome.costs[number] = cost
        outcome.answered[number] = True


@dataclass
class _Request:
    number: int
    phase: Phase
    question: Question
    output: int
    order: list[int]
    began: float


def _nature(random: Random) -> Nature:
    dear = random.uniform(0.5, 1.5)
    return Nature(
        first_token_s=random.lognormvariate(-0.7, 0.6),
        rate=random.lognormvariate(4.2, 0.5),
        fails=random.choice([0.0, 0.005, 0.01, 0.03]),
        quality=random.uniform(0.45, 0.95),
        price_in=10 ** random.uniform(-1, 0.6),
        price_out=10 ** random.uniform(-0.4, 1.2) * dear,
    )


def _but(nature: Nature, **changes: Any) -> Nature:
    return Nature(**{**nature.__dict__, **changes})


def _utilities(natures: Sequence[Nature]) -> list[float]:
    weights = Weights()
    cost = median(nature.cost for nature in natures)
    seconds = median(nature.seconds for nature in natures)
    scale = 1 / (weights.quality + weights.cost + weights.performance)
    return [
        (1 - nature.fails)
        * scale
        * (
            weights.quality * nature.quality
            + weights.cost * cost / (cost + nature.cost)
            + weights.performance * seconds / (seconds + nature.seconds)
        )
        for nature in natures
    ]
