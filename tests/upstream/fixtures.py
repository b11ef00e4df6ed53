"""The fixture `upstream`: the test upstream on a free port, in a thread with its own loop."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from tests.upstream.server import make_app

RECORDINGS = Path(__file__).parents[2].parent / "shared" / "recordings"
_ENDINGS = {"anthropic": "", "gemini": "/v1beta"}


class RunningUpstream:
    def __init__(self, url: str) -> None:
        self.url = url

    def provider_url(self, sample: str, *modifiers: str) -> str:
        """The base URL of a provider that answers with a sample ("openai/chat") or a recording's id."""
        ending = _ENDINGS.get(sample.partition("/")[0], "/v1")
        return "/".join([self.url, *modifiers, "r", sample]) + ending

    def seen(self, containing: str = "") -> list[dict[str, Any]]:
        """The requests so far whose path holds a text, the oldest first: method, path, headers, body, raw,
        size and sha256 of its bytes, how many bytes of its answer went out so far (`sent`), and whether that was to its
        end (`done`) or the client left before (`left`; `left_at` on the monotonic clock)."""
        with httpx.Client(trust_env=False) as client:
            return [entry for entry in client.get(f"{self.url}/_seen").json() if containing in entry["path"]]

    def forget(self) -> None:
        with httpx.Client(trust_env=False) as client:
            client.delete(f"{self.url}/_seen")


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of recorded traffic. Elsewhere it may be missing; on CI never."""
    if not RECORDINGS.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail("The recordings are missing at ../shared/recordings.")
        pytest.skip("The recordings are not at ../shared/recordings.")
    return RECORDINGS


@pytest.fixture(scope="session")
def upstream() -> Iterator[RunningUpstream]:
    """One for the test run (one for each worker of pytest-xdist)."""
    loop = asyncio.new_event_loop()
    started: list[str] = []
    ready = threading.Event()
    stop = asyncio.Event()

    async def serve() -> None:
        app = make_app(RECORDINGS if RECORDINGS.is_dir() else None)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        started.append(f"http://{host}:{port}")
        ready.set()
        await stop.wait()
        await runner.cleanup()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(serve())
        loop.close()

    thread = threading.Thread(target=run, name="test-upstream", daemon=True)
    thread.start()
    assert ready.wait(10), "The test upstream did not start."
    yield RunningUpstream(started[0])
    loop.call_soon_threadsafe(stop.set)
    thread.join(5)
