"""Jobs: probes keep history, models are refreshed, prices come from a public list or stay."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

import app.jobs
from app.core.discover import instances
from app.core.errors import UpstreamError
from app.core.price import Price
from app.core.settings import Settings
from app.jobs import probe_health, refresh_models, refresh_prices, roll_up
from app.jobs.base import ScheduledJob
from app.providers.catalog import Catalog
from app.providers.price_sources import LITELLM, MODELS_DEV, OPENROUTER
from app.services.catalog_store import read_catalog, take_over
from app.services.container import Services
from app.services.job_board import FAULT, Job, JobBoard
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
LIST = {
    "openai": {
        "models": {f"model-{number}": MODEL for number in range(1200)}
        | {"gpt-4o": {**MODEL, "cost": {"input": 2, "output": 8}}}
    }
}


class Web(httpx.AsyncBaseTransport):
    """The public lists by their addresses; the others cannot be reached."""

    def __init__(self) -> None:
        self.answers: dict[str, httpx.Response] = {MODELS_DEV.url: listed(LIST)}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = self.answers.get(str(request.url))
        if answer is None:
            raise httpx.ConnectError("no network here")
        return httpx.Response(answer.status_code, content=answer.content)


def listed(value: object) -> httpx.Response:
    return httpx.Response(200, content=json.dumps(value))


@pytest.fixture
async def offline(settings: Settings) -> AsyncIterator[tuple[Services, Web]]:
    web = Web()
    async with open_services(settings, serving=True, web=web) as services:
        yield services, web


def test_every_job_is_found_and_says_what_it_does() -> None:
    jobs = instances(app.jobs, ScheduledJob)
    assert {job.name for job in jobs} == {
        "keep_numbers",
        "probe_health",
        "prune",
        "refresh_models",
        "refresh_prices",
        "roll_up",
    }
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
    assert "models from models.dev" in await refresh_prices.refresh(services)
    actor = services.people.get("ada@example.org")
    spec = ProviderSpec("p", "openai", None, ["sk-0123456789"])
    view = await services.providers.add(actor, spec)
    price = next(model.price for model in view.models if model.id == "gpt-4o")
    assert price is not None
    assert (price.input, price.output) == (2_000_000_000, 8_000_000_000)


@pytest.mark.parametrize(
    "answer",
    [None, httpx.Response(503), httpx.Response(200, content=b"<html>"), httpx.Response(200, content=b'{"openai": {}}')],
    ids=["offline", "503", "html", "too short"],
)
async def test_where_no_list_can_be_used_the_known_prices_stay_and_say_how_old_they_are(
    offline: tuple[Services, Web], answer: httpx.Response | None
) -> None:
    services, web = offline
    size, made = services.catalog.size, services.catalog.made_at
    web.answers = {} if answer is None else {source.url: answer for source in (MODELS_DEV, LITELLM, OPENROUTER)}
    with pytest.raises(UpstreamError, match=f"The prices of {made} are kept; they are"):
        await refresh_prices.refresh(services)
    assert (services.catalog.size, services.catalog.made_at) == (size, made)


async def test_the_next_list_is_asked_where_the_first_one_fails(offline: tuple[Services, Web]) -> None:
    services, web = offline
    before = services.catalog.made_at
    web.answers = {
        OPENROUTER.url: listed(
            {
                "data": [
                    {"id": f"lab/model-{number}", "pricing": {"prompt": "0.000001", "completion": "0.000002"}}
                    for number in range(200)
                ]
            }
        )
    }
    sentence = await refresh_prices.refresh(services)
    assert "from OpenRouter" in sentence
    assert "models.dev could not be reached" in sentence
    assert services.catalog.made_at == before
    assert next(services.catalog.search("lab/model-7")).price == Price(input=1_000_000_000, output=2_000_000_000)
    assert services.catalog.providers()["anthropic"] > 10


async def test_a_refreshed_catalogue_outlives_a_restart(offline: tuple[Services, Web], settings: Settings) -> None:
    services, _ = offline
    await refresh_prices.refresh(services)
    other = Catalog()
    take_over(other, await services.db.read(read_catalog) or b"")
    assert other.rows["openai"]["model-7"].input == "0.15"
    assert (other.source, other.made_at) == ("models.dev", services.catalog.made_at)


async def test_finished_hours_are_summed(services: Services) -> None:
    assert (await roll_up.roll_up(services)).startswith("0 hours summed")


async def test_a_job_that_breaks_says_so(services: Services) -> None:
    async def break_off() -> str:
        raise RuntimeError("a bug")

    board = JobBoard(services.clock)
    board.start([Job("odd", "breaks", lambda: timedelta(hours=1), timedelta(hours=1), break_off)])
    with pytest.raises(RuntimeError):
        await board.run_now("odd")
    (state,) = board.states()
    assert (state.last_ok, state.last_result, state.running) == (False, FAULT, False)
    assert state.last_ms is not None
    await board.close()
