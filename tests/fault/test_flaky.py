"""A first provider that fails three times in ten, a healthy second: every client gets an answer or hears why not."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import aiohttp
import orjson
import pytest

from tests.fault.server import server
from tests.upstream.fixtures import RunningUpstream

REQUESTS = 2_000
AT_ONCE = 32


@pytest.mark.timeout(240)
async def test_2000_requests_over_a_flaky_provider_all_end_clearly(tmp_path: Path, upstream: RunningUpstream) -> None:
    with server(tmp_path / "data") as running:
        await asyncio.to_thread(running.start)
        flaky = upstream.provider_url("openai/chat", "flaky-30")
        await asyncio.to_thread(running.add_provider, "flaky", flaky, 10)
        await asyncio.to_thread(running.add_provider, "steady", upstream.provider_url("openai/chat"), 20)
        key = await asyncio.to_thread(running.add_key)
        outcomes: Counter[str] = Counter()
        numbers = iter(range(REQUESTS))

        async def client(session: aiohttp.ClientSession) -> None:
            for number in numbers:
                outcomes[await _ask(session, running.url, stream=number % 2 == 0)] += 1

        timeout = aiohttp.ClientTimeout(total=60)
        headers = {"authorization": f"Bearer {key}"}
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
            await asyncio.gather(*(client(session) for _ in range(AT_ONCE)))

        assert sum(outcomes.values()) == REQUESTS
        assert set(outcomes) <= {"answered", "error in-band"}, outcomes
        assert outcomes["answered"] >= REQUESTS * 0.85
        with running.admin() as admin:
            summary = admin.get("/api/logs/summary").json()
        assert summary["requests"] == REQUESTS
        assert summary["failed"] == outcomes["error in-band"]
        assert summary["failed_over"] > 0


async def _ask(session: aiohttp.ClientSession, url: str, *, stream: bool) -> str:
    """What a client can tell: a whole answer, an error said in the stream, or something that must not be."""
    body = {"model": "gpt-4o", "stream": stream, "messages": [{"role": "user", "content": "hello"}]}
    async with session.post(f"{url}/v1/chat/completions", json=body) as answer:
        text = await answer.read()
        if answer.status != 200:
            return f"status {answer.status}"
        if not stream:
            return "answered" if orjson.loads(text)["choices"][0]["message"]["content"] else "empty"
        events = [line[6:] for line in text.split(b"\n") if line.startswith(b"data: ")]
        if events[-1] == b"[DONE]":
            return "answered"
        return "error in-band" if b'"error"' in events[-1] else "cut without a word"
