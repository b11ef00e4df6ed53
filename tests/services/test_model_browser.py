"""The model browser: what is served before what is not, measured numbers, state, and the rules that name a model."""

from __future__ import annotations

import pytest

from app.core.errors import BadRequest, Throttled, UpstreamDown
from app.services.container import Services
from app.services.model_browser import DOWN, NOT_SET_UP, OFF, THROTTLED, USABLE, ModelFilter
from app.services.views import ModelSpec, ProviderSpec
from tests.published import published

URL = "http://127.0.0.1:9/v1"
LAB = ModelFilter(provider="lab")


async def lab(services: Services) -> None:
    models = [ModelSpec("a", price={"input": "1", "output": "1"}), ModelSpec("b", price={"input": "2", "output": "2"})]
    await services.providers.add(
        "test", ProviderSpec("lab", "openai-compatible", URL, ["sk-0123456789"], models=models)
    )


async def states(services: Services) -> list[str]:
    return [found.state for found in (await services.models.search(LAB)).items]


async def test_the_catalogue_stands_behind_what_is_served_and_nothing_twice(services: Services) -> None:
    spec = ProviderSpec("main", "openai", URL, ["sk-0123456789"])
    await services.providers.add("test", spec, ask=False)
    found = (await services.models.search(ModelFilter(text="gpt-4o-mini"))).items
    assert found[0].entry.provider == "main"
    assert [each.entry.provider for each in found if each.entry.model == "gpt-4o-mini"].count("openai") == 0
    assert found[-1].state == NOT_SET_UP


async def test_what_was_measured_and_a_score_among_those_that_were_asked(services: Services) -> None:
    await lab(services)
    first, second = (model.deployment for model in services.providers.find("lab").models)
    now = services.clock.monotonic()
    for deployment, seconds in ((first, 1.0), (second, 9.0)):
        services.standing.of(deployment.id).ended(now, True, seconds + 0.5, 0.5, 100, 200, 1000)
    found = {each.entry.model: each.measured for each in (await services.models.search(LAB, "score")).items}
    assert found["a"].rate == pytest.approx(100)
    assert found["a"].first_token_ms == pytest.approx(500, rel=0.05)
    assert found["a"].score is not None
    assert found["b"].score is not None
    assert 0 <= found["b"].score < found["a"].score <= 1
    slowest_first = (await services.models.search(LAB, "rate")).items
    assert [each.entry.model for each in slowest_first] == ["b", "a"]


async def test_states(services: Services) -> None:
    await lab(services)
    provider = services.providers.find("lab")
    first, second = (model.deployment for model in provider.models)
    assert await states(services) == [USABLE, USABLE]
    for _ in range(9):
        services.health.failed(first, "", UpstreamDown("no"))
    assert await states(services) == [DOWN, USABLE]
    services.health.failed(second, provider.credentials[0].id, Throttled("429", upstream_status=429))
    assert await states(services) == [DOWN, THROTTLED]
    assert (await services.models.search(ModelFilter(provider="lab", usable=True))).items == ()
    await services.providers.set_model_enabled("test", "lab", "b", False)
    assert await states(services) == [DOWN, OFF]


async def test_live_rules_that_name_a_model_are_told_and_drafts_are_not(services: Services) -> None:
    await lab(services)
    group = {"strategy": "cheapest", "targets": [{"provider": "lab", "model": "b"}]}
    rules = [{"name": "first", "targets": [{"provider": "lab", "model": "a"}, group]}]
    fallbacks = {"content_policy": [{"provider": "lab", "model": "b"}]}
    await published(services, {"name": "team", "rules": rules, "fallbacks": fallbacks})
    await services.routers.create(
        "test", {"name": "draft", "rules": [{"targets": [{"provider": "lab", "model": "a"}]}]}
    )
    used = {each.entry.model: each.entry.rules for each in (await services.models.search(LAB)).items}
    assert used == {"a": ("team: first",), "b": ("team: first", "team: fallback for content policy")}


async def test_an_order_that_is_none_is_refused(services: Services) -> None:
    with pytest.raises(BadRequest, match="sort"):
        await services.models.search(LAB, "beauty")
