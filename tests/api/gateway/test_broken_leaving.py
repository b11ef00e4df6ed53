"""Clients that leave: the provider sees it within a tenth of a second, and what was used until then is written down."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import httpx
import pytest

from app.services.views import LogFilter, RequestRow
from tests.api.gateway.clients import CUT, FIRST_WORD, Client, both_ways, every_client, every_pair, provide
from tests.app_server import AppServer
from tests.upstream.fixtures import RunningUpstream
from tests.waiting import until

SOON_S = 0.1
MOMENTS = {"before its answer": "hang", "during its answer": "stall-60", "between comments": "comments-0"}


@pytest.fixture(autouse=True)
def nothing_seen(upstream: RunningUpstream) -> None:
    upstream.forget()


@every_client
@both_ways
@pytest.mark.parametrize("moment", MOMENTS)
async def test_leaving_before_the_first_word_ends_the_call_at_once(
    server: AppServer, upstream: RunningUpstream, client: Client, moment: str, stream: bool
) -> None:
    model = provide(server, upstream, "openai-chat", MOMENTS[moment], "delay-2")
    connection = await _ask(server, client, model, server.key, stream)
    await until(lambda: _entry(upstream))
    row = await _leave(server, upstream, connection, model)
    assert (row.estimated, row.input_tokens > 0) == (True, True)


@every_pair
async def test_leaving_after_the_first_word_ends_the_call_at_once(
    server: AppServer, upstream: RunningUpstream, client: Client, provider: str
) -> None:
    model = provide(server, upstream, provider, f"stall-{CUT[provider]}", "delay-2")
    connection = await _ask(server, client, model, server.key, True)
    async with asyncio.timeout(5):
        await connection[0].readuntil(FIRST_WORD)
    row = await _leave(server, upstream, connection, model)
    assert (row.estimated, row.output_tokens > 0, (row.cost or 0) > 0) == (True, True, True)


@every_client
async def test_leaving_right_after_asking_is_noticed_too(
    server: AppServer, upstream: RunningUpstream, client: Client
) -> None:
    model = provide(server, upstream, "openai-chat", "hang", "delay-2")
    _, writer = await _ask(server, client, model, server.key, False)
    writer.transport.abort()
    await until(lambda: (entry := _entry(upstream)) is None or entry["left"])
    assert (await until(lambda: _row(server, model))).status == 499


@every_client
@both_ways
async def test_leaving_gives_the_place_and_the_reservation_back(
    server: AppServer, upstream: RunningUpstream, client: Client, stream: bool
) -> None:
    model = provide(server, upstream, "openai-chat", "hang", "delay-2")
    name = f"leaver-{client.name}-{stream}"
    secret = server.add_key(name, limits={"concurrent": 1}, budgets=[{"usd": "1", "window": "total"}])
    key = server.services.keys.find(name)
    limits, budgets = server.services.admission.limits(key), server.services.admission.budgets(key)
    assert limits is not None
    assert budgets is not None
    for _ in range(2):
        connection = await _ask(server, client, model, secret, stream)
        await until(lambda: limits.running == 1 and budgets.budgets[0].reserved > 0)
        await _leave(server, upstream, connection, model)
        await until(lambda: limits.running == 0 and budgets.budgets[0].reserved == 0)


async def _ask(
    server: AppServer, client: Client, model: str, key: str, stream: bool
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    url = httpx.URL(server.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    body = json.dumps(client.body(model, stream)).encode()
    head = f"POST {client.path(model, stream)} HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {key}\r\n"
    writer.write(head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body)
    return reader, writer


async def _leave(
    server: AppServer,
    upstream: RunningUpstream,
    connection: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    model: str,
) -> RequestRow:
    """Its row in the ledger, once the provider has seen that nobody waits any more."""
    await until(lambda: _entry(upstream))
    left = time.monotonic()
    connection[1].close()
    entry = await until(lambda: (found := _entry(upstream)) and found["left"] and found)
    assert entry["left_at"] - left < SOON_S
    row = await until(lambda: _row(server, model))
    assert (row.status, row.error) == (499, "the client left before the end")
    upstream.forget()
    return row


def _entry(upstream: RunningUpstream) -> dict[str, Any] | None:
    seen = upstream.seen("delay-2")
    return seen[-1] if seen else None


def _row(server: AppServer, model: str) -> RequestRow | None:
    page = server.run(server.services.ledger.requests(LogFilter(text=model), 1))
    return next((row for row in page.items if row.model_asked == model), None)
