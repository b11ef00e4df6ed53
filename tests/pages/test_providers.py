"""Providers, as an admin uses the page."""

from nicegui.testing.user import User

from app.core.errors import Throttled, UpstreamDown
from app.security.permissions import Role
from app.services.container import Services
from app.services.views import ModelSpec, Person, ProviderSpec
from tests.pages.conftest import OWNER, PASSWORD, LogIn, eventually, press

NOWHERE = "http://127.0.0.1:9/v1"  # nothing listens on the discard port


def _me(services: Services) -> Person:
    return services.people.get(OWNER)


async def _added(services: Services, name: str = "lab") -> str:
    spec = ProviderSpec(
        name=name,
        kind="openai-compatible",
        base_url=NOWHERE,
        api_keys=["sk-secret-1234"],
        models=[ModelSpec(id="small"), ModelSpec(id="large")],
    )
    return (await services.providers.add(_me(services), spec)).id


async def test_a_fresh_installation_shows_the_demo_and_how_to_go_on(owner: User) -> None:
    await owner.open("/providers")
    await owner.should_see("demo")
    await owner.should_see("No providers yet")


async def test_a_provider_is_added_with_its_form(owner: User, services: Services) -> None:
    await owner.open("/providers?add=1")
    await press(owner, "pick", "openai-compatible")
    await owner.should_see(marker="base-url")
    owner.find(marker="name").clear().type("lab")
    owner.find(marker="base-url").type(NOWHERE)
    owner.find("Test connection").click()
    await owner.should_see("127.0.0.1", retries=40)
    owner.find(marker="save").click()
    await eventually(lambda: any(provider.name == "lab" for provider in services.providers.list()))
    assert services.providers.get("lab").base_url == NOWHERE
    await owner.should_see("OpenAI-compatible · 127.0.0.1:9", retries=40)


async def test_a_name_that_is_taken_is_said_below_its_field(owner: User, services: Services) -> None:
    await _added(services, "lab")
    await owner.open("/providers?add=1")
    await press(owner, "pick", "openai-compatible")
    await owner.should_see(marker="base-url")
    owner.find(marker="name").clear().type("lab")
    owner.find(marker="base-url").type(NOWHERE)
    owner.find(marker="save").click()
    await owner.should_see('There already is a provider "lab".', retries=40)


async def test_editing_keeps_keys_and_listed_models(owner: User, services: Services) -> None:
    provider_id = await _added(services)
    await owner.open("/providers")
    await press(owner, "edit", provider_id)
    await owner.should_see(marker="name")
    owner.find(marker="name").clear().type("lab-2")
    owner.find(marker="save").click()
    await eventually(lambda: services.providers.get(provider_id).name == "lab-2")
    kept = services.providers.get(provider_id)
    assert [model.id for model in kept.models] == ["large", "small"]
    assert len(kept.key_hints) == 1
    await owner.should_not_see("sk-secret-1234")


async def test_a_provider_is_switched_off_and_on(owner: User, services: Services) -> None:
    provider_id = await _added(services)
    await owner.open("/providers")
    await press(owner, "toggle", provider_id)
    await owner.should_see("Off 1")
    assert not services.providers.get(provider_id).enabled


async def test_a_model_is_switched_off(owner: User, services: Services) -> None:
    provider_id = await _added(services)
    await owner.open("/providers")
    await press(owner, "models", provider_id)
    await owner.should_see("2 of 2 on")
    await press(owner, "toggle", "large")
    await owner.should_see("1 of 2 on")


async def test_a_deleted_provider_comes_back_with_undo(owner: User, services: Services) -> None:
    provider_id = await _added(services)
    await owner.open("/providers")
    await press(owner, "delete", provider_id)
    await owner.should_see("its 2 models can no longer be asked")
    assert [provider.name for provider in services.providers.list()] == ["demo"]
    owner.find("Undo").click()
    await owner.should_see("All 2")


async def test_a_search_that_finds_nothing_offers_the_way_back(owner: User) -> None:
    await owner.open("/providers")
    await press(owner, "search", "nothing like it")
    await owner.should_see("No provider matches")
    await press(owner, "clear")
    await owner.should_see("Demo")


async def test_a_member_reads_but_cannot_change(services: Services, log_in: LogIn) -> None:
    await services.people.add(_me(services), "ben@example.org", "Ben", Role.MEMBER, PASSWORD)
    user = await log_in("ben@example.org")
    await user.open("/providers?add=1")
    await user.should_see("demo")
    await user.should_not_see("Add provider")
    await user.should_not_see('role="switch"')


async def test_the_status_tells_each_keys_state_and_a_try_says_its_cost_first(owner: User, services: Services) -> None:
    price = {"input": "1", "output": "2"}
    spec = ProviderSpec(
        "lab", "openai-compatible", NOWHERE, ["sk-secret-1234", "sk-secret-5678"], models=[ModelSpec("m", price=price)]
    )
    provider_id = (await services.providers.add(_me(services), spec)).id
    provider = services.providers.find(provider_id)
    deployment, key = provider.models[0].deployment, provider.credentials[0]
    services.health.failed(deployment, key.id, Throttled("slow down", upstream_status=429, retry_after=30.0))
    await owner.open("/providers")
    await owner.should_see("1 of 2 keys")
    await press(owner, "status", provider_id)
    await owner.should_see("rate limit, ready in")
    await owner.should_see("at most $0.000064")
    await press(owner, "trial")
    await owner.should_see("127.0.0.1:9 accepts no connections", retries=40)
    assert (await services.ledger.today()).requests == 1


async def test_a_paused_model_says_why_and_when_it_is_tried_next(owner: User, services: Services) -> None:
    provider_id = await _added(services)
    deployment = services.providers.find(provider_id).models[0].deployment
    for _ in range(9):
        services.health.failed(deployment, "", UpstreamDown("Nothing listens on port 9."))
    await owner.open("/providers")
    await owner.should_see("Open")
    await press(owner, "status", provider_id)
    await owner.should_see("Models that are paused")
    await owner.should_see("tried next")
