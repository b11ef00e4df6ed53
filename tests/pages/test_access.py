"""Who sees which page."""

import httpx
import pytest
from nicegui import ElementFilter
from nicegui.testing.user import User

import pages
from app.core.discover import instances
from app.main import Application
from app.security.permissions import Role
from app.services.container import Services
from components.fragment import Fragment
from components.page import PageSpec
from tests.pages.conftest import OWNER, PASSWORD, LogIn

PAGES = instances(pages, PageSpec)


@pytest.mark.parametrize("spec", PAGES, ids=lambda spec: spec.path)
async def test_a_stranger_is_sent_to_the_log_in_page(application: Application, spec: PageSpec) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://test") as stranger:
        answer = await stranger.get(spec.path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login")


@pytest.mark.parametrize("role", [Role.ADMIN, Role.MEMBER, Role.VIEWER])
async def test_every_role_sees_its_pages_and_a_clear_word_on_the_others(
    services: Services, log_in: LogIn, role: Role
) -> None:
    owner = services.people.get(OWNER)
    await services.people.add(owner, "ben@example.org", "Ben", role, PASSWORD)
    user = await log_in("ben@example.org")
    for spec in PAGES:
        await user.open(spec.path)
        if spec.open_to(role):
            await user.should_not_see("is not open to your role")
        else:
            await user.should_see(f"{spec.title} is not open to your role")


async def test_a_role_that_was_taken_away_counts_on_the_next_page_without_a_reload(
    services: Services, log_in: LogIn
) -> None:
    owner = services.people.get(OWNER)
    person = await services.people.add(owner, "ben@example.org", "Ben", Role.MEMBER, PASSWORD)
    user = await log_in("ben@example.org")
    await user.open("/")
    await user.should_see("Ask something")
    await services.people.update(owner, person.id, role=Role.VIEWER)
    with user:
        user.navigate.to("/keys")
    await user.should_see("Keys is not open to your role")


async def test_an_address_where_nothing_lives_says_so(owner: User) -> None:
    await owner.open("/nothing/here")
    await owner.should_see("There is no such page")
    await owner.should_see("/nothing/here")


CHANGES = {
    "/providers": {"toggle", "edit", "models", "test", "refresh", "delete", "add"},
    "/models": {"confirm", "reject"},
    "/status": {"try_deployment", "try_key", "probe", "confirm", "reject", "run"},
}


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
async def test_a_browser_that_sends_what_its_page_does_not_offer_reaches_nothing(
    services: Services, log_in: LogIn, role: Role, path: str
) -> None:
    await services.people.add(services.people.get(OWNER), "ben@example.org", "Ben", role, PASSWORD)
    for email, known in ((OWNER, CHANGES[path]), ("ben@example.org", set())):
        user = await log_in(email)
        await user.open(path)
        with user:
            actions = {name for part in ElementFilter(kind=Fragment) for name in part.actions}
        assert actions & CHANGES[path] == known
