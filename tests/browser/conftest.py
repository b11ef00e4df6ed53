"""A Chromium for a module's tests; where there is none the tests are skipped, never in CI."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.fault.server import Server, server

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Not for the session: while it runs, it holds this thread's event loop."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is missing; install the Debian package chromium.")
        pytest.skip("There is no Chromium on this machine.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Server]:
    """A fresh installation without an owner."""
    with server(tmp_path / "data", ANYGPT_ADMIN_EMAIL="", ANYGPT_ADMIN_PASSWORD="") as started:
        started.start()
        yield started


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """One tab; a script error, or anything asked of another host, fails the test."""
    context = chromium.new_context(viewport={"width": 1400, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(15_000)
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    opened.on("request", lambda request: None if _ours(request.url) else faults.append(f"asks {request.url}"))
    yield opened
    context.close()
    assert faults == []


def _ours(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "data:", "blob:"))
