"""Logs and home, after something happened."""

from nicegui.testing.user import User

from app.security.permissions import Role
from app.services.container import Services
from app.services.views import LogFilter, Person, RequestRow
from tests.pages.conftest import OWNER, PASSWORD, LogIn, press


async def _request(services: Services, person: Person, model: str = "demo/echo") -> RequestRow:
    made = await services.chats.create(person, model)
    turn = await services.chats.ask(person, made.id, "Say something", model)
    async for _ in turn.updates():
        pass
    return (await services.ledger.requests(LogFilter(user=person.email))).items[0]


async def test_an_empty_log_says_what_will_stand_there(owner: User) -> None:
    await owner.open("/logs")
    await owner.should_see("No requests in the last 24 hours")


async def test_a_request_is_listed_and_opens_with_its_decision(owner: User, services: Services) -> None:
    row = await _request(services, services.people.get(OWNER))
    await owner.open("/logs")
    await owner.should_see("demo/echo")
    await press(owner, "open", row.id)
    await owner.should_see("Attempts")
    await owner.should_see("Candidate")
    await owner.should_see("answered")


async def test_a_link_opens_one_request(owner: User, services: Services) -> None:
    row = await _request(services, services.people.get(OWNER), "demo/failing")
    await owner.open(f"/logs?id={row.id}")
    await owner.should_see("Attempts", retries=40)
    await owner.should_see("503")


async def test_filters_that_match_nothing_can_be_cleared(owner: User, services: Services) -> None:
    await _request(services, services.people.get(OWNER))
    await owner.open("/logs?status=failed")
    await owner.should_see("No request matches")
    await press(owner, "clear")
    await owner.should_see("demo/echo")


async def test_a_request_that_is_not_there_says_so(owner: User) -> None:
    await owner.open("/logs?id=req_nothing")
    await owner.should_see("req_nothing", retries=40)
    await owner.should_not_see("Attempts")


async def test_a_member_sees_no_requests_of_others(services: Services, log_in: LogIn) -> None:
    owner = services.people.get(OWNER)
    row = await _request(services, owner)
    await services.people.add(owner, "ben@example.org", "Ben", Role.MEMBER, PASSWORD)
    user = await log_in("ben@example.org")
    await user.open("/logs")
    await user.should_see("No requests in the last 24 hours")
    await user.open(f"/logs?id={row.id}")
    await user.should_not_see("Attempts")


async def test_home_leads_a_new_owner_and_counts_what_happens(owner: User, services: Services) -> None:
    await owner.open("/")
    await owner.should_see("1 of 5 done")
    await owner.should_see("Make a gateway key")
    await _request(services, services.people.get(OWNER))
    await owner.open("/")
    await owner.should_see("2 of 5 done")
    await owner.should_see("Requests today")


async def test_a_member_finds_their_own_numbers_at_home(services: Services, log_in: LogIn) -> None:
    owner = services.people.get(OWNER)
    await _request(services, owner)
    await services.people.add(owner, "ben@example.org", "Ben", Role.MEMBER, PASSWORD)
    user = await log_in("ben@example.org")
    await user.open("/")
    await user.should_see("Your requests today")
    await user.should_not_see("Spend by provider")
    await user.should_not_see("Next steps")
