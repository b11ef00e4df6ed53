"""People: the first owner, ranks, and that an owner remains."""

from __future__ import annotations

import asyncio

import pytest

from app.core.errors import BadRequest, Conflict, NotAllowed, NotFound
from app.core.settings import Settings
from app.security.permissions import Role
from app.services.container import Services
from app.services.startup import open_services
from app.services.views import Person

PASSWORD = "correct horse"


async def person(services: Services, role: str, name: str = "") -> Person:
    return await services.people.add("test", f"{name or role}@example.org", name, role, None)


async def test_the_set_up_link_makes_the_owner_once(nobody: Settings) -> None:
    async with open_services(nobody, serving=True) as services:
        token = services.people.setup_token()
        assert token is not None
        assert services.people.setup_token_valid(token)
        assert not services.people.setup_token_valid("guess")
        with pytest.raises(NotAllowed):
            await services.people.create_owner("guess", "eve@example.org", "Eve", PASSWORD)
        owner = await services.people.create_owner(token, " Ada@Example.org ", "Ada", PASSWORD)
        assert (owner.role, owner.email) == (Role.OWNER, "ada@example.org")
        assert not services.people.setup_token_valid(token)
        with pytest.raises(NotAllowed, match="not valid any more"):
            await services.people.create_owner(token, "eve@example.org", "Eve", PASSWORD)


async def test_of_two_who_follow_the_link_at_once_one_becomes_owner(nobody: Settings) -> None:
    async with open_services(nobody, serving=True) as services:
        token = services.people.setup_token() or ""
        both = await asyncio.gather(
            *(services.people.create_owner(token, f"{name}@example.org", name, PASSWORD) for name in ("ada", "eve")),
            return_exceptions=True,
        )
        assert sorted(type(each).__name__ for each in both) == ["Conflict", "Person"]
        assert await services.people.count() == 1


async def test_a_weak_password_leaves_the_link_alive(nobody: Settings) -> None:
    async with open_services(nobody, serving=True) as services:
        token = services.people.setup_token() or ""
        with pytest.raises(BadRequest, match="8 to 1024 characters"):
            await services.people.create_owner(token, "ada@example.org", "", "short")
        assert services.people.setup_token_valid(token)


async def test_where_there_is_an_owner_there_is_no_link(services: Services) -> None:
    assert services.people.setup_token() is None
    assert not services.people.setup_token_valid("")


async def test_the_last_owner_stays(services: Services, owner: Person) -> None:
    for change in ({"role": "admin"}, {"disabled": True}):
        with pytest.raises(Conflict, match="last owner"):
            await services.people.update(owner, owner.id, **change)  # type: ignore[arg-type]
        with pytest.raises(Conflict, match="last owner"):
            await services.people.update("command line", owner.id, **change)  # type: ignore[arg-type]
    assert services.people.get(owner.id) == owner


async def test_an_owner_may_go_when_another_remains(services: Services, owner: Person) -> None:
    await person(services, "owner", "grace")
    left = await services.people.update(owner, owner.id, role="member")
    assert left.role is Role.MEMBER
    with pytest.raises(Conflict):
        await services.people.update("command line", "grace@example.org", disabled=True)


async def test_of_two_owners_who_go_at_once_one_remains(services: Services, owner: Person) -> None:
    grace = await person(services, "owner", "grace")
    both = await asyncio.gather(
        services.people.update(owner, owner.id, role="admin"),
        services.people.update(grace, grace.id, role="admin"),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in both) == ["Conflict", "Person"]


@pytest.mark.parametrize(
    ("actor", "subject", "allowed"),
    [
        ("admin", "member", True),
        ("admin", "viewer", True),
        ("admin", "admin", False),
        ("admin", "owner", False),
        ("member", "viewer", True),
        ("member", "member", False),
        ("viewer", "member", False),
        ("owner", "admin", True),
        ("owner", "owner", True),
    ],
)
async def test_people_manage_only_those_below_them(services: Services, actor: str, subject: str, allowed: bool) -> None:
    acting, other = await person(services, actor, "acting"), await person(services, subject, "other")
    if allowed:
        assert (await services.people.update(acting, other.id, disabled=True)).disabled
        await services.people.set_password(acting, other.id, PASSWORD)
        return
    with pytest.raises(NotAllowed, match=f"cannot manage a person with the role {subject}"):
        await services.people.update(acting, other.id, disabled=True)
    with pytest.raises(NotAllowed):
        await services.people.update(acting, other.id, name="New")
    with pytest.raises(NotAllowed):
        await services.people.set_password(acting, other.id, PASSWORD)


@pytest.mark.parametrize("role", ["admin", "owner"])
async def test_nobody_lifts_people_to_their_own_rank(services: Services, role: str) -> None:
    admin, member = await person(services, "admin"), await person(services, "member")
    with pytest.raises(NotAllowed):
        await services.people.add(admin, "new@example.org", "", role, None)
    with pytest.raises(NotAllowed):
        await services.people.update(admin, member.id, role=role)
    with pytest.raises(NotAllowed):
        await services.people.update(member, member.id, role=role)


async def test_everyone_may_change_their_own_name_and_password(services: Services) -> None:
    member = await services.people.add("test", "bob@example.org", "Bob", "member", PASSWORD)
    assert (await services.people.update(member, member.id, name=" Robert ")).name == "Robert"
    await services.people.set_password(member, member.id, "another horse")
    await services.sessions.log_in("bob@example.org", "another horse", address="1.2.3.4", user_agent="test")


async def test_an_address_is_taken_once_in_any_spelling(services: Services, owner: Person) -> None:
    with pytest.raises(Conflict, match="already is a person") as refused:
        await services.people.add(owner, "ADA@example.org", "", "member", None)
    assert refused.value.field == "email"
    assert services.people.get("ADA@example.org ") == owner


@pytest.mark.parametrize("email", ["", "ada", "ada@", "@example.org", "a b@example.org"])
async def test_what_is_no_address_is_refused(services: Services, owner: Person, email: str) -> None:
    with pytest.raises(BadRequest, match="is not an e-mail address") as refused:
        await services.people.add(owner, email, "", "member", None)
    assert refused.value.field == "email"


async def test_an_unknown_role_is_refused_with_those_there_are(services: Services, owner: Person) -> None:
    with pytest.raises(BadRequest, match="owner, admin, member, viewer") as refused:
        await services.people.add(owner, "bob@example.org", "", "boss", None)
    assert refused.value.field == "role"


async def test_preferences_are_kept_and_wrong_ones_refused(services: Services, owner: Person) -> None:
    await services.people.set_preferences(owner.id, theme="dark")
    person = await services.people.set_preferences(owner.id, density="compact", model="demo/echo")
    assert person.preferences == {"theme": "dark", "density": "compact", "model": "demo/echo"}
    with pytest.raises(BadRequest, match="auto, light, dark"):
        await services.people.set_preferences(owner.id, theme="pink")
    with pytest.raises(BadRequest, match="theme, density, accent, model"):
        await services.people.set_preferences(owner.id, font="serif")


async def test_somebody_unknown_is_not_found(services: Services) -> None:
    with pytest.raises(NotFound, match='There is no person "bob@example.org"'):
        services.people.get("bob@example.org")


@pytest.mark.parametrize(
    ("name", "email", "initials"),
    [("Ada Lovelace", "a@x", "AL"), ("Ada", "a@x", "AD"), ("", "ada@example.org", "AE"), ("", "", "?")],
)
def test_initials_come_from_the_name_else_the_address(name: str, email: str, initials: str) -> None:
    assert Person("p", email, name, Role.MEMBER).initials == initials
