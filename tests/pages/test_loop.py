"""The event loop serves everyone: building a page must not hold it up."""

from __future__ import annotations

import asyncio
import time

import pytest

import pages
from app.core.discover import instances
from components.page import PageSpec
from tests.pages.conftest import LogIn

LONGEST_S = 0.02  # of this thread's own processor time: another process on the machine does not count


@pytest.mark.parametrize("path", [spec.path for spec in instances(pages, PageSpec)])
async def test_building_a_page_never_holds_the_loop_for_long(log_in: LogIn, path: str) -> None:
    user = await log_in()
    await user.open(path)  # the first one loads what is loaded once
    held: list[float] = []
    stop = asyncio.Event()

    async def watch() -> None:
        last = time.thread_time()
        while not stop.is_set():
            await asyncio.sleep(0)
            now = time.thread_time()
            held.append(now - last)
            last = now

    watching = asyncio.create_task(watch())
    await user.open(path)
    stop.set()
    await watching
    assert max(held) < LONGEST_S
