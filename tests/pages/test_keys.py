"""Gateway keys, as a person uses the page."""

from nicegui.testing.user import User

from app.security.permissions import Role
from app.services.container import Services
from app.services.views import KeySpec, Person
from tests.pages.conftest import OWNER, PASSWORD, LogIn, eventually, press


def _me(services: Services) -> Person:
    return services.people.get(OWNER)


async def test_a_new_key_shows_its_secret_once_with_a_line_to_paste(owner: User, services: Services) -> None:
    await owner.open("/keys?new=1")
    await owner.should_see("New key")
    owner.find(marker="name").type("my-app")
    owner.find(marker="budget").type("5")
    owner.find(marker="save").click()
    await owner.should_see("The secret of my-app", retries=40)
    await owner.should_see("gw_live_")
    await owner.should_see("curl http://test/v1/chat/completions")
    (key,) = await services.keys.list(_me(services), all=True)
    assert (key.name, key.budgets[0].usd_limit, key.budgets[0].window) == ("my-app", 5_000_000_000, "day")
    owner.find("I have stored it").click()
    await owner.open("/keys")
    await owner.should_see("my-app")
    await owner.should_not_see("curl http://test")


async def test_a_bad_amount_is_said_below_its_field(owner: User, services: Services) -> None:
    await owner.open("/keys?new=1")
    owner.find(marker="name").type("my-app")
    owner.find(marker="budget").type("much")
    owner.find(marker="save").click()
    await owner.should_see('"much" is not an amount', retries=40)
    assert await services.keys.list(_me(services), all=True) == []


async def test_revoking_asks_once_and_names_the_consequence(owner: User, services: Services) -> None:
    key, _ = await services.keys.create(_me(services), KeySpec(name="ci"))
    await owner.open("/keys")
    await press(owner, "revoke", key.id)
    await owner.should_see("Revoke the key ci?")
    await owner.should_see("It was never used.")
    owner.find(marker="confirm").click()
    await owner.should_see("ci revoked", retries=40)
    assert all(each.disabled for each in await services.keys.list(_me(services), all=True))


async def test_a_key_that_is_kept_stays(owner: User, services: Services) -> None:
    key, _ = await services.keys.create(_me(services), KeySpec(name="ci"))
    await owner.open("/keys")
    await press(owner, "revoke", key.id)
    await owner.should_see("Revoke the key ci?")
    owner.find("Keep").click()
    await owner.should_not_see("Revoke the key ci?")
    assert not (await services.keys.list(_me(services), all=True))[0].disabled


async def test_a_new_secret_replaces_the_old_one(owner: User, services: Services) -> None:
    key, secret = await services.keys.create(_me(services), KeySpec(name="ci"))
    await owner.open("/keys")
    await press(owner, "rotate", key.id)
    await owner.should_see("Give ci a new secret?")
    owner.find(marker="confirm").click()
    await owner.should_see("The secret of ci", retries=40)
    await owner.should_not_see(secret)


async def test_editing_changes_what_the_form_shows_and_keeps_the_rest(owner: User, services: Services) -> None:
    spec = KeySpec(name="ci", limits={"rpm": 5, "rpd": 99}, allowed_ips=["10.0.0.0/8"])
    key, _ = await services.keys.create(_me(services), spec)
    await owner.open("/keys")
    await press(owner, "edit", key.id)
    await owner.should_see(marker="name")
    owner.find(marker="name").clear().type("nightly")
    owner.find(marker="save").click()

    async def renamed() -> bool:
        return (await services.keys.list(_me(services), all=True))[0].name == "nightly"

    await eventually(renamed)
    (kept,) = await services.keys.list(_me(services), all=True)
    assert (kept.limits, kept.allowed_ips) == ({"rpm": 5, "rpd": 99}, ("10.0.0.0/8",))


async def test_a_member_sees_only_their_own_keys(services: Services, log_in: LogIn) -> None:
    await services.keys.create(_me(services), KeySpec(name="of-the-team"))
    await services.people.add(_me(services), "ben@example.org", "Ben", Role.MEMBER, PASSWORD)
    await services.keys.create(services.people.get("ben@example.org"), KeySpec(name="of-ben"))
    user = await log_in("ben@example.org")
    await user.open("/keys")
    await user.should_see("of-ben")
    await user.should_not_see("of-the-team")
