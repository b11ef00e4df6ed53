"""Tiers, as an admin uses the page, and what a key's form says of them."""

from __future__ import annotations

from nicegui.testing.user import User

from app.security.permissions import Role
from app.services.container import Services
from app.services.tier_editing import TierView
from app.services.views import KeySpec, Person
from tests.pages.conftest import OWNER, PASSWORD, LogIn, eventually, press


def _me(services: Services) -> Person:
    return services.people.get(OWNER)


def _tier(services: Services, name: str) -> TierView:
    return next(tier for tier in services.tiers.list() if tier.name == name)


async def test_the_shipped_tiers_are_there_with_their_limits(owner: User) -> None:
    await owner.open("/tiers")
    await owner.should_see("20 rpm, 500 rpd, 50k tpm, 2 at once")
    await owner.should_see("nobody is in one")


async def test_a_new_tier_is_made_with_limits_models_and_a_minimum_score(owner: User, services: Services) -> None:
    await owner.open("/tiers?new=1")
    await owner.should_see("New tier")
    owner.find(marker="name").type("partners")
    owner.find(marker="requests-a-minute").type("120")
    owner.find(marker="models").type("demo/*, gpt-4o*")
    owner.find(marker="minimum-score").type("0.6")
    owner.find(marker="save").click()
    await eventually(lambda: "partners" in services.tiers.names())
    assert _tier(services, "partners") == TierView("partners", {"rpm": 120}, ("demo/*", "gpt-4o*"), 0.6)
    await owner.should_see("120 rpm", retries=40)


async def test_a_name_that_is_taken_is_said_below_its_field(owner: User, services: Services) -> None:
    await owner.open("/tiers?new=1")
    owner.find(marker="name").type("free")
    owner.find(marker="save").click()
    await owner.should_see('There already is a tier "free".', retries=40)
    assert services.tiers.names() == ["free", "pro"]


async def test_an_edit_keeps_the_name_and_changes_the_limits(owner: User, services: Services) -> None:
    await owner.open("/tiers")
    await press(owner, "edit", "free")
    await owner.should_see("Edit free")
    owner.find(marker="requests-a-minute").clear().type("30")
    owner.find(marker="save").click()
    await owner.should_see("30 rpm, 500 rpd, 50k tpm, 2 at once", retries=40)
    assert services.tiers.names() == ["free", "pro"]


async def test_a_copy_begins_with_the_fields_and_without_the_name(owner: User, services: Services) -> None:
    await owner.open("/tiers")
    await press(owner, "duplicate", "pro")
    await owner.should_see("Copy of pro")
    owner.find(marker="name").type("max")
    owner.find(marker="save").click()
    await eventually(lambda: "max" in services.tiers.names())
    assert _tier(services, "max").limits == _tier(services, "pro").limits


async def test_people_are_put_in_and_taken_out(owner: User, services: Services) -> None:
    for name in ("ben", "eva"):
        await services.people.add(_me(services), f"{name}@example.org", name, Role.MEMBER, PASSWORD, "free")
    await owner.open("/tiers")
    await press(owner, "edit", "free")
    await owner.should_see(marker="people")
    (people,) = owner.find(marker="people").elements
    people.set_value([OWNER, "eva@example.org"])
    owner.find(marker="save").click()
    await eventually(lambda: _tier(services, "free").people == (OWNER, "eva@example.org"))


async def test_an_admin_is_offered_only_those_whom_they_manage(services: Services, log_in: LogIn) -> None:
    await services.people.add(_me(services), "eva@example.org", "Eva", Role.ADMIN, PASSWORD)
    await services.people.add(_me(services), "ben@example.org", "Ben", Role.MEMBER, PASSWORD, "pro")
    user = await log_in("eva@example.org")
    await user.open("/tiers")
    await press(user, "edit", "free")
    await user.should_see(marker="people")
    (people,) = user.find(marker="people").elements
    assert people.options == {
        "ben@example.org": "ben@example.org (now pro)",
        "eva@example.org": "eva@example.org",
    }


async def test_deleting_asks_once_and_says_what_asks_for_the_tier(owner: User, services: Services) -> None:
    await services.routers.save_draft(_me(services), "default", {"rules": [{"when": {"tiers": ["free"]}}, {}]})
    await services.routers.publish(_me(services), "default")
    await owner.open("/tiers")
    await press(owner, "delete", "free")
    await owner.should_see("Delete the tier free?")
    await owner.should_see("Rules of default that ask for it")
    owner.find(marker="confirm").click()
    await owner.should_see("free deleted", retries=40)
    assert services.tiers.names() == ["pro"]


async def test_a_tier_in_use_is_not_deleted(owner: User, services: Services) -> None:
    await services.keys.create(_me(services), KeySpec(name="ci", tier="free"))
    await owner.open("/tiers")
    await press(owner, "delete", "free")
    await owner.should_see('The tier "free" still has the key ci', retries=40)
    assert services.tiers.names() == ["free", "pro"]


async def test_without_tiers_the_page_says_what_one_is_for(owner: User, services: Services) -> None:
    await services.runtime.set(_me(services), {"tiers": {}})
    await owner.open("/tiers")
    await owner.should_see("No tiers")
    await press(owner, "new")
    await owner.should_see("Create tier")


async def test_a_key_is_put_into_a_tier_and_says_what_is_in_force(owner: User, services: Services) -> None:
    await services.keys.create(_me(services), KeySpec(name="ci", limits={"rpm": 100}))
    (key,) = await services.keys.list(_me(services), all=True)
    await owner.open("/keys")
    await press(owner, "edit", key.id)
    await owner.should_see(marker="tier")
    (tier,) = owner.find(marker="tier").elements
    tier.set_value("free")
    await owner.should_see("In force: 20 of 100 rpm, 500 rpd, 50k tpm, 2 at once, by tier free.")
    owner.find(marker="save").click()
    await eventually(lambda: services.keys.find("ci").tier == "free")
    await owner.should_see("20 of 100 rpm", retries=40)


async def test_editing_a_key_leaves_it_in_its_tier(owner: User, services: Services) -> None:
    key, _ = await services.keys.create(_me(services), KeySpec(name="ci", tier="pro"))
    await owner.open("/keys")
    await press(owner, "edit", key.id)
    await owner.should_see(marker="name")
    owner.find(marker="name").clear().type("nightly")
    owner.find(marker="save").click()
    await eventually(lambda: "nightly" in {each.name for each in services.state.current.keys.values()})
    assert services.keys.find("nightly").tier == "pro"


async def test_a_key_as_its_owner_takes_the_owners_tier_in_the_form(owner: User, services: Services) -> None:
    await services.people.add(_me(services), "ben@example.org", "Ben", Role.MEMBER, PASSWORD, "pro")
    key, _ = await services.keys.create(_me(services), KeySpec(name="bens", owner="ben@example.org"))
    await owner.open("/keys")
    await press(owner, "edit", key.id)
    await owner.should_see("In force: 300 rpm, 2M tpm, 20 at once, by tier pro.")
