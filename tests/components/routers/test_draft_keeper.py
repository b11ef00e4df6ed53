"""A draft that saves itself: what is edited is stored, nobody's edit is overwritten unseen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.core.settings import load_settings
from app.services.container import Services
from app.services.startup import open_services
from app.services.views import Person
from components.routers import document_edits as edits
from components.routers.draft_keeper import AT_ONCE, DraftKeeper
from tests.waiting import until

OWNER = "ada@example.org"


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    settings = load_settings(data_dir=tmp_path, admin_email=OWNER, admin_password="correct horse battery")
    async with open_services(settings, serving=False) as opened:
        yield opened


@pytest.fixture
def me(services: Services) -> Person:
    return services.people.get(OWNER)


async def keeper_of(services: Services, me: Person, told: list[str] | None = None) -> DraftKeeper:
    seen = told if told is not None else []
    keeper = DraftKeeper(services.routers, me, lambda: seen.append("told"), save_after=0, spawn=asyncio.create_task)
    await keeper.load("default")
    return keeper


async def stored_names(services: Services) -> list[str]:
    draft = await services.routers.draft("default")
    return [rule["name"] for rule in draft.document["rules"]]


def with_rule(keeper: DraftKeeper, name: str) -> edits.Document:
    return edits.add_rule(keeper.document, name)[0]


async def test_an_edit_is_shown_at_once_and_stored_by_itself(services: Services, me: Person) -> None:
    told: list[str] = []
    keeper = await keeper_of(services, me, told)
    assert not keeper.is_draft
    keeper.change(with_rule(keeper, "New"))
    assert (keeper.is_draft, keeper.saved, told) == (True, False, ["told"])
    assert [change.kind for change in keeper.changes] == ["added"]
    await until(lambda: keeper.saved)
    assert await stored_names(services) == ["New", "every model"]


async def test_undone_to_the_last_step_no_draft_is_left(services: Services, me: Person) -> None:
    keeper = await keeper_of(services, me)
    keeper.change(with_rule(keeper, "New"))
    await keeper.flush()
    assert (await services.routers.draft("default")).exists
    keeper.undo()
    await keeper.flush()
    assert not keeper.is_draft
    assert not (await services.routers.draft("default")).exists
    keeper.redo()
    await keeper.flush()
    assert await stored_names(services) == ["New", "every model"]


async def test_somebody_elses_edit_is_not_overwritten_but_told(services: Services, me: Person) -> None:
    ours, theirs = await keeper_of(services, me), await keeper_of(services, me)
    theirs.change(with_rule(theirs, "Theirs"))
    await theirs.flush()
    ours.change(with_rule(ours, "Ours"))
    await ours.flush()
    assert ours.other == OWNER
    assert await stored_names(services) == ["Theirs", "every model"]


async def test_theirs_can_be_loaded_or_ours_kept(services: Services, me: Person) -> None:
    ours, theirs = await keeper_of(services, me), await keeper_of(services, me)
    for keeper, name in ((theirs, "Theirs"), (ours, "Ours")):
        keeper.change(with_rule(keeper, name))
        await keeper.flush()
    await ours.keep_ours()
    assert ours.other is None
    assert await stored_names(services) == ["Ours", "every model"]
    await theirs.look()
    assert theirs.other == OWNER
    await theirs.reload()
    assert [rule["name"] for rule in theirs.document["rules"]] == ["Ours", "every model"]
    assert theirs.other is None


async def test_what_cannot_be_saved_says_why_and_is_tried_again_after_the_next_edit(
    services: Services, me: Person
) -> None:
    keeper = await keeper_of(services, me)
    before = keeper.document
    keeper.change({**before, "rules": [{"id": "rule_1", "name": "x", "on_failure": "router:nowhere"}]})
    await keeper.flush()
    assert keeper.failure is not None
    assert "nowhere" in keeper.failure
    keeper.change(edits.with_rule(keeper.document, "rule_1", on_failure="stop"))
    await keeper.flush()
    assert keeper.failure is None
    assert await stored_names(services) == ["x"]


async def test_a_router_that_was_never_published_is_a_draft_whatever_it_says(services: Services, me: Person) -> None:
    await services.routers.create(me, {"name": "team", "rules": [{"name": "all"}]})
    keeper = DraftKeeper(services.routers, me, lambda: None, save_after=0)
    await keeper.load("team")
    assert keeper.is_draft
    assert keeper.live == {"name": "team"}


async def test_of_many_rules_the_differences_follow_a_moment_later(services: Services, me: Person) -> None:
    rules = [{"name": f"rule {at}", "id": f"rule_{at}", "when": {"tags": [f"t{at}"]}} for at in range(AT_ONCE + 20)]
    await services.routers.create(me, {"name": "big", "rules": rules})
    await services.routers.publish(me, "big")
    keeper = DraftKeeper(services.routers, me, lambda: None, save_after=0, spawn=asyncio.create_task)
    await keeper.load("big")
    keeper.change(edits.delete_rule(keeper.document, "rule_3"))
    assert keeper.changes == ()
    await until(lambda: [change.kind for change in keeper.changes] == ["removed"])
    assert keeper.saved
