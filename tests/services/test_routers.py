"""Routers: every save is a version, live at once; what is used is not deleted."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import select

from app.core.errors import BadRequest, Conflict, NotFound
from app.db.tables.routers import RouterVersionRow
from app.services.container import Services
from app.services.views import KeySpec, Person

PICTURES = {"name": "pictures", "when": {"capabilities": ["vision"]}}


def names(document: dict[str, Any]) -> list[str]:
    return [rule.get("name", "") for rule in document["rules"]]


async def test_the_built_in_router_is_there_before_anybody_made_one(services: Services, owner: Person) -> None:
    (view,) = await services.routers.list()
    assert (view.name, view.version, names(view.document)) == ("default", 0, ["every model"])
    with pytest.raises(Conflict, match="built-in router cannot be deleted"):
        await services.routers.delete(owner, "default")


async def test_every_save_is_a_version_and_live_at_once(services: Services, owner: Person) -> None:
    first = await services.routers.save(owner, {"name": "spare", "rules": [PICTURES]})
    second = await services.routers.save(owner, {"name": "spare", "max_attempts": 2}, note_text="fewer tries")
    assert (first.version, second.version, second.id) == (1, 2, first.id)
    assert second.published_by == owner.email
    compiled = services.state.current.routers["spare"]
    assert (compiled.version, compiled.document.max_attempts) == (2, 2)
    rows = await services.db.read(lambda s: list(s.exec(select(RouterVersionRow).order_by("version"))))
    assert [(row.version, row.note, len(row.document.get("rules", []))) for row in rows] == [
        (1, "", 1),
        (2, "fewer tries", 0),
    ]


async def test_whoever_holds_a_snapshot_keeps_the_old_version(services: Services, owner: Person) -> None:
    await services.routers.save(owner, {"name": "spare"})
    held = services.state.current
    await services.routers.save(owner, {"name": "spare", "max_attempts": 2})
    assert held.routers["spare"].version == 1


async def test_a_new_router_does_not_replace_one(services: Services, owner: Person) -> None:
    await services.routers.save(owner, {"name": "spare"}, new=True)
    with pytest.raises(Conflict, match='already is a router "spare"'):
        await services.routers.save(owner, {"name": "spare"}, new=True)
    assert (await services.routers.get("spare")).version == 1


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"name": "a b"}, "name"),
        ({"name": "r", "strategy": "luck"}, "strategy"),
        ({"name": "r", "max_attempts": 0}, "max_attempts"),
        ({"name": "r", "rules": [{"when": {"hours": "8"}}]}, "rules[0].when.hours"),
        ({"name": "r", "rules": [{}, {"on_failure": "give up"}]}, "rules[1].on_failure"),
        ({"name": "r", "rules": [{"on_failure": "router:nowhere"}]}, "on_failure"),
        ({"name": "r", "rules": [{"on_failure": "router:r"}]}, "on_failure"),
        ({"name": "r", "colour": "red"}, "colour"),
    ],
)
async def test_a_wrong_document_is_refused_and_nothing_changes(
    services: Services, owner: Person, document: dict[str, Any], field: str | None
) -> None:
    with pytest.raises(BadRequest) as refused:
        await services.routers.save(owner, document)
    assert refused.value.field == field
    assert services.routers.names() == ["default"]


async def test_rules_are_put_before_the_one_that_takes_everything(services: Services, owner: Person) -> None:
    rule = await services.routers.add_rule(owner, "default", PICTURES)
    await services.routers.add_rule(owner, "default", {"name": "rest"})
    view = await services.routers.get("default")
    assert names(view.document) == ["pictures", "every model", "rest"]
    assert view.version == 2
    assert rule["id"].startswith("rule_")


async def test_a_rule_is_changed_and_deleted_by_its_id(services: Services, owner: Person) -> None:
    rule = await services.routers.add_rule(owner, "default", PICTURES)
    changed = await services.routers.change_rule(owner, "default", rule["id"], {**PICTURES, "name": "images"})
    assert (changed["id"], changed["name"]) == (rule["id"], "images")
    await services.routers.delete_rule(owner, "default", rule["id"])
    assert names((await services.routers.get("default")).document) == ["every model"]
    for work in (
        services.routers.delete_rule(owner, "default", rule["id"]),
        services.routers.change_rule(owner, "default", rule["id"], PICTURES),
        services.routers.add_rule(owner, "nowhere", PICTURES),
    ):
        with pytest.raises(NotFound):
            await work


async def test_two_rules_never_share_an_id(services: Services, owner: Person) -> None:
    view = await services.routers.save(owner, {"name": "r", "rules": [{"id": "one"}, {"id": "one"}, {}]})
    ids = [rule["id"] for rule in view.document["rules"]]
    assert ids[0] == "one"
    assert len(set(ids)) == 3


async def test_a_router_is_not_deleted_while_a_key_uses_it(services: Services, owner: Person) -> None:
    await services.routers.save(owner, {"name": "spare"})
    await services.keys.create(owner, KeySpec(name="ci", router="spare"))
    with pytest.raises(Conflict, match='"spare" is used by the keys ci'):
        await services.routers.delete(owner, "spare")
    await services.keys.update(owner, "ci", KeySpec(name="ci"))
    await services.routers.delete(owner, "spare")
    assert services.routers.names() == ["default"]


async def test_a_router_is_not_deleted_while_another_goes_on_there(services: Services, owner: Person) -> None:
    await services.routers.save(owner, {"name": "spare"})
    await services.routers.save(owner, {"name": "main", "rules": [{"on_failure": "router:spare"}]})
    with pytest.raises(Conflict, match="where rules of main go on"):
        await services.routers.delete(owner, "spare")
    await services.routers.delete(owner, "main")
    await services.routers.delete(owner, "spare")


async def test_without_its_own_default_the_built_in_one_is_back(services: Services, owner: Person) -> None:
    await services.routers.save(owner, {"name": "default", "max_attempts": 1})
    await services.routers.delete(owner, "default")
    assert services.state.current.routers["default"].document.max_attempts == 4
