"""Jobs: probes keep history, models are refreshed, prices come from a public list or stay."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest

import app.jobs
from app.core.discover import instances
from app.core.errors import UpstreamError
from app.core.settings import Settings
from app.jobs import probe_health, refresh_models, refresh_prices
from app.jobs.base import ScheduledJob
from app.providers.price_sources import MODELS_DEV
from app.services.container import Services
from app.services.startup import open_services
from app.services.views import ModelSpec, Person, ProviderSpec
from tests.upstream.fixtures import RunningUpstream

MODEL = {
    "name": "Model",
    "limit": {"context": 1000, "output": 100},
    "cost": {"input": 0.15, "output": 0.6},
    "modalities": {"input": ["text", "image"], "output": ["text"]},
    "tool_call": True,
}
LIST = {"openai": {"models": {f"model-{number}": MODEL for number in range(1200)} | {"gpt-4o": MODEL}}}


class Web(httpx.AsyncBaseTransport):
    """The public list, or nothing."""

    def __init__(self) -> None:
        self.answer: httpx.Response | None = httpx.Response(200, content=json.dumps(LIST))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if str(request.url) != MODELS_DEV or self.answer is None:
            raise httpx.ConnectError("no network here")
        return self.answer


@pytest.fixture
async def offline(settings: Settings) -> AsyncIterator[tuple[Services, Web]]:
    web = Web()
    async with open_services(settings, serving=True, web=web) as services:
        yield services, web


def test_every_job_is_found_and_says_what_it_does() -> None:
    jobs = instances(app.jobs, ScheduledJob)
    assert {job.name for job in jobs} == {"probe_health", "prune", "refresh_models", "refresh_prices"}
    assert all(job.about for job in jobs)


async def test_a_probe_writes_history_but_closes_no_way(
    services: Services, owner: Person, upstream: RunningUpstream
) -> None:
    spec = ProviderSpec("good", "openai", upstream.provider_url("openai/chat"), ["sk-0123456789"])
    await services.providers.add(owner, spec)
    bad = ProviderSpec(
        "bad", "openai", upstream.provider_url("openai/chat", "status-500"), ["sk-0123456789"], models=[ModelSpec("m")]
    )
    await services.providers.add(owner, bad)
    assert await probe_health.probe_all(services) == "2 of 3 providers answered."
    good, failing = services.providers.get("good"), services.providers.get("bad")
    assert (good.uptime[-1], failing.uptime[-1]) == (1, 3)
    assert (good.state, failing.state) == ("healthy", "failing")
    assert failing.breaker == "closed"
    deployment = services.state.current.resolve("m").deployments[0]
    assert services.health.blocked(deployment) is None


async def test_probe_history_outlives_a_restart(settings: Settings) -> None:
    async with open_services(settings, serving=True) as services:
        await probe_health.probe_all(services)
        before = services.providers.get("demo").uptime
    async with open_services(settings, serving=True) as services:
        assert services.providers.get("demo").uptime == before
        assert 1 in before


async def test_models_are_asked_for_again(services: Services, owner: Person, upstream: RunningUpstream) -> None:
    spec = ProviderSpec("p", "openai", upstream.provider_url("openai/chat"), ["sk-0123456789"])
    await services.providers.add(owner, spec)
    await services.providers.set_model_enabled(owner, "p", "sample-small", False)
    assert await refresh_models.refresh_all(services) == "1 providers listed their models."
    models = {model.id: model.enabled for model in services.providers.get("p").models}
    assert models == {"sample-model": True, "sample-small": False, "sample-embedding": True}


async def test_prices_are_taken_over_from_the_public_list(offline: tuple[Services, Web]) -> None:
    services, _ = offline
    assert await refresh_prices.refresh(services) == "1201 models from models.dev."
    actor = services.people.get("ada@example.org")
    spec = ProviderSpec("p", "openai", None, ["sk-0123456789"])
    view = await services.providers.add(actor, spec)
    price = next(model.price for model in view.models if model.id == "gpt-4o")
    assert price is not None
    assert (price.input, price.output) == (150_000_000, 600_000_000)


@pytest.mark.parametrize(
    "answer",
    [None, httpx.Response(503), httpx.Response(200, content=b"<html>"), httpx.Response(200, content=b'{"openai": {}}')],
    ids=["offline", "503", "html", "too short"],
)
async def test_a_list_that_cannot_be_used_leaves_the_known_prices(
    offline: tuple[Services, Web], answer: httpx.Response | None
) -> None:
    services, web = offline
    size, made = services.catalog.size, services.catalog.made_at
    web.answer = answer
    with pytest.raises(UpstreamError):
        await refresh_prices.refresh(services)
    assert (services.catalog.size, services.catalog.made_at) == (size, made)
