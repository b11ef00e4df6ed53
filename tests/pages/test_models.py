"""Models: found by filters, sorted, compared, priced; what jumped is decided here."""

from __future__ import annotations

import csv
import io

from nicegui.testing.user import User

from app.core.price import Price
from app.security.permissions import Role
from app.services.container import Services
from app.services.price_history import HELD, list_change
from app.services.price_merge import PriceMove
from app.services.views import ModelSpec, ProviderSpec
from tests.pages.conftest import OWNER, PASSWORD, LogIn, eventually, press

USD = 1_000_000_000
NOWHERE = "http://127.0.0.1:9/v1"


async def added(services: Services) -> str:
    """A provider with a cheap, a dear and an unpriced model; returns the cheap one's id in the table."""
    models = [
        ModelSpec("cheap-one", price={"input": "1", "output": "2"}, capabilities=["chat", "tools"]),
        ModelSpec("dear-one", price={"input": "30", "output": "60"}, capabilities=["chat", "vision"]),
        ModelSpec("odd-one"),
    ]
    spec = ProviderSpec("lab", "openai-compatible", NOWHERE, ["sk-0123456789"], models=models)
    await services.providers.add(services.people.get(OWNER), spec)
    return services.state.current.resolve("cheap-one").deployments[0].id


async def test_served_models_come_first_and_unknown_prices_stand_out(owner: User, services: Services) -> None:
    await added(services)
    await owner.open("/models?provider=lab")
    await owner.should_see("cheap-one")
    await owner.should_see("$30.00")
    await owner.should_see("unknown")
    await owner.should_see("3 of ")


async def test_search_and_filters_narrow_and_can_be_cleared(owner: User, services: Services) -> None:
    await added(services)
    await owner.open("/models")
    await press(owner, "text", "lab one")
    await owner.should_see("dear-one")
    await press(owner, "price", "3")
    await owner.should_not_see("dear-one", retries=40)
    await press(owner, "can", "vision")
    await owner.should_see("No model matches")
    await press(owner, "clear")
    await owner.should_see("dear-one")


async def test_a_column_sorts_both_ways_and_unknown_stays_last(owner: User, services: Services) -> None:
    await added(services)
    await owner.open("/models?text=lab+one")
    await press(owner, "sort", "input")
    await owner.should_see('aria-sort="ascending"')
    await press(owner, "sort", "input")
    await owner.should_see('aria-sort="descending"')


async def test_models_are_compared_for_a_request_of_ones_own_size(owner: User, services: Services) -> None:
    cheap = await added(services)
    dear = services.state.current.resolve("dear-one").deployments[0].id
    await owner.open("/models?text=lab+one")
    await press(owner, "pick", cheap)
    await owner.should_see("Compare 1")
    await owner.should_see("10k in, 1k out")
    await owner.should_see("$0.0120")
    await press(owner, "pick", dear)
    await press(owner, "compare")
    await owner.should_see("least")
    await press(owner, "input", "1000000")
    await owner.should_see("$1.00")
    await press(owner, "input", "many")
    await owner.should_see("a whole number")


async def test_no_more_than_four_are_compared(owner: User, services: Services) -> None:
    await owner.open("/models")
    for name in ("chat", "echo", "slow", "failing"):
        await press(owner, "pick", services.state.current.resolve(f"demo/{name}").deployments[0].id)
    await owner.should_see("Compare 4")
    await press(owner, "pick", await added(services))
    await owner.should_see("Four models can be compared")
    await press(owner, "clear_picked")
    await owner.should_not_see("Compare 4", retries=40)


async def test_an_admins_price_is_saved_with_its_history_and_taken_back(owner: User, services: Services) -> None:
    spec = ProviderSpec("main", "openai", NOWHERE, ["sk-0123456789"])
    await services.providers.add(services.people.get(OWNER), spec, ask=False)
    deployment = services.state.current.resolve("main/gpt-4o").deployments[0]
    before = deployment.price
    await owner.open(f"/models?id={deployment.id}")
    await owner.should_see("from the catalogue")
    owner.find(marker="input").clear().type("1.5")
    owner.find(marker="save-price").click()
    await eventually(lambda: services.prices.in_force("main", "gpt-4o").input == USD * 3 // 2)  # type: ignore[union-attr]
    await press(owner, "open", deployment.id)
    await owner.should_see("your own price")
    await owner.should_see(OWNER)
    owner.find(marker="back-to-catalogue").click()
    await eventually(lambda: services.prices.in_force("main", "gpt-4o") == before)


async def test_a_price_that_is_none_is_said_below_its_field(owner: User, services: Services) -> None:
    await owner.open(f"/models?id={await added(services)}")
    await owner.should_see("your own price")
    owner.find(marker="output").clear().type("much")
    owner.find(marker="save-price").click()
    await owner.should_see("is not an amount", retries=40)


async def test_a_jump_is_shown_and_confirmed(owner: User, services: Services) -> None:
    spec = ProviderSpec("main", "openai", NOWHERE, ["sk-0123456789"])
    await services.providers.add(services.people.get(OWNER), spec, ask=False)
    move = PriceMove("openai", "gpt-4o", services.prices.in_force("main", "gpt-4o"), Price(input=90 * USD, output=USD))
    row = list_change(services.clock.now(), move, "models.dev", HELD)
    await services.db.write(lambda session: session.add(row))
    await services.prices.load()
    await owner.open("/models")
    await owner.should_see("Prices that jumped")
    await press(owner, "confirm", row.id)
    await owner.should_not_see("Prices that jumped", retries=40)
    assert services.prices.in_force("main", "gpt-4o") == move.after


async def test_columns_are_kept_for_the_person(owner: User, services: Services) -> None:
    await owner.open("/models")
    await owner.should_not_see("Released")
    owner.find("Columns").click()
    owner.find("Released").click()
    owner.find(marker="save-columns").click()
    await eventually(lambda: "released" in str(services.people.get(OWNER).preferences.get("model_columns")))
    await owner.open("/models")
    await owner.should_see("Released")


async def test_what_the_filters_leave_is_exported(owner: User, services: Services) -> None:
    await added(services)
    await owner.open("/models?text=lab+one")
    owner.find("Export CSV").click()
    answer = await owner.download.next()
    head, *lines = csv.reader(io.StringIO(answer.text))
    assert [line[head.index("model")] for line in lines] == ["cheap-one", "dear-one", "odd-one"]
    assert lines[0][head.index("input")] == "1.00"
    assert lines[2][head.index("input")] == ""


async def test_a_member_sees_models_but_no_way_to_change_a_price(services: Services, log_in: LogIn) -> None:
    cheap = await added(services)
    await services.people.add(services.people.get(OWNER), "ben@example.org", "Ben", Role.MEMBER, PASSWORD)
    user = await log_in("ben@example.org")
    await user.open(f"/models?id={cheap}")
    await user.should_see("Price per 1M tokens")
    await user.should_not_see("Save price")
