"""Health: all well, what is wrong with what may help, what took over; the menu counts problems."""

from __future__ import annotations

from nicegui.testing.user import User

from app.core.errors import Throttled, UpstreamDown
from app.security.permissions import Role
from app.services.container import Services
from app.services.views import ModelSpec, ProviderSpec
from tests.pages.conftest import OWNER, PASSWORD, LogIn, eventually, press

NOWHERE = "http://127.0.0.1:9/v1"
PRICE = {"input": "1", "output": "2"}


async def broken(services: Services) -> None:
    """A provider whose only model is down."""
    spec = ProviderSpec("lab", "openai-compatible", NOWHERE, ["sk-0123456789"], models=[ModelSpec("m", price=PRICE)])
    await services.providers.add(services.people.get(OWNER), spec)
    deployment = services.providers.find("lab").models[0].deployment
    for _ in range(9):
        services.health.failed(deployment, "", UpstreamDown("Nothing listens on port 9."))


async def test_where_nothing_is_wrong_it_says_so(owner: User) -> None:
    await owner.open("/status")
    await owner.should_see("All is well")
    await owner.should_see("No failure in the last 24 hours.")
    await owner.should_see("Every request was answered by the first that was asked.")


async def test_a_model_that_is_down_is_named_with_its_reason_and_what_a_try_costs(
    owner: User, services: Services
) -> None:
    await broken(services)
    await owner.open("/status")
    await owner.should_see("m at lab")
    await owner.should_see("Its breaker is open.")
    await owner.should_see("a small real call, at most $0.000064")
    await owner.should_see("1 problem")
    await owner.should_not_see("All is well")


async def test_a_try_that_fails_says_why_and_is_in_the_ledger(owner: User, services: Services) -> None:
    await broken(services)
    await owner.open("/status")
    await press(owner, "try_deployment", f"{services.providers.find('lab').id}\nm")
    await owner.should_see("127.0.0.1:9 accepts no connections", retries=40)
    assert (await services.ledger.today()).failed == 1


async def test_a_key_that_cools_is_a_problem_until_it_answers_again(owner: User, services: Services) -> None:
    spec = ProviderSpec(
        "lab", "openai-compatible", NOWHERE, ["sk-0123456789", "sk-9876543210"], models=[ModelSpec("m", price=PRICE)]
    )
    await services.providers.add(services.people.get(OWNER), spec)
    provider = services.providers.find("lab")
    deployment, credential = provider.models[0].deployment, provider.credentials[0]
    services.health.failed(deployment, credential.id, Throttled("slow down", upstream_status=429, retry_after=30.0))
    await owner.open("/status")
    await owner.should_see("1 of 2 keys go on.")
    services.health.succeeded(deployment, credential.id, None)
    services.live.note()
    await owner.should_see("All is well", retries=60)


async def test_a_probe_that_succeeds_ends_the_problem(owner: User, services: Services) -> None:
    demo = services.providers.find("demo")
    for model in demo.models:
        for _ in range(9):
            services.health.failed(model.deployment, "", UpstreamDown("It broke."))
    await owner.open("/status")
    await owner.should_see("4 problems")
    await press(owner, "try_deployment", f"{demo.id}\ndemo/chat")
    await eventually(lambda: len(services.health_view.problems()) == 3)


async def test_the_menu_counts_problems_while_they_come_and_go(owner: User, services: Services) -> None:
    await owner.open("/keys")
    await owner.should_not_see("1 problem")
    await broken(services)
    services.live.note()
    await owner.should_see("1 problem", retries=60)


async def test_a_viewer_reads_but_has_nothing_to_press(services: Services, log_in: LogIn) -> None:
    await broken(services)
    await services.people.add(services.people.get(OWNER), "vi@example.org", "Vi", Role.VIEWER, PASSWORD)
    user = await log_in("vi@example.org")
    await user.open("/status")
    await user.should_see("m at lab")
    await user.should_not_see("Try now")
    await user.should_not_see("Probe all")
