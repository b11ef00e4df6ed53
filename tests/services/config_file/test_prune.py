"""--prune: only what an earlier apply made, never people."""

from __future__ import annotations

import pytest

from app.core.errors import BadRequest
from app.services.config_file.apply import apply
from app.services.container import Services
from app.services.views import KeySpec, ProviderSpec
from tests.published import published
from tests.services.config_file.files import EVERYTHING, PEOPLE, SMALL


async def test_what_the_file_no_longer_names_is_disabled(services: Services) -> None:
    await apply(services, EVERYTHING)
    report = await apply(services, SMALL, prune=True)
    assert {str(change) for change in report.changes if change.action == "disable"} == {
        'disable key "ci"',
        'disable router "default"',
        'disable router "spare"',
        'disable provider "openai-main"',
    }
    assert "spare" not in services.state.current.routers
    assert services.keys.find("ci").disabled
    assert "ada@example.org" in services.state.current.by_email
    assert services.state.current.by_email["ada@example.org"].disabled is False


async def test_what_people_made_stays(services: Services) -> None:
    await services.providers.add("somebody", ProviderSpec(name="theirs", kind="openai-compatible", base_url="http://h"))
    await services.keys.create("somebody", KeySpec(name="theirs"))
    await published(services, {"name": "theirs"}, "somebody")
    text = '[[keys]]\nname = "theirs"\nmodels = ["a"]\n'
    await apply(services, text)
    assert (await apply(services, PEOPLE, prune=True)).changes[0].name == "ada@example.org"
    assert services.keys.find("theirs").disabled is False
    assert services.providers.get("theirs").enabled
    assert "theirs" in services.state.current.routers


async def test_a_router_in_use_is_not_pruned(services: Services) -> None:
    await apply(services, '[[routers]]\nname = "r"\n')
    await services.keys.create("somebody", KeySpec(name="theirs", router="r"))
    with pytest.raises(BadRequest, match='router "r" cannot be pruned: the keys theirs use it'):
        await apply(services, PEOPLE, prune=True)
    assert "r" in services.state.current.routers
    assert await services.people.list() == []


async def test_a_router_that_another_falls_back_on_is_not_pruned(services: Services) -> None:
    await apply(services, '[[routers]]\nname = "r"\n')
    await published(services, {"name": "theirs", "rules": [{"on_failure": "router:r"}]}, "somebody")
    with pytest.raises(BadRequest, match='router "theirs" names "r", which does not exist'):
        await apply(services, PEOPLE, prune=True)


async def test_what_returns_to_the_file_works_again(services: Services) -> None:
    await apply(services, EVERYTHING)
    await apply(services, PEOPLE, prune=True)
    report = await apply(services, EVERYTHING)
    assert {str(change) for change in report.changes} == {
        'change key "ci": enabled',
        'change router "default": enabled',
        'change router "spare": enabled',
        'change provider "openai-main": enabled',
        'change person "ada@example.org": name',
    }
