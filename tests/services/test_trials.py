"""A small real call: what it would cost is known before, what it cost is in the ledger."""

from __future__ import annotations

import pytest

from app.core.errors import BadRequest
from app.services.container import Services
from app.services.trials import TAG
from app.services.views import LogFilter, ModelSpec, Person, ProviderSpec
from tests.upstream.fixtures import RunningUpstream

CHEAP = {"input": "1", "output": "2"}


async def add(services: Services, url: str) -> None:
    models = [
        ModelSpec("dear", price={"input": "100", "output": "200"}),
        ModelSpec("cheap", price=CHEAP),
        ModelSpec("vectors", price={"input": "0", "output": "0"}, capabilities=["embeddings"]),
        ModelSpec("unpriced"),
    ]
    await services.providers.add(
        "test", ProviderSpec("lab", "openai-compatible", url, ["sk-0123456789"], models=models)
    )


async def test_the_cheapest_model_that_chats_is_asked_and_its_cost_is_told_before(
    services: Services, upstream: RunningUpstream
) -> None:
    await add(services, upstream.provider_url("openai/chat"))
    planned = services.trials.plan("lab")
    assert planned.deployment.model == "cheap"
    assert planned.cost == 64_000  # 32 tokens in, 16 out
    assert planned.cost_words == "at most $0.000064"
    assert services.trials.plan("lab", "unpriced").cost_words == "its price is unknown"
    assert services.trials.plan("demo").cost_words == "it costs nothing"


async def test_the_call_is_in_the_ledger_with_its_cost(
    services: Services, owner: Person, upstream: RunningUpstream
) -> None:
    await add(services, upstream.provider_url("openai/chat"))
    result = await services.trials.run(owner, "lab")
    assert result.ok, result.sentence
    assert "cheap answered in" in result.sentence
    (row,) = (await services.ledger.requests(LogFilter())).items
    assert (row.id, row.provider, row.model, row.status, row.attempts) == (result.request_id, "lab", "cheap", 200, 1)
    assert (row.cost, row.user, row.tags) == (result.cost, owner.email, (TAG,))
    assert result.cost


async def test_a_failure_is_told_and_counts_for_the_breaker(
    services: Services, owner: Person, upstream: RunningUpstream
) -> None:
    await add(services, upstream.provider_url("openai/chat", "status-500"))
    result = await services.trials.run(owner, "lab", "dear")
    assert not result.ok
    (row,) = (await services.ledger.requests(LogFilter())).items
    assert (row.status, row.model) == (502, "dear")
    assert [condition.doubted for condition in services.health.doubted().values()] == [True]


async def test_a_success_ends_the_doubt(services: Services, owner: Person) -> None:
    result = await services.trials.run(owner, "demo", "demo/failing")
    assert not result.ok
    assert (await services.trials.run(owner, "demo", "demo/chat")).ok
    assert len(services.health.doubted()) == 1


async def test_where_no_model_chats_there_is_none_to_try(services: Services) -> None:
    models = [ModelSpec("vectors", capabilities=["embeddings"])]
    await services.providers.add("test", ProviderSpec("v", "openai-compatible", "http://127.0.0.1:9", models=models))
    with pytest.raises(BadRequest, match="none to try"):
        services.trials.plan("v")
