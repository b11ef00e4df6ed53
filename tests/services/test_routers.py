"""Routers: a draft is nobody's business until it is published; every version can be had again."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.errors import BadRequest, Conflict, NotFound
from app.services.container import Services
from app.services.views import KeySpec, Person
from tests.published import published

PICTURES = {"name": "pictures", "when": {"capabilities": ["vision"]}}
SPARE = {"name": "spare", "rules": [{"name": "all"}]}


def names(document: dict[str, Any]) -> list[str]:
    return [rule.get("name", "") for rule in document["rules"]]


async def events(services: Services, subject: str) -> list[str]:
    """What the audit log says of it, the oldest first."""
    found = (await services.audit.events()).items
    return [event.action for event in reversed(found) if event.subject == subject]


async def test_the_built_in_router_is_there_before_anybody_made_one(services: Services, owner: Person) -> None:
    (view,) = await services.routers.list()
    assert (view.name, view.version, names(view.document)) == ("default", 0, ["every model"])
    with pytest.raises(Conflict, match="built-in router cannot be deleted"):
        await services.routers.delete(owner, "default")


async def test_a_new_router_is_a_draft_and_cannot_be_used(services: Services, owner: Person) -> None:
    view = await services.routers.create(owner, SPARE)
    assert (view.name, view.version, view.has_draft, names(view.document)) == ("spare", 0, True, ["all"])
    assert services.routers.names() == ["default"]
    assert services.state.current.unpublished == {"spare"}
    with pytest.raises(BadRequest, match='"spare" is switched off or not published'):
        await services.keys.create(owner, KeySpec(name="ci", router="spare"))
    draft = await services.routers.draft("spare")
    assert (draft.exists, draft.base, draft.by) == (True, 0, owner.email)
    live = await services.routers.publish(owner, "spare", note="first")
    assert (live.version, live.has_draft, live.published_by) == (1, False, owner.email)
    assert services.routers.names() == ["default", "spare"]
    assert services.state.current.unpublished == frozenset()


async def test_a_draft_changes_nothing_until_it_is_published(services: Services, owner: Person) -> None:
    await published(services, SPARE)
    draft = await services.routers.save_draft(owner, "spare", {**SPARE, "max_attempts": 2})
    assert (draft.exists, draft.base, draft.document["max_attempts"]) == (True, 1, 2)
    assert [change.field for change in draft.changes] == ["max_attempts"]
    view = await services.routers.get("spare")
    assert (view.version, view.has_draft, view.document.get("max_attempts")) == (1, True, None)
    assert services.state.current.routers["spare"].document.max_attempts == 4
    live = await services.routers.publish(owner, "spare", note="fewer tries")
    assert (live.version, live.id, live.published_by) == (2, view.id, owner.email)
    compiled = services.state.current.routers["spare"]
    assert (compiled.version, compiled.document.max_attempts) == (2, 2)
    versions = await services.routers.versions("spare")
    assert [(each.version, each.note, each.live) for each in versions] == [(2, "fewer tries", True), (1, "", False)]


async def test_a_discarded_draft_is_gone_and_the_live_version_stays(services: Services, owner: Person) -> None:
    await published(services, SPARE)
    await services.routers.save_draft(owner, "spare", {**SPARE, "max_attempts": 2})
    await services.routers.discard(owner, "spare")
    draft = await services.routers.draft("spare")
    assert (draft.exists, draft.changes, draft.document.get("max_attempts")) == (False, (), None)
    with pytest.raises(Conflict, match="nothing to publish"):
        await services.routers.publish(owner, "spare")


async def test_a_draft_that_says_what_is_live_is_none(services: Services, owner: Person) -> None:
    live = await published(services, SPARE)
    await services.routers.save_draft(owner, "spare", {**SPARE, "max_attempts": 2})
    assert not (await services.routers.save_draft(owner, "spare", live.document)).exists


async def test_the_only_draft_of_a_router_is_not_discarded(services: Services, owner: Person) -> None:
    await services.routers.create(owner, SPARE)
    with pytest.raises(Conflict, match="never published; delete it instead"):
        await services.routers.discard(owner, "spare")
    await services.routers.delete(owner, "spare")
    assert services.state.current.unpublished == frozenset()


async def test_a_draft_of_the_built_in_router_leaves_it_in_force(services: Services, owner: Person) -> None:
    rule = await services.routers.add_rule(owner, "default", PICTURES)
    (view,) = await services.routers.list()
    assert (view.version, view.has_draft, names(view.document)) == (0, True, ["every model"])
    assert services.state.current.unpublished == frozenset()
    assert (await services.routers.publish(owner, "default")).version == 1
    assert services.state.current.routers["default"].document.rules[0].id == rule["id"]


async def test_whoever_published_meanwhile_is_told_of(services: Services, owner: Person) -> None:
    first = await published(services, SPARE)
    await services.routers.save_draft(owner, "spare", {**SPARE, "max_attempts": 2})
    await services.routers.publish(owner, "spare")
    await services.routers.save_draft(owner, "spare", {**SPARE, "max_attempts": 3})
    await services.routers.rollback("grace@example.org", "spare", first.version)
    draft = await services.routers.draft("spare")
    (problem,) = [each for each in draft.problems if "published" in each.message]
    assert "Version 3 was published by grace@example.org" in problem.message
    assert "begun from version 2" in problem.message
    assert (await services.routers.publish(owner, "spare")).version == 4


async def test_rolling_back_makes_a_new_version_of_the_old_document(services: Services, owner: Person) -> None:
    old = await published(services, SPARE)
    await published(services, {**SPARE, "max_attempts": 2})
    view = await services.routers.rollback(owner, "spare", 1)
    assert (view.version, view.document) == (3, old.document)
    assert services.state.current.routers["spare"].version == 3
    assert [each.version for each in await services.routers.versions("spare")] == [3, 2, 1]
    with pytest.raises(Conflict, match="live already"):
        await services.routers.rollback(owner, "spare", 3)
    with pytest.raises(NotFound, match="no version 9"):
        await services.routers.rollback(owner, "spare", 9)
    with pytest.raises(NotFound, match="no version 1"):
        await services.routers.rollback(owner, "default", 1)


async def test_whoever_holds_a_snapshot_keeps_the_old_version(services: Services, owner: Person) -> None:
    await published(services, SPARE)
    held = services.state.current
    await published(services, {**SPARE, "max_attempts": 2})
    assert held.routers["spare"].version == 1


async def test_a_new_router_does_not_replace_one(services: Services, owner: Person) -> None:
    await services.routers.create(owner, SPARE)
    with pytest.raises(Conflict, match='already is a router "spare"'):
        await services.routers.create(owner, SPARE)


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
        await services.routers.create(owner, document)
    assert refused.value.field == field
    assert [view.name for view in await services.routers.list()] == ["default"]
    if document["name"] == "r":
        await published(services, {"name": "r", "rules": [{"name": "kept"}]})
        with pytest.raises(BadRequest):
            await services.routers.save_draft(owner, "r", document)
        assert not (await services.routers.draft("r")).exists


async def test_a_draft_with_errors_is_kept_but_not_published(services: Services, owner: Person) -> None:
    targets = [{"provider": "gone", "model": "m"}]
    await services.routers.create(owner, {"name": "r", "rules": [{"name": "one", "targets": targets}]})
    draft = await services.routers.draft("r")
    assert ("error", "Rule one: there is no provider gone.") in [(p.level, p.message) for p in draft.problems]
    with pytest.raises(Conflict, match="cannot be published. Rule one: there is no provider gone"):
        await services.routers.publish(owner, "r")


async def test_two_drafts_that_lead_to_each_other_are_not_both_published(services: Services, owner: Person) -> None:
    await services.routers.create(owner, {"name": "a", "rules": [{"name": "one"}]})
    await services.routers.create(owner, {"name": "b", "rules": [{"name": "one", "on_failure": "router:a"}]})
    await services.routers.save_draft(owner, "a", {"rules": [{"name": "one", "on_failure": "router:b"}]})
    with pytest.raises(Conflict, match="router b, which is not published"):
        await services.routers.publish(owner, "a")
    await services.routers.save_draft(owner, "a", {"rules": [{"name": "one"}]})
    await services.routers.publish(owner, "a")
    await services.routers.publish(owner, "b")
    with pytest.raises(BadRequest, match="come back to itself"):
        await services.routers.save_draft(owner, "a", {"rules": [{"name": "one", "on_failure": "router:b"}]})


async def test_rules_are_put_before_the_one_that_takes_everything(services: Services, owner: Person) -> None:
    rule = await services.routers.add_rule(owner, "default", PICTURES)
    await services.routers.add_rule(owner, "default", {"name": "rest"})
    draft = await services.routers.draft("default")
    assert names(draft.document) == ["pictures", "every model", "rest"]
    assert rule["id"].startswith("rule_")


async def test_a_rule_is_changed_and_deleted_by_its_id(services: Services, owner: Person) -> None:
    rule = await services.routers.add_rule(owner, "default", PICTURES)
    changed = await services.routers.change_rule(owner, "default", rule["id"], {**PICTURES, "name": "images"})
    assert (changed["id"], changed["name"]) == (rule["id"], "images")
    await services.routers.delete_rule(owner, "default", rule["id"])
    assert names((await services.routers.draft("default")).document) == ["every model"]
    for work in (
        services.routers.delete_rule(owner, "default", rule["id"]),
        services.routers.change_rule(owner, "default", rule["id"], PICTURES),
        services.routers.add_rule(owner, "nowhere", PICTURES),
    ):
        with pytest.raises(NotFound):
            await work


async def test_two_rules_never_share_an_id(services: Services, owner: Person) -> None:
    view = await services.routers.create(owner, {"name": "r", "rules": [{"id": "one"}, {"id": "one"}, {}]})
    ids = [rule["id"] for rule in view.document["rules"]]
    assert ids[0] == "one"
    assert len(set(ids)) == 3


async def test_a_rule_without_an_id_keeps_the_one_of_its_name(services: Services, owner: Person) -> None:
    before = await published(services, {"name": "r", "rules": [{"name": "one"}, {"name": "two"}]})
    draft = await services.routers.save_draft(owner, "r", {"rules": [{"name": "two"}, {"name": "one"}]})
    ids = {rule["name"]: rule["id"] for rule in before.document["rules"]}
    assert {rule["name"]: rule["id"] for rule in draft.document["rules"]} == ids
    assert [change.kind for change in draft.changes] == ["moved"]


async def test_a_router_is_not_deleted_while_a_key_uses_it(services: Services, owner: Person) -> None:
    await published(services, SPARE)
    await services.keys.create(owner, KeySpec(name="ci", router="spare"))
    with pytest.raises(Conflict, match='"spare" is used by the keys ci'):
        await services.routers.delete(owner, "spare")
    await services.keys.update(owner, "ci", KeySpec(name="ci"))
    await services.routers.delete(owner, "spare")
    assert services.routers.names() == ["default"]


async def test_a_router_is_not_deleted_while_another_goes_on_there(services: Services, owner: Person) -> None:
    await published(services, SPARE)
    await published(services, {"name": "main", "rules": [{"on_failure": "router:spare"}]})
    with pytest.raises(Conflict, match="where rules of main go on"):
        await services.routers.delete(owner, "spare")
    await services.routers.delete(owner, "main")
    await services.routers.delete(owner, "spare")


async def test_without_its_own_default_the_built_in_one_is_back(services: Services, owner: Person) -> None:
    await published(services, {"name": "default", "max_attempts": 1, "rules": [{"name": "all"}]})
    await services.routers.delete(owner, "default")
    assert services.state.current.routers["default"].document.max_attempts == 4


async def test_every_step_is_in_the_audit_log_and_edits_in_a_row_are_one(services: Services, owner: Person) -> None:
    await services.routers.create(owner, SPARE)
    await services.routers.publish(owner, "spare")
    for attempts in (1, 2, 3):
        await services.routers.save_draft(owner, "spare", {**SPARE, "max_attempts": attempts})
    await services.routers.publish(owner, "spare", percent=5)
    await services.routers.stop_canary(owner, "spare")
    await services.routers.rollback(owner, "spare", 2)
    await services.routers.save_draft(owner, "spare", SPARE)
    await services.routers.discard(owner, "spare")
    await services.routers.delete(owner, "spare")
    assert await events(services, "spare") == [
        *("create router", "publish router", "edit draft", "start canary", "stop canary", "roll back router"),
        *("edit draft", "discard draft", "delete router"),
    ]
    found = {event.action: event for event in (await services.audit.events()).items if event.subject == "spare"}
    assert found["roll back router"].before is not None
    edit = [event for event in (await services.audit.events()).items if event.action == "edit draft"][-1]
    assert edit.before is not None
    assert edit.after is not None
    assert (edit.before.get("max_attempts"), edit.after["max_attempts"]) == (None, 3)
