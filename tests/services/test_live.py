"""Telling pages that something changed, and giving them turns."""

from __future__ import annotations

import asyncio

import pytest

from app.services.live import MAX_REST_S, REST, Live


class Hands:
    """Time that passes only where somebody sleeps or works."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def live(hands: Hands) -> Live:
    return Live(monotonic=lambda: hands.now, sleep=hands.sleep)


async def test_many_changes_are_told_once() -> None:
    live, told = Live(), asyncio.Event()
    calls: list[int] = []

    def listen() -> None:
        calls.append(1)
        told.set()

    unsubscribe = live.subscribe(listen)
    for _ in range(100):
        live.note()
    await asyncio.wait_for(told.wait(), 5)
    assert len(calls) == 1
    unsubscribe()
    live.note()
    live.close()


async def test_after_a_refresh_everyone_rests_in_proportion_to_it(live: Live, hands: Hands) -> None:
    async with live.turn():
        hands.now += 0.04
    async with live.turn():
        pass
    assert hands.slept == [pytest.approx(0.04 * REST)]


async def test_whoever_comes_after_the_rest_waits_for_nothing(live: Live, hands: Hands) -> None:
    async with live.turn():
        hands.now += 0.04
    hands.now += 0.04 * REST + 0.01
    async with live.turn():
        pass
    assert hands.slept == []


async def test_the_rest_after_a_very_slow_refresh_ends(live: Live, hands: Hands) -> None:
    with pytest.raises(RuntimeError, match="it failed"):
        async with live.turn():
            hands.now += 60
            raise RuntimeError("it failed")
    async with live.turn():
        pass
    assert hands.slept == [pytest.approx(MAX_REST_S)]


async def test_pages_refresh_one_at_a_time(live: Live) -> None:
    inside: list[str] = []
    go_on = asyncio.Event()

    async def refresh(name: str) -> None:
        async with live.turn():
            inside.append(name)
            await go_on.wait()

    tasks = [asyncio.create_task(refresh(name)) for name in "ab"]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert inside == ["a"]
    go_on.set()
    await asyncio.gather(*tasks)
    assert inside == ["a", "b"]
