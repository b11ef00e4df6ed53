"""No page has a serious finding of axe-core, in light or dark, wide or narrow. Skipped where it is not installed."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.pages.test_in_browser import PAGES, Visit, address, browser, visit

AXE = Path(os.environ.get("AXE_CORE") or "axe-core-is-not-installed")
REQUIRED = os.environ.get("CI") == "true"
ADDRESSES = [*(spec.path for spec in PAGES), "/routers/default"]
FINDINGS = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
  .filter((found) => ["serious", "critical"].includes(found.impact))
  .map((found) => `${found.id}: ${found.help}: ${found.nodes.map((node) => node.target.join(" ")).slice(0, 5).join(", ")}`)
"""

pytestmark = pytest.mark.skipif(not AXE.is_file() and not REQUIRED, reason="AXE_CORE does not name axe-core's script")
__all__ = ["address", "browser", "visit"]  # fixtures


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("theme", "width"), [("light", 1400), ("dark", 390), ("dark", 1400)])
async def test_no_page_has_a_serious_finding(visit: Visit, theme: str, width: int) -> None:
    page = visit.page
    await page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    await page.set_viewport_size({"width": width, "height": 900})
    found: dict[str, list[str]] = {}
    script = await asyncio.to_thread(AXE.read_text, encoding="utf-8")
    for path in ADDRESSES:
        await page.goto(visit.address + path)
        await page.wait_for_selector("h1")
        await page.wait_for_load_state("networkidle")
        await page.evaluate(script)
        if findings := await page.evaluate(FINDINGS):
            found[path] = findings
    assert found == {}
