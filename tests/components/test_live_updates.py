"""Keeping up with changes, only for those who are there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.core.errors import Unavailable
from app.services.live import Live
from components.live_updates import keep_up


class Page:
    def __init__(self) -> None:
        self.changed, self.present = asyncio.Event(), asyncio.Event()
        self.refreshes = 0
        self.fails = False
        self._refreshed = asyncio.Event()

    async def refresh(self) -> None:
        self.refreshes += 1
        self._refreshed.set()
        if self.fails:
            raise Unavailable("not now")

    async def refreshed(self) -> None:
        await asyncio.wait_for(self._refreshed.wait(), 5)
        self._refreshed.clear()


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    made = Page()

    async def at_once(_: float) -> None: ...

    task = asyncio.create_task(keep_up(Live(sleep=at_once), made.changed, made.present, made.refresh))
    yield made
    assert not task.done()
    task.cancel()


async def turns_of_the_loop() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_page_without_a_browser_is_left_alone_and_caught_up_once_when_it_is_back(page: Page) -> None:
    for _ in range(3):
        page.changed.set()
        await turns_of_the_loop()
    assert page.refreshes == 0
    page.present.set()
    await page.refreshed()
    await turns_of_the_loop()
    assert page.refreshes == 1


async def test_a_browser_that_comes_back_to_nothing_new_costs_nothing(page: Page) -> None:
    page.present.set()
    await turns_of_the_loop()
    page.present.clear()
    page.present.set()
    await turns_of_the_loop()
    assert page.refreshes == 0


async def test_a_refresh_that_fails_is_tried_again_at_the_next_change(page: Page) -> None:
    page.present.set()
    page.fails = True
    for _ in range(2):
        page.changed.set()
        await page.refreshed()
    assert page.refreshes == 2


async def test_who_leaves_while_waiting_for_a_turn_is_not_refreshed() -> None:
    live, page = Live(), Page()
    page.changed.set()
    page.present.set()
    async with live.turn():
        task = asyncio.create_task(keep_up(live, page.changed, page.present, page.refresh))
        await turns_of_the_loop()
        page.present.clear()
    await turns_of_the_loop()
    assert page.refreshes == 0
    page.present.set()
    await page.refreshed()
    task.cancel()
