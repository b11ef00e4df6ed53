"""Prices in force: jumps wait for an admin, an admin's own come first, every change of a price in use is kept."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.core.errors import BadRequest, NotFound
from app.core.price import Price
from app.core.settings import Settings
from app.providers.model_lists import FoundModel
from app.services.container import Services
from app.services.startup import open_services
from app.services.views import ModelSpec, Person, ProviderSpec
from tests.conftest import OWNER_EMAIL

USD = 1_000_000_000
MODEL, OTHER = "gpt-4o", "gpt-4o-mini"  # as the shipped catalogue knows them


class Web(httpx.AsyncBaseTransport):
    """The first public list, with prices that the test changes."""

    def __init__(self) -> None:
        self.costs: dict[str, dict[str, float]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        models: dict[str, Any] = {f"model-{number}": {"cost": {"input": 1, "output": 2}} for number in range(1000)}
        models |= {name: {"cost": cost} for name, cost in self.costs.items()}
        return httpx.Response(200, content=json.dumps({"openai": {"models": models}}))


@pytest.fixture
def web() -> Web:
    return Web()


@pytest.fixture
async def services(settings: Settings, web: Web) -> AsyncIterator[Services]:
    async with open_services(settings, serving=True, web=web) as opened:
        spec = ProviderSpec("main", "openai", "http://127.0.0.1:9/v1", ["sk-0123456789"])
        await opened.providers.add(opened.people.get(OWNER_EMAIL), spec, ask=False)
        yield opened


def price(services: Services, model: str = MODEL) -> Price | None:
    return services.state.current.resolve(f"main/{model}").deployments[0].price


async def test_a_jump_waits_and_the_old_price_stays_in_force(services: Services, web: Web) -> None:
    before = price(services)
    web.costs = {MODEL: {"input": 0, "output": 0}, OTHER: {"input": 0.2, "output": 0.8}}
    refreshed = await services.prices.refresh()
    assert (refreshed.changed, refreshed.held) == (1, 1)
    (held,) = services.prices.held(in_use=True)
    assert (held.provider, held.model, held.before, held.after) == ("openai", MODEL, before, Price(input=0, output=0))
    assert price(services) == before
    assert price(services, OTHER) == Price(input=USD // 5, output=USD * 4 // 5)


async def test_a_confirmed_jump_is_in_force_and_stays_so_after_the_next_refresh(
    services: Services, owner: Person, web: Web
) -> None:
    web.costs = {MODEL: {"input": 100, "output": 400}}
    await services.prices.refresh()
    (held,) = services.prices.held()
    await services.prices.confirm(owner, held.id)
    assert price(services) == Price(input=100 * USD, output=400 * USD)
    await services.prices.refresh()
    assert price(services) == Price(input=100 * USD, output=400 * USD)
    assert services.prices.held() == []
    (change,) = await services.prices.history("main", MODEL)
    assert (change.state, change.decided_by, change.source) == ("confirmed", OWNER_EMAIL, "models.dev")
    with pytest.raises(NotFound):
        await services.prices.confirm(owner, held.id)


async def test_a_rejected_jump_is_not_held_again_but_another_one_is(
    services: Services, owner: Person, web: Web
) -> None:
    before = price(services)
    web.costs = {MODEL: {"input": 100, "output": 400}}
    await services.prices.refresh()
    await services.prices.reject(owner, services.prices.held()[0].id)
    await services.prices.refresh()
    assert services.prices.held() == []
    web.costs = {MODEL: {"input": 200, "output": 800}}
    await services.prices.refresh()
    assert len(services.prices.held()) == 1
    assert price(services) == before


async def test_a_jump_that_its_list_takes_back_waits_no_longer(services: Services, web: Web) -> None:
    web.costs = {MODEL: {"input": 100, "output": 400}}
    await services.prices.refresh()
    web.costs = {MODEL: {"input": 2.5, "output": 10}}
    await services.prices.refresh()
    assert services.prices.held() == []


async def test_jumps_and_confirmed_prices_outlive_a_restart(settings: Settings, web: Web) -> None:
    async with open_services(settings, serving=True, web=web) as services:
        spec = ProviderSpec("main", "openai", "http://127.0.0.1:9/v1", ["sk-0123456789"])
        await services.providers.add("test", spec, ask=False)
        web.costs = {MODEL: {"input": 100, "output": 400}, OTHER: {"input": 100, "output": 400}}
        await services.prices.refresh()
        held = next(change for change in services.prices.held() if change.model == MODEL)
        await services.prices.confirm("test", held.id)
    async with open_services(settings, serving=True, web=web) as services:
        assert price(services) == Price(input=100 * USD, output=400 * USD)
        assert [change.model for change in services.prices.held(in_use=True)] == [OTHER]


async def test_an_admins_price_comes_before_all_others_until_it_is_taken_back(
    services: Services, owner: Person, web: Web
) -> None:
    provider, before = services.providers.find("main"), price(services)
    await services.prices.override(owner, "main", MODEL, {"input": "1", "output": "3"})
    assert price(services) == Price(input=USD, output=3 * USD)

    def found_again(session: Any) -> None:
        services.providers.rows.merge(session, provider.id, [FoundModel(id=MODEL, price=Price(input=7, output=7))])

    await services.state.change(found_again)
    assert price(services) == Price(input=USD, output=3 * USD)
    await services.state.change(
        lambda session: services.providers.rows.merge(session, provider.id, [FoundModel(id=MODEL)])
    )
    await services.prices.override(owner, "main", MODEL, None)
    assert price(services) == before
    back, own = await services.prices.history("main", MODEL)
    assert (own.source, own.actor, own.before, own.after) == (
        "admin",
        OWNER_EMAIL,
        before,
        Price(input=USD, output=3 * USD),
    )
    assert (back.actor, back.before, back.after) == (OWNER_EMAIL, own.after, before)


async def test_a_price_that_is_none_is_refused_by_its_field(services: Services, owner: Person) -> None:
    with pytest.raises(BadRequest) as caught:
        await services.prices.override(owner, "main", MODEL, {"input": "x", "output": "1"})
    assert caught.value.field == "price.input"


async def test_what_a_provider_says_of_its_own_prices_is_kept_as_history(services: Services) -> None:
    provider = services.providers.find("main")
    for amount in (5, 6, 6):
        found = [FoundModel(id=MODEL, price=Price(input=amount, output=amount))]
        await services.state.change(
            lambda session, found=found: services.providers.rows.merge(session, provider.id, found)
        )
    changes = await services.prices.history("main", MODEL)
    assert [(change.source, change.after) for change in changes] == [
        ("provider", Price(input=6, output=6)),
        ("provider", Price(input=5, output=5)),
    ]


async def test_a_listed_models_new_price_is_kept_as_history(services: Services, owner: Person) -> None:
    def spec(amount: str) -> ProviderSpec:
        models = [ModelSpec("m", price={"input": amount, "output": amount})]
        return ProviderSpec("lab", "openai-compatible", "http://127.0.0.1:9/v1", models=models)

    await services.providers.add(owner, spec("1"))
    await services.providers.update(owner, "lab", spec("2"))
    (change,) = await services.prices.history("lab", "m")
    assert (change.source, change.actor) == ("admin", OWNER_EMAIL)
    assert (change.before, change.after) == (Price(input=USD, output=USD), Price(input=2 * USD, output=2 * USD))
