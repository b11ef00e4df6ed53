"""Clients that read slowly hold the provider back, not memory; those that never read again are given up."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import os
import select
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest

from app.api.http_protocol import HttpProtocol
from app.services.views import LogFilter
from tests.api.gateway.clients import CLIENTS, STREAMS, Client, provide
from tests.app_server import AppServer, running_app
from tests.fault.server import Server
from tests.fault.server import server as running_process
from tests.upstream import accidents
from tests.upstream.fixtures import RunningUpstream
from tests.waiting import until

LONG_MB = 200
LETTERS = 10_000  # in each event
MEGABYTE = 2**20
QUICK = {"idle_timeout_s": 0.2, "first_token_timeout_s": 5, "timeout_s": 30}


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("path", "asked"),
    [("/v1/chat/completions", {}), ("/v1/messages", {"max_tokens": 100_000})],
    ids=["relayed", "translated"],
)
async def test_a_slow_reader_holds_the_provider_back_and_gets_every_byte(
    tmp_path: Path, upstream: RunningUpstream, path: str, asked: dict[str, Any]
) -> None:
    mark = f"flood-{LONG_MB}"
    upstream.forget()
    with running_process(tmp_path / "data") as running:
        await asyncio.to_thread(running.start)
        flood = upstream.provider_url("openai/chat", mark, f"fill-{LETTERS}")
        await asyncio.to_thread(running.add_provider, "flood", flood)
        key = await asyncio.to_thread(running.add_key)
        body = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "hello"}], **asked}
        before = _memory_mb(running)
        got, letters = hashlib.sha256(), 0
        timeout = aiohttp.ClientTimeout(total=150)
        async with (
            aiohttp.ClientSession(headers={"authorization": f"Bearer {key}"}, timeout=timeout) as session,
            session.post(f"{running.url}{path}", json=body) as answer,
        ):
            first = await answer.content.readany()
            held = await _stands_still(upstream, mark)
            assert held < LONG_MB * MEGABYTE / 4, "the rest waits at the provider"
            assert _memory_mb(running) - before < 40
            got.update(first)
            letters += first.count(b"x")
            most, size = 0.0, len(first)
            async for piece in answer.content.iter_any():
                got.update(piece)
                letters += piece.count(b"x")
                if (size := size + len(piece)) > 20 * MEGABYTE:
                    size, most = 0, max(most, _memory_mb(running))
        assert most - before < 60
    told = list(accidents.flooded(accidents.filled(STREAMS["openai-chat"].body, LETTERS), LONG_MB * MEGABYTE))
    assert letters >= LONG_MB * MEGABYTE * 0.9
    assert letters >= sum(piece.count(b"x" * LETTERS) for piece in told) * LETTERS
    if not asked:  # what we asked for, and the client did not, is not passed on
        usage = next(event for event in STREAMS["openai-chat"].body.split(b"\n\n") if b'"usage": {' in event)
        expected = hashlib.sha256()
        for piece in told:
            expected.update(piece.replace(usage + b"\n\n", b""))
        assert got.hexdigest() == expected.hexdigest()


class Quick(HttpProtocol):
    """Looks every second after clients that do not read, and counts its connections."""

    write_s = 1.0
    open = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        Quick.open += 1
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        Quick.open -= 1
        super().connection_lost(exc)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    with running_app(tmp_path_factory.mktemp("app"), http=Quick) as started:
        yield started


# where a stream may stop to be read: in its middle; at its end, of which much waits here; before an error of the provider
MOMENTS = {"middle": ("flood-50",), "end": ("fill-3900000",), "error": ("fill-3900000", "oops")}


# each waits for seconds, so not every pair: two are relayed, three translated
WAYS = list(zip(CLIENTS, itertools.cycle(["openai-chat", "anthropic-messages", "anthropic-messages"]), strict=False))


@pytest.mark.parametrize(("client", "provider"), WAYS, ids=lambda part: getattr(part, "name", part))
@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_client_that_never_reads_again_is_given_up_and_nobody_is_blamed(
    server: AppServer, upstream: RunningUpstream, client: Client, provider: str, moment: str
) -> None:
    model = provide(server, upstream, provider, *MOMENTS[moment])
    name = f"never-{client.name}-{provider}-{moment}"
    key = server.add_key(name, router=server.add_router(**QUICK), limits={"concurrent": 1})
    limits = server.services.admission.limits(server.services.keys.find(name))
    assert limits is not None
    for _ in range(2):
        async with _asked(server, client, model, key):
            await until(lambda: limits.running == 1)
            await until(lambda: limits.running == 0, seconds=10)
    if moment != "error":
        assert False not in _outcomes(server, model)
    async with server.client(key) as http:  # the one place that the key has is free again
        assert (await client.ask(http, "demo/echo", stream=False)).status_code == 200
    rows = server.run(server.services.ledger.requests(LogFilter(text=model), 10)).items
    assert len(rows) == 2
    if moment == "middle":
        assert {row.status for row in rows} == {408}
        for row in rows:
            assert "did not read" in (row.error or "")
            assert row.estimated
            assert row.output_tokens > 1000, "what went out is paid for"


async def test_what_waits_for_a_client_is_let_go_with_it(server: AppServer, upstream: RunningUpstream) -> None:
    client = Client("openai-chat")
    model = provide(server, upstream, "openai-chat", "fill-30000000")
    before = Quick.open
    async with _asked(server, client, model, server.key, stream=False) as connection:
        await until(lambda: select.select([connection], [], [], 0)[0], seconds=20)  # it begins
        await until(lambda: Quick.open == before, seconds=20)
        got = 0
        while piece := await asyncio.to_thread(connection.recv, MEGABYTE):
            got += len(piece)
    assert got < 10_000_000, "what the system's own buffers hold"


@asynccontextmanager
async def _asked(
    server: AppServer, client: Client, model: str, key: str, *, stream: bool = True
) -> AsyncIterator[socket.socket]:
    """A connection that has asked and reads nothing, with little room for what it does not read."""
    body = json.dumps(client.body(model, stream)).encode()
    url = httpx.URL(server.url)
    head = f"POST {client.path(model, stream)} HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {key}\r\n"
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await asyncio.to_thread(connection.connect, (url.host, url.port))
        connection.sendall(head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body)
        yield connection


async def _stands_still(upstream: RunningUpstream, mark: str) -> int:
    """How much of an answer the provider could send, once it cannot send more."""
    sent = -1
    async with asyncio.timeout(30):
        while True:
            (entry,) = await asyncio.to_thread(upstream.seen, mark)
            if entry["sent"] == sent:
                return sent
            sent = entry["sent"]
            await asyncio.sleep(0.3)  # between two looks


def _memory_mb(running: Server) -> float:
    assert running.process is not None
    pages = int(Path(f"/proc/{running.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


def _outcomes(server: AppServer, alias: str) -> list[bool]:
    """How the latest calls of the provider of a model went, as its breaker and its card see it."""
    providers = server.services.state.current.providers.values()
    (provider,) = (each for each in providers if any(model.deployment.alias == alias for model in each.models))
    recent = server.services.health.recent.get(provider.id)
    return list(recent.outcomes) if recent is not None else []
