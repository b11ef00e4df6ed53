"""/api/user-models: searching all that is known, counts, asking providers again."""

from __future__ import annotations

import httpx

from app.services.container import Services
from app.services.views import ModelSpec, ProviderSpec
from tests.api.management.conftest import problem
from tests.published import published

GLOBAL = "/api/user-models/global"


async def add(services: Services) -> None:
    price = {"input": "1.00", "output": "2.00"}
    models = [ModelSpec("small", price=price, context_window=8000, capabilities=["chat", "tools"]), ModelSpec("odd")]
    spec = ProviderSpec("lab", "openai-compatible", "http://127.0.0.1:9/v1", ["sk-0123456789"], models=models)
    await services.providers.add("test", spec)


async def test_what_is_served_comes_with_state_and_use(api: httpx.AsyncClient, services: Services) -> None:
    await add(services)
    rule = {"name": "all", "targets": [{"provider": "lab", "model": "small"}]}
    await published(services, {"name": "default", "rules": [rule]})
    (item,) = (await api.get(GLOBAL, params={"search": "small", "provider": "lab"})).json()["items"]
    assert (item["served"], item["state"], item["used_in"]) == (True, "usable", ["default: all"])
    assert (item["price"], item["price_from"]) == ({"input": "1.00", "output": "2.00"}, "own")
    assert (item["tokens_per_s"], item["score"]) == (None, None)


async def test_filters_and_pages(api: httpx.AsyncClient, services: Services) -> None:
    await add(services)
    everything = (await api.get(GLOBAL, params={"limit": 2})).json()
    assert everything["total"] == everything["known"] > 1000
    following = (await api.get(GLOBAL, params={"limit": 2, "cursor": everything["next_cursor"]})).json()
    assert {item["id"] for item in following["items"]}.isdisjoint({item["id"] for item in everything["items"]})

    async def found(**params: object) -> list[str]:
        answer = await api.get(GLOBAL, params={"provider": "lab", **params})  # type: ignore[arg-type]
        return [item["id"] for item in answer.json()["items"]]

    assert await found() == ["odd", "small"]
    assert await found(sort="input") == ["small", "odd"]
    assert await found(sort="input", descending=True) == ["small", "odd"]
    assert await found(price_unknown=True) == ["odd"]
    assert await found(max_price="0.99") == []
    assert await found(max_price="1") == ["small"]
    assert await found(min_context=8001) == []
    assert await found(capability=["vision", "tools"]) == ["small"]
    assert await found(usable=True) == ["odd", "small"]


async def test_an_order_that_is_none_is_refused(api: httpx.AsyncClient) -> None:
    problem(await api.get(GLOBAL, params={"sort": "beauty"}), 400, "sort:")


async def test_counts(api: httpx.AsyncClient, services: Services) -> None:
    await add(services)
    stats = (await api.get("/api/user-models/stats")).json()
    assert (stats["served"], stats["usable"], stats["served_price_unknown"]) == (6, 6, 1)
    assert stats["by_capability"]["tools"] > 100
    assert stats["catalogue"]["made_at"] == services.catalog.made_at


async def test_asking_providers_again_answers_how_many_each_has(api: httpx.AsyncClient, services: Services) -> None:
    await add(services)
    answer = (await api.post("/api/admin/models/refresh-provider-counts")).json()
    assert (answer["asked"], answer["failed"]) == (0, [])
    assert {item["provider"]: item["models"] for item in answer["items"]} == {"lab": 2, "demo": 4}
