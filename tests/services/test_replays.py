"""A replay over the ledger, in its own process."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from app.core.errors import BadRequest, NotFound
from app.db.tables.ledger import AttemptRow, RequestRow
from app.services.container import Services
from app.services.replays import ReplayStatus
from app.services.views import ModelSpec, ProviderSpec

PRICES = {"near": {"input": "3", "output": "15"}, "far": {"input": "0.1", "output": "0.4"}}


async def two_providers(services: Services) -> None:
    for name, price in PRICES.items():
        spec = ProviderSpec(
            name=name,
            kind="openai-compatible",
            base_url="http://127.0.0.1:9/v1",
            priority=10 if name == "near" else 20,
            models=[ModelSpec(id="m", alias="m", price=price)],
        )
        await services.providers.add("test", spec)


async def traffic(services: Services, count: int) -> tuple[int, int]:
    """Requests of the last days, a fifth of whose first attempts failed; what they cost, and how many failed."""
    random, now = Random(3), services.clock.now()
    near, far = (services.state.current.provider_named(name) for name in ("near", "far"))
    assert near is not None
    assert far is not None
    rows: list[Any] = []
    total = failed = 0
    for number in range(count):
        at = now - timedelta(minutes=number)
        read, said, stream = random.randint(50, 500), random.randint(10, 400), random.random() < 0.5
        bad = random.random() < 0.2
        both = bad and random.random() < 0.1
        last, name = (far, "far") if bad else (near, "near")
        took = 300 + said * (4 if bad else 10)
        price = {word: float(usd) * 1000 for word, usd in PRICES[name].items()}  # nano-dollars a token
        cost = 0 if both else round(read * price["input"] + said * price["output"])
        total, failed = total + cost, failed + both
        id = f"req_{number:08}"
        if bad:
            rows.append(_attempt(f"{id}-1", id, near.id, at, 503, 90, 0))
        rows.append(_attempt(f"{id}-2", id, last.id, at, 503 if both else 200, took, 0 if both else said))
        rows.append(
            RequestRow(
                id=id,
                at=at,
                router="default",
                model_asked="m",
                provider_id=last.id,
                provider=last.name,
                model="m",
                stream=stream,
                status=502 if both else 200,
                input_tokens=read,
                output_tokens=0 if both else said,
                cost=cost,
                latency_ms=took + 90 * bad,
                attempts=2 if bad else 1,
                estimated_input=read,
            )
        )
    await services.db.write(lambda session: session.add_all(rows))
    return total, failed


def _attempt(id: str, request: str, provider: str, at: Any, status: int, took: int, said: int) -> AttemptRow:
    return AttemptRow(
        id=id,
        request_id=request,
        state="closed",
        provider_id=provider,
        model="m",
        status=status,
        started_at=at,
        latency_ms=took,
        first_token_ms=300 if status == 200 else None,
        output_tokens=said,
    )


async def finished(services: Services, job: str) -> ReplayStatus:
    while (status := services.replay.status(job)).state == "running":
        await asyncio.sleep(0.02)
    return status


async def test_the_draft_is_held_against_the_live_router_and_against_what_happened(services: Services) -> None:
    await two_providers(services)
    total, failed = await traffic(services, 3000)
    document = {"rules": [{"name": "cheap first", "strategy": "cheapest"}]}
    status = await finished(services, await services.replay.start("test", "default", 7, document=document))
    assert (status.state, status.progress) == ("done", 1.0), status.sentence
    result = status.result
    assert result is not None
    assert (result["requests"], result["unjudged"]) == (3000, 0)
    live, draft, real = result["live"], result["draft"], result["happened"]
    assert float(real["cost_usd"]) == pytest.approx(total / 1e9)
    assert real["failure_rate"] == pytest.approx(failed / 3000)
    low, high = (float(each) for each in live["cost_range"])
    assert low <= float(real["cost_usd"]) <= high, "the live router reproduces what happened"
    assert live["p50_range"][0] <= real["p50_ms"] <= live["p50_range"][1]
    assert live["p95_range"][0] <= real["p95_ms"] <= live["p95_range"][1]
    assert live["failure_range"][0] <= real["failure_rate"] <= live["failure_range"][1]
    assert float(draft["cost_range"][1]) < low
    assert draft["share"]["far"] > draft["share"].get("near", 0)


async def test_nothing_in_the_ledger_is_nothing_to_judge(services: Services) -> None:
    status = await finished(services, await services.replay.start("test", "default", 7))
    assert status.state == "done"
    assert status.result is not None
    assert status.result["requests"] == 0
    assert "None of the requests" in status.sentence


async def test_a_replay_can_be_cancelled_and_leaves_no_process(services: Services) -> None:
    await two_providers(services)
    await traffic(services, 2000)
    job = await services.replay.start("test", "default", 7)
    services.replay.cancel(job)
    await services.replay.close()
    assert services.replay.status(job).state == "cancelled"


@pytest.mark.parametrize(("days", "sample", "field"), [(0, None, "days"), (91, None, "days"), (7, 1, "sample")])
async def test_what_makes_no_sense_is_refused(services: Services, days: int, sample: int | None, field: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        await services.replay.start("test", "default", days, sample)
    assert refusal.value.field == field


async def test_a_job_or_router_that_is_not_there_is_named(services: Services) -> None:
    with pytest.raises(NotFound, match="job_gone"):
        services.replay.status("job_gone")
    with pytest.raises(NotFound, match="nowhere"):
        await services.replay.start("test", "nowhere", 7)
