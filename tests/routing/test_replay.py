"""Replaying past requests: what happened is reproduced by the router it happened to, and another one is told apart."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from random import Random

import pytest

from app.core.chat import Usage
from app.core.price import Price
from app.routing.compiled import CompiledRouter
from app.routing.deployment import Deployment
from app.routing.names import Names
from app.routing.replay import PastAttempt, PastRequest, Replay, happened
from tests.routing.samples import FRIDAY, deployment, question, router, target

DEAR = Price(input=3_000_000_000, output=15_000_000_000)
CHEAP = Price(input=100_000_000, output=400_000_000)
NEAR = deployment("near/llama", price=DEAR)
FAR = deployment("far/llama", price=CHEAP, priority=200)
KNOWN = [NEAR, FAR]


def past(
    count: int, fails: dict[str, float], speed: dict[str, float], order: Sequence[Deployment] = KNOWN, seed: int = 7
) -> tuple[list[PastRequest], list[PastAttempt]]:
    """Requests that were asked of each in that order until one answered: `fails` is the share of its calls that
    failed, `speed` its milliseconds per token."""
    random = Random(seed)
    requests, attempts = [], []
    for number in range(count):
        at = FRIDAY + timedelta(seconds=number * 5)
        stream = random.random() < 0.5
        usage = Usage(input=random.randint(50, 3000), output=random.randint(10, 800))
        took, cost, provider = 0, None, None
        for each in order:
            if random.random() < fails[each.id]:
                attempts.append(PastAttempt(each.id, at.timestamp(), False, 100, None, 0, stream))
                took += 100
                continue
            first = round(random.lognormvariate(5.5, 0.4))
            whole = first + round(usage.output * speed[each.id] * random.lognormvariate(0, 0.2))
            attempts.append(PastAttempt(each.id, at.timestamp(), True, whole, first, usage.output, stream))
            assert each.price is not None
            took, cost, provider = took + whole, each.price.cost(usage), each.provider
            break
        asked = question(now=at, input_tokens=usage.input, stream=stream)
        requests.append(PastRequest(asked, "team", usage, provider is None, cost, took, provider))
    return requests, attempts


def replay(attempts: list[PastAttempt], *arms: CompiledRouter) -> Replay:
    return Replay(KNOWN, attempts, Names(KNOWN, []), {arm.name: arm for arm in arms})


LIVE = router({"name": "all"})
CHEAPEST = router({"name": "all", "strategy": "cheapest"})
FIRST_ALONE = router({"name": "one", "targets": [target("near/llama")]}, known=KNOWN)
SITUATIONS = [
    ({"near/llama": 0.0, "far/llama": 0.0}, {"near/llama": 10.0, "far/llama": 30.0}),
    ({"near/llama": 0.2, "far/llama": 0.05}, {"near/llama": 10.0, "far/llama": 30.0}),
    ({"near/llama": 0.5, "far/llama": 0.3}, {"near/llama": 25.0, "far/llama": 5.0}),
]


@pytest.mark.parametrize(("fails", "speed"), SITUATIONS)
@pytest.mark.parametrize("seed", range(3))
def test_the_live_router_on_its_own_traffic_gives_what_happened_within_its_ranges(
    fails: dict[str, float], speed: dict[str, float], seed: int
) -> None:
    requests, attempts = past(3000, fails, speed, seed=seed)
    figures, real = replay(attempts, LIVE).run(requests, LIVE), happened(requests)
    assert figures.requests == real.requests
    assert figures.cost_range[0] <= real.cost <= figures.cost_range[1]
    assert figures.p50_range[0] <= real.p50_ms <= figures.p50_range[1]
    assert figures.p95_range[0] <= real.p95_ms <= figures.p95_range[1]
    assert figures.failure_range[0] <= real.failure_rate <= figures.failure_range[1]
    for provider, count in real.share.items():
        assert abs(figures.share.get(provider, 0) - count) < 0.05 * real.requests
    assert figures.cost_range[1] - figures.cost_range[0] < 0.5 * figures.cost, "a range that says something"


def test_a_cheaper_router_is_seen_to_be_cheaper_and_slower() -> None:
    requests, attempts = past(3000, *SITUATIONS[1])
    more = past(300, *SITUATIONS[1], order=[FAR], seed=1)[1]  # so that enough is known of the cheap one
    tried = replay([*attempts, *more], LIVE, CHEAPEST)
    live, draft = tried.run(requests, LIVE), tried.run(requests, CHEAPEST)
    assert draft.cost_range[1] < live.cost_range[0]
    assert draft.p50_range[0] > live.p50_range[1]
    assert draft.share["far"] > 0.9 * len(requests)


def test_a_router_without_a_second_target_is_seen_to_fail_more() -> None:
    requests, attempts = past(3000, *SITUATIONS[1])
    tried = replay(attempts, LIVE, FIRST_ALONE)
    live, alone = tried.run(requests, LIVE), tried.run(requests, FIRST_ALONE)
    assert alone.failure_range[0] > live.failure_range[1]
    assert alone.failure_rate == pytest.approx(0.2, abs=0.03)


def test_an_outage_fails_in_its_hour_only() -> None:
    requests, attempts = past(4000, *SITUATIONS[0])
    hour = range(720, 1440)
    broken = [
        PastAttempt(each.deployment_id, each.at, False, 50, None, 0, each.stream) if number in hour else each
        for number, each in enumerate(attempts)
    ]
    figures = replay(broken, FIRST_ALONE).run(requests, FIRST_ALONE)
    quiet = replay(broken, FIRST_ALONE).run(requests[1440:], FIRST_ALONE)
    assert figures.failure_rate == pytest.approx(720 / 4000, abs=0.05)
    assert quiet.failure_rate < 0.05


def test_what_nobody_knows_is_not_judged() -> None:
    requests, attempts = past(100, *SITUATIONS[0])
    stranger = router({"name": "new", "targets": [target("new/llama")]}, known=[deployment("new/llama")])
    unknown = PastRequest(question(model="gone"), "team", Usage(), False, 1, 1, "near")
    known = [*KNOWN, deployment("new/llama")]
    tried = Replay(known, attempts, Names(known, []), {})
    assert tried.judged(requests[0], LIVE)
    assert not tried.judged(requests[0], LIVE, stranger)
    assert not tried.judged(unknown, LIVE)
    asks = router({"name": "code", "when": {"intents": ["code"]}}, {"name": "all"})
    assert not tried.judged(requests[0], asks), "nobody had asked what it was about"


def test_the_same_seed_gives_the_same_figures() -> None:
    requests, attempts = past(500, *SITUATIONS[2])
    assert replay(attempts, LIVE).run(requests, LIVE) == replay(attempts, LIVE).run(requests, LIVE)


def test_a_hundred_thousand_requests_take_few_seconds() -> None:
    requests, attempts = past(5000, *SITUATIONS[1])
    tried = replay(attempts, LIVE)
    started = time.perf_counter()
    tried.run(requests, LIVE)
    assert (time.perf_counter() - started) * 20 < 10, "for each arm"
