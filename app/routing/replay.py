"""What a router would have made of past requests: planned anew, and answered by a model of each deployment.

The model. An attempt fails as often as attempts of that deployment failed in the same hour, which is drawn to the share
of the whole time as if that had been seen in 20 calls. One that succeeds takes as long as some past attempt of that
deployment whose answer was about as long, stretched by how much longer this one is; one that fails takes as long as
some failure did. It costs the deployment's price for this request's tokens. Everybody is thought to be well: breakers
and limits of providers are left out, and so are repeats.

The ranges. Requests are dealt out to blocks at random, and each block has its own draw of every share and of every
speed, as uncertain as the history leaves it (a Beta posterior; a bootstrap of the past attempts). The range of a figure
is where 95 % of the blocks lie, which is wider than the whole is uncertain: half of a range is nobody's victory."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import ceil
from random import Random
from typing import TypeVar

import msgspec

from app.core.chat import Usage
from app.routing.compiled import Asked, CompiledRouter
from app.routing.deployment import Deployment
from app.routing.names import Names
from app.routing.plan import make_plan
from app.routing.question import Question
from app.routing.standing import Standing
from app.routing.strategies.base import Candidate

PRIOR_CALLS = 20.0  # for how many calls of one hour the share of the whole time counts
MOST_SAMPLES = 2000  # past attempts of a deployment that are kept
ALIKE = 20  # answers are about as long as each other within a twentieth of all, ordered by their length
FEWEST = 5  # attempts that must be known of a deployment before it is judged
BLOCKS = 16
BLOCK = 50  # requests that a block has at least
HOUR_S = 3600.0


T = TypeVar("T")
Speed = tuple[int, float, float]  # tokens of an answer, ms to its first token (0 where it came whole), ms in all


class PastAttempt(msgspec.Struct, frozen=True, array_like=True):
    """`at` is seconds since 1970; `ok` None tells nothing of the deployment (the client left, was at fault)."""

    deployment_id: str
    at: float
    ok: bool | None
    latency_ms: int
    first_token_ms: int | None
    output_tokens: int
    stream: bool


class PastRequest(msgspec.Struct, frozen=True, array_like=True):
    """`failed`, `cost` (nano-dollars, None: unknown) and `latency_ms` are what happened; `provider` answered."""

    question: Question
    router: str
    usage: Usage
    failed: bool
    cost: int | None
    latency_ms: int
    provider: str | None


class Figures(msgspec.Struct, kw_only=True):
    """Costs are nano-dollars, in sum; times milliseconds; a range is (low, high). `unpriced` requests were answered at
    an unknown price."""

    requests: int
    cost: int
    cost_range: tuple[int, int]
    p50_ms: int
    p50_range: tuple[int, int]
    p95_ms: int
    p95_range: tuple[int, int]
    failure_rate: float
    failure_range: tuple[float, float]
    share: dict[str, int]
    unpriced: int


class History:
    """What the attempts tell of one deployment."""

    def __init__(self) -> None:
        self.calls = self.failures = 0
        self._by_hour: dict[int, tuple[int, int]] = {}  # calls, failures
        self.streamed: list[Speed] = []
        self.whole: list[Speed] = []
        self.failed: list[float] = []  # ms

    def add(self, attempt: PastAttempt, random: Random) -> None:
        if attempt.ok is None:
            return
        hour = int(attempt.at // HOUR_S)
        calls, failures = self._by_hour.get(hour, (0, 0))
        failed = not attempt.ok
        self._by_hour[hour] = (calls + 1, failures + failed)
        self.calls += 1
        self.failures += failed
        if failed:
            _keep(self.failed, float(attempt.latency_ms), self.failures, random)
            return
        first = float(attempt.first_token_ms or 0) if attempt.stream else 0.0
        kept = self.streamed if attempt.stream else self.whole
        _keep(kept, (attempt.output_tokens, first, float(attempt.latency_ms)), self.calls - self.failures, random)

    def model(self, random: Random) -> DeploymentModel:
        """One draw of what it may be like."""
        share = random.betavariate(self.failures + 0.5, self.calls - self.failures + 0.5)
        usual = (self.failures + 0.5) / (self.calls + 1)
        streamed, whole = _redrawn(self.streamed, random), _redrawn(self.whole, random)
        return DeploymentModel(share, share / usual, self._by_hour, streamed or whole, whole or streamed, self.failed)


class DeploymentModel:
    __slots__ = ("_by_hour", "_failed", "_scale", "_share", "_streamed", "_whole")

    def __init__(
        self,
        share: float,
        scale: float,
        by_hour: Mapping[int, tuple[int, int]],
        streamed: Sequence[Speed],
        whole: Sequence[Speed],
        failed: Sequence[float],
    ) -> None:
        self._share, self._scale, self._by_hour = share, scale, by_hour
        self._streamed, self._whole, self._failed = streamed, whole, failed

    def fails(self, at: float, random: Random) -> bool:
        hour = self._by_hour.get(int(at // HOUR_S))
        share = self._share
        if hour is not None:
            calls, failures = hour
            share = min((failures * self._scale + PRIOR_CALLS * share) / (calls + PRIOR_CALLS), 1.0)
        return random.random() < share

    def takes(self, output: int, stream: bool, random: Random) -> tuple[float, float | None]:
        """Milliseconds of an answer, and until its first token where it is streamed."""
        answers = self._streamed if stream else self._whole
        if not answers:
            return 0.0, 0.0 if stream else None
        alike = max(len(answers) // ALIKE, 1)
        place = bisect_left(answers, (output, 0.0, 0.0)) + int((random.random() - 0.5) * alike)
        length, first, whole = answers[min(max(place, 0), len(answers) - 1)]
        stretched = first + (whole - first) * max(output, 1) / max(length, 1)
        return stretched, first if stream else None

    def failing_takes(self, random: Random) -> float:
        failed = self._failed
        return failed[int(random.random() * len(failed))] if failed else 0.0


class Replay:
    """Past requests through routers that are compiled over the same deployments. `progress` hears of shares 0…1."""

    def __init__(
        self,
        deployments: Iterable[Deployment],
        attempts: Iterable[PastAttempt],
        names: Names,
        routers: Mapping[str, CompiledRouter],
        seed: int = 1,
    ) -> None:
        random = Random(seed)
        self._histories: dict[str, History] = {each.id: History() for each in deployments}
        for attempt in attempts:
            if (history := self._histories.get(attempt.deployment_id)) is not None:
                history.add(attempt, random)
        self._names, self._routers, self._seed = names, routers, seed
        self._asked: dict[str, Asked | None] = {}
        self._judging = Standing(lambda: 0.0, seed)

    def judged(self, request: PastRequest, *arms: CompiledRouter) -> bool:
        """Whether each of the routers would ask somebody of whom enough is known."""
        return all(self._judges(request, arm) for arm in arms)

    def run(
        self,
        requests: Sequence[PastRequest],
        arm: CompiledRouter,
        progress: Callable[[float], None] = lambda share: None,
    ) -> Figures:
        """The figures of one router; of requests that were `judged`, in the order of their time."""
        count = max(min(BLOCKS, len(requests) // BLOCK), 1)
        dealing = Random(self._seed)
        blocks: list[list[PastRequest]] = [[] for _ in range(count)]
        for request in requests:
            blocks[int(dealing.random() * count)].append(request)
        outcomes = []
        for number, block in enumerate(blocks):
            if block:
                outcomes.append(self._block(block, arm, Random(self._seed * 1000 + number)))
            progress((number + 1) / count)
        return _figures(outcomes)

    def _block(self, requests: Sequence[PastRequest], arm: CompiledRouter, random: Random) -> Outcome:
        models = {id: history.model(random) for id, history in self._histories.items()}
        moment = 0.0
        standing = Standing(lambda: moment, random.getrandbits(32))
        outcome = Outcome()
        for request in requests:
            moment = request.question.now.timestamp()
            self._ask(request, arm, models, standing, random, outcome)
        return outcome

    def _ask(
        self,
        request: PastRequest,
        arm: CompiledRouter,
        models: Mapping[str, DeploymentModel],
        standing: Standing,
        random: Random,
        outcome: Outcome,
    ) -> None:
        question, usage = request.question, request.usage
        now = standing.now()
        took = 0.0
        for candidate in self._order(question, arm, standing)[: arm.document.max_attempts]:
            deployment = candidate.deployment
            numbers = standing.of(deployment.id)
            numbers.started()
            model = models[deployment.id]
            if model.fails(now, random):
                took += model.failing_takes(random)
                numbers.ended(now, False)
                continue
            output = min(usage.output, deployment.max_output_tokens or usage.output)
            whole, first = model.takes(output, question.stream, random)
            cost = deployment.price.cost(msgspec.structs.replace(usage, output=output)) if deployment.price else None
            seconds = None if first is None else first / 1000
            numbers.ended(now, True, whole / 1000, seconds, output, usage.input + output, cost)
            outcome.answered(took + whole, cost, deployment.provider)
            return
        outcome.failed(took)

    def _order(self, question: Question, arm: CompiledRouter, standing: Standing) -> list[Candidate]:
        asked = self._means(question.model)
        if asked is None:
            return []
        return make_plan(question, arm, self._routers, (asked,), None, standing).order

    def _means(self, model: str) -> Asked | None:
        if model not in self._asked:
            self._asked[model] = self._names.resolve(model)
        return self._asked[model]

    def _judges(self, request: PastRequest, arm: CompiledRouter) -> bool:
        question = request.question
        if arm.asks_intent and question.intent is None:
            return False
        if self._means(question.model) is None:
            return False
        order = self._order(question, arm, self._judging)
        known = [self._histories[each.deployment.id].calls >= FEWEST for each in order[: arm.document.max_attempts]]
        return bool(known) and known[0]


class Outcome:
    """Of one block."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.costs: list[int] = []
        self.failures = self.unpriced = 0
        self.share: dict[str, int] = {}

    def answered(self, took: float, cost: int | None, provider: str) -> None:
        self.times.append(took)
        if cost is None:
            self.unpriced += 1
        else:
            self.costs.append(cost)
        self.share[provider] = self.share.get(provider, 0) + 1

    def failed(self, took: float) -> None:
        self.times.append(took)
        self.failures += 1


def happened(requests: Sequence[PastRequest]) -> Figures:
    """The same figures of what did happen: without ranges, since nothing of it is uncertain."""
    outcome = Outcome()
    for request in requests:
        if request.failed:
            outcome.failed(request.latency_ms)
        else:
            outcome.answered(request.latency_ms, request.cost, request.provider or "")
    return _figures([outcome])


def _figures(blocks: Sequence[Outcome]) -> Figures:
    times = sorted([time for block in blocks for time in block.times])
    total = len(times)
    share: dict[str, int] = {}
    for block in blocks:
        for provider, count in block.share.items():
            share[provider] = share.get(provider, 0) + count
    costs = [sum(block.costs) * total / max(len(block.times), 1) for block in blocks]
    sorted_blocks = [sorted(block.times) for block in blocks if block.times]
    halves = [_quantile(block, 0.5) for block in sorted_blocks]
    tails = [_quantile(block, 0.95) for block in sorted_blocks]
    rates = [block.failures / max(len(block.times), 1) for block in blocks]
    cost_low, cost_high = _range(costs)
    p50_low, p50_high = _range(halves)
    p95_low, p95_high = _range(tails)
    return Figures(
        requests=total,
        cost=sum(sum(block.costs) for block in blocks),
        cost_range=(round(cost_low), round(cost_high)),
        p50_ms=round(_quantile(times, 0.5)),
        p50_range=(round(p50_low), round(p50_high)),
        p95_ms=round(_quantile(times, 0.95)),
        p95_range=(round(p95_low), round(p95_high)),
        failure_rate=sum(block.failures for block in blocks) / max(total, 1),
        failure_range=_range(rates),
        share=dict(sorted(share.items(), key=lambda item: -item[1])),
        unpriced=sum(block.unpriced for block in blocks),
    )


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Where 95 % of the blocks lie; with sixteen of them, all."""
    if not values:
        return 0.0, 0.0
    ordered = sorted(values)
    left_out = int(len(ordered) * 0.025)
    return ordered[left_out], ordered[len(ordered) - 1 - left_out]


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[max(ceil(len(ordered) * share) - 1, 0)] if ordered else 0.0


def _redrawn(speeds: list[Speed], random: Random) -> list[Speed]:
    """By the length of the answers."""
    return sorted(random.choices(speeds, k=len(speeds))) if speeds else []


def _keep(kept: list[T], value: T, seen: int, random: Random) -> None:
    """A fair sample of all that was seen (Vitter's algorithm R, 1985)."""
    if len(kept) < MOST_SAMPLES:
        kept.append(value)
    elif (place := int(random.random() * seen)) < MOST_SAMPLES:
        kept[place] = value
