"""Tiers one by one: who is in them, and that nobody loses their limits with a tier that goes."""

from __future__ import annotations

import pytest

from app.core.errors import BadRequest, Conflict, NotFound
from app.services.config_file.apply import apply
from app.services.config_file.export import export
from app.services.container import Services
from app.services.tier_editing import TierView
from app.services.views import KeySpec

SMALL = {"limits": {"rpm": 2}, "models": ["demo/*"], "min_score": 0.5}


def tier(services: Services, name: str) -> TierView:
    return next(view for view in services.tiers.list() if view.name == name)


async def test_a_new_tier_stands_beside_the_shipped_ones(services: Services) -> None:
    await services.tiers.add("test", "small", SMALL)
    assert services.tiers.names() == ["free", "pro", "small"]
    assert tier(services, "small") == TierView("small", {"rpm": 2}, ("demo/*",), 0.5)
    event = (await services.audit.events(1)).items[0]
    assert event.before is not None
    assert event.after is not None
    assert (event.subject, list(event.before["tiers"]), list(event.after["tiers"])) == (
        "tiers",
        ["free", "pro"],
        ["free", "pro", "small"],
    )


async def test_an_edit_replaces_the_fields_of_one_tier(services: Services) -> None:
    pro = tier(services, "pro")
    await services.tiers.update("test", "free", SMALL)
    assert tier(services, "free") == TierView("free", {"rpm": 2}, ("demo/*",), 0.5)
    assert tier(services, "pro") == pro
    with pytest.raises(NotFound):
        await services.tiers.update("test", "gone", SMALL)


@pytest.mark.parametrize(
    ("name", "fields", "field"),
    [
        ("a tier", {}, "tiers"),
        ("small", {"limits": {"rpm": 0}}, "limits.rpm"),
        ("small", {"min_score": 2}, "tiers.small.min_score"),
        ("small", {"price": 1}, "tiers.small"),
    ],
)
async def test_a_wrong_tier_is_refused_with_its_field(
    services: Services, name: str, fields: dict[str, object], field: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        await services.tiers.add("test", name, fields)
    assert refused.value.field == field
    assert services.tiers.names() == ["free", "pro"]


async def test_a_name_is_taken_once(services: Services) -> None:
    with pytest.raises(Conflict) as refused:
        await services.tiers.add("test", "free", SMALL)
    assert refused.value.field == "name"


async def test_keys_count_where_they_are_by_their_own_choice_or_their_persons(services: Services) -> None:
    await services.people.add("test", "ben@example.org", "", "member", None, "free")
    await services.keys.create("test", KeySpec(name="bens", owner="ben@example.org"))
    await services.keys.create("test", KeySpec(name="better", owner="ben@example.org", tier="pro"))
    await services.keys.create("test", KeySpec(name="plain"))
    free, pro = tier(services, "free"), tier(services, "pro")
    assert (free.keys, free.own_keys, free.people) == (("bens",), (), ("ben@example.org",))
    assert (pro.keys, pro.own_keys, pro.people) == (("better",), ("better",), ())


async def test_routers_whose_live_rules_ask_for_a_tier_are_named(services: Services) -> None:
    await services.routers.save_draft("test", "default", {"rules": [{"when": {"tiers": ["free"]}}, {}]})
    assert tier(services, "free").routers == ()
    await services.routers.publish("test", "default")
    assert tier(services, "free").routers == ("default",)


async def test_a_tier_in_use_stays(services: Services) -> None:
    await services.keys.create("test", KeySpec(name="ci", tier="free"))
    await services.people.add("test", "ben@example.org", "", "member", None, "free")
    with pytest.raises(Conflict, match='"free" still has the key ci and 1 more'):
        await services.tiers.remove("test", "free")
    with pytest.raises(Conflict):
        await services.runtime.set("test", {"tiers": {}})
    with pytest.raises(BadRequest, match="^line 2: settings.tiers: .*still has the key ci"):
        await apply(services, "[settings]\ntiers = {}\n")
    assert services.tiers.names() == ["free", "pro"]


async def test_a_file_may_move_a_key_and_drop_its_tier_at_once(services: Services) -> None:
    await services.keys.create("test", KeySpec(name="ci", tier="free"))
    await apply(services, '[settings]\ntiers = { big = {} }\n\n[[keys]]\nname = "ci"\ntier = "big"\n')
    assert services.tiers.names() == ["big"]
    assert tier(services, "big").own_keys == ("ci",)


async def test_a_revoked_key_keeps_no_tier_and_loses_its_own_with_it(services: Services) -> None:
    await services.keys.create("test", KeySpec(name="old", tier="free"))
    await services.keys.revoke("test", "old")
    await services.tiers.remove("test", "free")
    assert services.keys.find("old").tier is None
    assert not (await apply(services, await export(services))).changes
