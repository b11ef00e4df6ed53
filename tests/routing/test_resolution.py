"""What a model's name means, in the order of the contract."""

from __future__ import annotations

import pytest

from app.core.errors import ModelNotFound
from app.services.container import Services
from app.services.views import ModelSpec, ProviderSpec
from tests.published import published


async def add(services: Services, name: str, *models: tuple[str, str], **fields: object) -> None:
    spec = ProviderSpec(
        name=name,
        kind="openai-compatible",
        base_url="http://127.0.0.1:9/v1",
        models=[ModelSpec(id=model, alias=alias) for model, alias in models],
        **fields,  # type: ignore[arg-type]
    )
    await services.providers.add("test", spec)


def meant(services: Services, model: str) -> list[str]:
    return [str(each) for each in services.state.current.resolve(model).deployments]


async def test_an_alias_comes_before_an_upstream_id_and_both_before_the_rest(services: Services) -> None:
    await add(services, "one", ("m-1", "shared"), ("shared", "other"), priority=2)
    await add(services, "two", ("m-2", "shared"), ("router/default", "odd"), ("auto-ish", "auto2"), priority=1)
    assert meant(services, "shared") == ["m-2 at two", "m-1 at one"], "the deployments of one alias are one model"
    assert meant(services, "m-1") == ["m-1 at one"]
    assert meant(services, "one/shared") == ["m-1 at one", "shared at one"]
    assert meant(services, "one/m-1") == ["m-1 at one"]
    assert meant(services, "router/default") == ["router/default at two"], "an upstream's id comes first"


async def test_auto_and_routers_mean_every_model_that_chats_but_the_demo(services: Services) -> None:
    assert meant(services, "auto") == ["demo/chat at demo"], "where there is nothing else"
    await add(services, "one", ("m-1", "m-1"))
    assert meant(services, "auto") == ["m-1 at one"]
    await published(services, {"name": "side", "rules": [{}]})
    asked = services.state.current.resolve("router/side")
    assert (asked.router, [str(each) for each in asked.deployments]) == ("side", ["m-1 at one"])


@pytest.mark.parametrize("model", ["", "nothing", "router/nothing", "one/nothing", "one/", "/", "demo"])
async def test_what_is_not_there_is_not_found(services: Services, model: str) -> None:
    await add(services, "one", ("m-1", "m-1"))
    with pytest.raises(ModelNotFound):
        services.state.current.resolve(model)


async def test_what_is_switched_off_is_not_found(services: Services) -> None:
    await add(services, "one", ("m-1", "m-1"), enabled=False)
    with pytest.raises(ModelNotFound):
        services.state.current.resolve("m-1")
