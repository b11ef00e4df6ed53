"""Models, Health, Jobs and Providers in a real browser, while something is wrong. Skipped without Chromium, never in CI.

What keeps people out is looked for with axe-core where it is installed, in CI always."""

from __future__ import annotations

import time

import pytest
from playwright.async_api import Page

from app.core.errors import Throttled, UpstreamDown
from app.services.container import Services
from app.services.views import ModelSpec, ProviderSpec
from tests.pages import test_in_browser
from tests.pages.conftest import OWNER
from tests.pages.test_accessibility import AXE, REQUIRED
from tests.pages.test_in_browser import Visit

address, browser, visit = test_in_browser.address, test_in_browser.browser, test_in_browser.visit
pytestmark = [test_in_browser.pytestmark, pytest.mark.timeout(180)]

NOWHERE = "http://127.0.0.1:9/v1"
# below the label of a Quasar button in a dialog axe-core takes the dialog's backdrop for the button's own colour
BARRIERS = """async (within) => (await axe.run({include: [within], exclude: [".q-dialog .q-btn"]})).violations
  .filter((found) => ["serious", "critical"].includes(found.impact))
  .flatMap((found) => found.nodes.slice(0, 3).map((node) => `${found.id}: ${node.html}`))"""
STILL = """!document.querySelector("[class*=-enter-active], [class*=-enter-from]")
    && document.getAnimations().every((each) => each.playState === "finished")"""


async def barriers(page: Page, within: str = "body") -> list[str]:
    """What axe-core finds that keeps people out, with the elements; once nothing moves any more."""
    if not (AXE.is_file() or REQUIRED):
        return []
    await page.wait_for_function(STILL)
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = await page.evaluate(BARRIERS, within)
    return found


async def trouble(services: Services) -> None:
    """Two providers: one with a cooling key, one that is down."""
    me, price = services.people.get(OWNER), {"input": "1", "output": "2"}
    for name, keys in (("lab", ["sk-0123456789", "sk-9876543210"]), ("down", ["sk-0123456789"])):
        models = [ModelSpec(f"{name}-model", price=price, capabilities=["chat", "tools"])]
        await services.providers.add(me, ProviderSpec(name, "openai-compatible", NOWHERE, keys, models=models))
    lab, down = services.providers.find("lab"), services.providers.find("down")
    throttled = Throttled("slow down", upstream_status=429, retry_after=60.0)
    services.health.failed(lab.models[0].deployment, lab.credentials[0].id, throttled)
    for _ in range(9):
        services.health.failed(down.models[0].deployment, "", UpstreamDown("Nothing listens on port 9."))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
async def test_nothing_keeps_people_out(visit: Visit, services: Services, scheme: str, width: int) -> None:
    await trouble(services)
    page = visit.page
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    await page.set_viewport_size({"width": width, "height": 900})
    for path in ("/models", "/status", "/jobs", "/providers"):
        await page.goto(f"{visit.address}{path}")
        await page.wait_for_selector(".a-body .a-card")
        assert await barriers(page) == [], path
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
    await page.click(".a-provider-foot [data-act=status] >> nth=0")
    await page.wait_for_selector(".a-status")
    assert await barriers(page, ".q-dialog") == [], "the status of a provider"
    assert visit.faults == []


async def test_a_model_is_found_compared_and_priced_by_keyboard(visit: Visit, services: Services) -> None:
    await trouble(services)
    page = visit.page
    await page.keyboard.press("g")
    await page.keyboard.press("m")
    await page.wait_for_selector("h1:has-text('Models')")
    await page.wait_for_selector(".a-model-table")
    await page.keyboard.press("/")
    await page.keyboard.type("lab-model")
    await page.wait_for_selector("[role=status]:has-text('1 of ')")
    await page.focus(".a-check")
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".a-check[aria-checked=true]")
    await page.click("[data-act=compare]")
    await page.wait_for_selector(".a-compare")
    assert await barriers(page, ".q-dialog") == []
    await page.get_by_label("Tokens in", exact=True).fill("1000000")
    await page.wait_for_selector(".a-compare td:has-text('$1.00')")
    await page.keyboard.press("Escape")
    await page.wait_for_selector(".q-dialog", state="detached")
    await page.focus("tbody tr")
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".a-model-facts")
    assert await barriers(page, ".q-dialog") == []
    await page.get_by_label("Input", exact=True).fill("0.5")
    await page.get_by_role("button", name="Save price").click()
    await page.wait_for_selector("td.a-num:has-text('$0.50')")
    price = services.prices.in_force("lab", "lab-model")
    assert price is not None
    assert price.input == 500_000_000
    assert visit.faults == []


async def test_thousands_of_models_are_searched_and_sorted_quickly(visit: Visit, services: Services) -> None:
    page = visit.page
    await page.goto(f"{visit.address}/models")
    await page.wait_for_selector(".a-model-table tbody tr")
    assert (await services.models.stats())["models"] > 2500
    started = time.monotonic()
    await page.click("[data-act=sort][data-value=input]")
    await page.wait_for_selector("th[aria-sort=ascending]:has-text('Input')")
    assert time.monotonic() - started < 3
    assert await page.locator(".a-model-table tbody tr").count() == 50
    await page.click("[data-act=turn][data-value=on]")
    await page.wait_for_selector("text=51 to 100 of")


async def test_a_problem_is_tried_from_the_health_page(visit: Visit, services: Services) -> None:
    await trouble(services)
    page = visit.page
    await page.goto(f"{visit.address}/status")
    await page.wait_for_selector(".a-nav a[href='/status'] .end:has-text('2')")
    await page.click("[data-act=try_deployment]")
    await page.wait_for_selector("text=accepts no connections")
    assert (await services.ledger.today()).failed == 1
    assert visit.faults == []
