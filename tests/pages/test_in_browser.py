"""The way through in a real browser, and what models may not do to it. Skipped without Chromium, never in CI."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from playwright.async_api import Browser, Page, async_playwright

import pages
from app.core.discover import instances
from app.main import Application
from app.services.container import Services
from components.page import PageSpec
from tests.pages.conftest import OWNER, PASSWORD, eventually

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PAGES = instances(pages, PageSpec)

pytestmark = pytest.mark.skipif(
    CHROMIUM is None and os.environ.get("CI") != "true", reason="no Chromium on this machine"
)

HOSTILE = """<script>window.hacked = 1</script><img src=x onerror="window.hacked = 2"> <form action="/auth/logout">
<style>body { display: none }</style>

![a picture](http://pictures.invalid/x.png) and [a trap](javascript:window.hacked=3) and [a link](https://example.org)

$\\href{javascript:window.hacked=4}{x}$

| left | right |
|:--|--:|
| 1 | 2 |

```python
print("hello")
```

```mermaid
flowchart LR
  A["<img src=x onerror='window.hacked=5'>"] --> B
  click A "javascript:window.hacked=6"
```
"""


@pytest.fixture
async def address(application: Application) -> AsyncIterator[str]:
    """The application behind a real socket; its lifespan is the fixture's."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(application, lifespan="off", log_level="warning", ws="websockets-sansio")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await eventually(lambda: server.started)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    server.force_exit = True
    await serving
    listener.close()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        await started.close()


class Visit:
    """A logged-in tab that remembers what went wrong in it and whom it called."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.faults: list[str] = []
        self.strangers: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)
        page.on("request", lambda asked: self._note(asked.url))

    def _note(self, url: str) -> None:
        if not url.startswith((self.address, self.address.replace("http", "ws"), "data:", "blob:")):
            self.strangers.append(url)

    async def log_in(self) -> None:
        await self.page.goto(self.address)
        await self.page.fill("#email", OWNER)
        await self.page.fill("#password", PASSWORD)
        await self.page.press("#password", "Enter")
        await self.page.wait_for_selector("h1:has-text('Home')")


@pytest.fixture
async def visit(browser: Browser, address: str) -> Visit:
    page = await browser.new_page(viewport={"width": 1400, "height": 900}, reduced_motion="reduce")
    page.set_default_timeout(15_000)
    made = Visit(page, address)
    await made.log_in()
    return made


async def test_from_log_in_to_a_first_answer_and_its_line_in_the_log(visit: Visit) -> None:
    page = visit.page
    await page.keyboard.press("Control+k")
    await page.wait_for_selector(".a-palette input")
    await page.keyboard.type("new chat")
    await page.keyboard.press("Enter")
    await page.fill("textarea[aria-label=Message]", "Show me code")
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".a-meta:has-text('first token')")
    assert await page.locator(".a-caret").count() == 0
    assert "demo" in await page.inner_text(".a-meta")
    await page.locator("h1").click()
    await page.keyboard.press("g")
    await page.keyboard.press("l")
    await page.click("tbody tr")
    await page.wait_for_selector(".a-detail h2:has-text('Attempts')")
    assert page.url.startswith(f"{visit.address}/logs?id=req_")
    await page.keyboard.press("Escape")
    await page.wait_for_selector(".a-detail", state="hidden")
    assert visit.faults == []
    assert visit.strangers == []


async def test_a_reload_in_the_middle_of_an_answer_shows_it_once_and_to_its_end(visit: Visit) -> None:
    page = visit.page
    await page.goto(f"{visit.address}/chat?model=demo%2Fecho")
    words = " ".join(f"word{number}" for number in range(400))
    await page.fill("textarea[aria-label=Message]", words)
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".a-answer:has-text('word5')")
    await page.reload()
    await page.wait_for_selector(".a-meta:has-text('first token')")
    shown = await page.evaluate("document.querySelector('.a-answer').markdownText()")
    assert shown.count("word1 ") == 1
    assert shown.count("word399") == 1


async def test_what_a_model_writes_cannot_run_call_out_or_restyle_the_page(visit: Visit, services: Services) -> None:
    page, person = visit.page, services.people.get(OWNER)
    made = await services.chats.create(person, "demo/echo")
    turn = await services.chats.ask(person, made.id, HOSTILE, "demo/echo")
    async for _ in turn.updates():
        pass
    await page.goto(f"{visit.address}/chat/{made.id}")
    await page.wait_for_selector(".a-answer .a-code")
    await page.wait_for_selector(".a-answer .katex")
    await page.wait_for_selector(".a-answer .a-diagram, .a-answer code.language-mermaid")
    assert await page.evaluate("window.hacked") is None
    answer = page.locator(".a-answer")
    for forbidden in ("script", "img", "form", ":scope > * > style", "[onerror]", "a[href^=javascript]"):
        assert await answer.locator(forbidden).count() == 0, forbidden
    links = answer.locator("a[href^=http]")
    assert await links.count() == 2
    for place in range(2):
        assert await links.nth(place).get_attribute("rel") == "noopener noreferrer nofollow"
        assert await links.nth(place).get_attribute("target") == "_blank"
    assert await answer.locator("td.to-right").count() == 1
    assert await page.locator("h1").is_visible()
    assert visit.strangers == []


async def test_no_page_scrolls_sideways_on_a_phone(visit: Visit) -> None:
    page = visit.page
    await page.set_viewport_size({"width": 390, "height": 844})
    for spec in PAGES:
        await page.goto(f"{visit.address}{spec.path}")
        await page.wait_for_selector("h1")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390, spec.path
    await page.click("[aria-label=Menu]")
    await page.wait_for_selector(".a-nav a[href='/chat']", state="visible")
    await page.click(".a-nav a[href='/chat']")
    await page.wait_for_selector("h1:has-text('New chat')")


async def test_a_theme_is_kept_and_shown_at_once(visit: Visit, services: Services) -> None:
    page = visit.page
    await page.click(".a-person-button")
    await page.click(".a-menu-item[data-act=theme][data-value=dark]")
    await page.wait_for_selector("body.body--dark")
    await page.reload()
    await page.wait_for_selector("body.body--dark h1")
    assert services.people.get(OWNER).preferences["theme"] == "dark"
