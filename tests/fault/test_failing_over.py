"""What failing over costs, in answers, in time and in calls: a flaky primary, one that goes down, and all down."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from statistics import quantiles

import aiohttp
import pytest

from tests.fault.server import Server, server
from tests.fault.switchable import Switchable
from tests.upstream.fixtures import RunningUpstream

AT_ONCE = 32
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}


class Load:
    """Requests at once, each with its status, when it began and how long it took, in seconds."""

    def __init__(self, running: Server, key: str) -> None:
        self._url = f"{running.url}/v1/chat/completions"
        self._headers = {"authorization": f"Bearer {key}"}
        self.seen: list[tuple[int, float, float]] = []

    async def run(self, requests: int) -> list[tuple[int, float, float]]:
        numbers = iter(range(requests))
        return await self._clients(lambda: next(numbers, None) is not None, pause_s=0)

    async def run_until(self, stop: asyncio.Event, pause_s: float) -> list[tuple[int, float, float]]:
        return await self._clients(lambda: not stop.is_set(), pause_s)

    async def _clients(self, more: object, pause_s: float) -> list[tuple[int, float, float]]:
        assert callable(more)
        seen: list[tuple[int, float, float]] = []

        async def client(session: aiohttp.ClientSession) -> None:
            while more():
                began = time.monotonic()
                async with session.post(self._url, json=BODY) as answer:
                    await answer.read()
                seen.append((answer.status, began, time.monotonic() - began))
                if pause_s:
                    await asyncio.sleep(pause_s)  # the pace of the load, not a wait for something

        timeout = aiohttp.ClientTimeout(total=60)
        connector = aiohttp.TCPConnector(limit=AT_ONCE)
        async with aiohttp.ClientSession(headers=self._headers, timeout=timeout, connector=connector) as session:
            await asyncio.gather(*(client(session) for _ in range(AT_ONCE)))
        return seen


def p99(seen: list[tuple[int, float, float]]) -> float:
    return quantiles([took for _, _, took in seen], n=100)[98]


@pytest.mark.timeout(300)
async def test_5000_requests_over_a_flaky_primary_are_answered_soon_and_without_a_storm(
    tmp_path: Path, upstream: RunningUpstream
) -> None:
    with server(tmp_path / "data") as running:
        await asyncio.to_thread(running.start)
        healthy = upstream.provider_url("openai/chat", "seed-1")
        await asyncio.to_thread(running.add_provider, "healthy", healthy, 20)
        key = await asyncio.to_thread(running.add_key)
        load = Load(running, key)
        await load.run(500)
        alone = await load.run(2_000)

        flaky = upstream.provider_url("openai/chat", "flaky-30")
        await asyncio.to_thread(running.add_provider, "flaky", flaky, 10)
        seen = await load.run(5_000)

        answered = sum(status == 200 for status, _, _ in seen)
        with running.admin() as admin:
            attempts = sum(each["attempts"] for each in _all_logs(admin, 5_000))
        print(f"{answered} of 5000 answered, p99 {p99(seen):.3f} s, healthy {p99(alone):.3f} s, {attempts} calls")
        assert answered >= 4_995
        assert p99(seen) <= p99(alone) + 0.05
        assert attempts <= 5_000 * 1.32


@pytest.mark.timeout(300)
async def test_a_primary_that_goes_down_is_hardly_asked_and_soon_found_well_again(tmp_path: Path) -> None:
    async with Switchable() as primary, Switchable() as secondary:
        with server(tmp_path / "data") as running:
            await asyncio.to_thread(running.start)
            await asyncio.to_thread(running.add_provider, "primary", primary.url, 10)
            await asyncio.to_thread(running.add_provider, "secondary", secondary.url, 20)
            key = await asyncio.to_thread(running.add_key)
            stop = asyncio.Event()
            load = asyncio.create_task(Load(running, key).run_until(stop, pause_s=0.1))
            await asyncio.sleep(3)  # of ordinary traffic
            before = len(primary.asked)

            primary.down = True
            await asyncio.sleep(30)
            late = await asyncio.to_thread(_after_the_first_failure, tmp_path / "data" / "anygpt.db", "primary")
            primary.down = False
            back = time.monotonic()
            asked = len(primary.asked)
            while len(primary.asked) < asked + 20 and time.monotonic() - back < 15:
                await asyncio.sleep(0.1)
            took = time.monotonic() - back
            stop.set()
            seen = await load

        print(f"{late} new calls of the primary while down, traffic back after {took:.1f} s")
        assert all(status == 200 for status, _, _ in seen)
        assert before > 200
        assert late <= 5
        assert took <= 10


@pytest.mark.timeout(120)
async def test_where_all_are_down_each_request_hears_of_every_attempt_at_once_and_few_calls_are_made(
    tmp_path: Path,
) -> None:
    async with Switchable() as first, Switchable() as second:
        with server(tmp_path / "data") as running:
            await asyncio.to_thread(running.start)
            await asyncio.to_thread(running.add_provider, "first", first.url, 10)
            await asyncio.to_thread(running.add_provider, "second", second.url, 20)
            key = await asyncio.to_thread(running.add_key)
            first.down = second.down = True
            seen = await Load(running, key).run(320)
            calls = len(first.asked) + len(second.asked)
            async with (
                aiohttp.ClientSession(headers={"authorization": f"Bearer {key}"}) as session,
                session.post(f"{running.url}/v1/chat/completions", json=BODY) as answer,
            ):
                error = (await answer.json())["error"]["message"]

        print(f"{calls} calls for 320 requests; slowest {max(took for _, _, took in seen):.2f} s; {error}")
        assert {status for status, _, _ in seen} <= {502, 503}
        assert max(took for _, _, took in seen) < 5
        assert calls <= 320 * 2
        assert "first (gpt-4o)" in error
        assert "second (gpt-4o)" in error


def _after_the_first_failure(database: Path, provider: str) -> int:
    """Calls of a provider that began after one of its calls had failed."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        query = "select started_at, latency_ms, status from attempt where provider = ? order by started_at"
        attempts = connection.execute(query, (provider,)).fetchall()
    seen = min(started + latency * 1000 for started, latency, status in attempts if status != 200)
    return sum(started > seen for started, _, _ in attempts)


def _all_logs(admin: object, limit: int) -> list[dict[str, int]]:
    found: list[dict[str, int]] = []
    cursor = None
    while len(found) < limit:
        page = admin.get("/api/logs", params={"limit": 200} | ({"cursor": cursor} if cursor else {})).json()  # type: ignore[attr-defined]
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    return found[:limit]
