"""When a connection is used again, replaced, slowed down and closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from app.core.errors import UpstreamDown, UpstreamError
from app.providers.http.client import HttpTransport
from app.providers.http.pool import Pool
from app.providers.transport import Timeouts
from tests.providers.http.servers import OK, Scripted, closing, read_request, request, serving

PATIENT = Timeouts(first_byte_s=None, idle_s=None)


async def until(condition: Callable[[], bool]) -> None:
    """Waits for what another task brings about; the test's own timeout ends it."""
    while not condition():
        await asyncio.sleep(0.001)


async def test_calls_one_after_the_other_share_a_connection(transport: HttpTransport) -> None:
    server = Scripted(*[OK] * 5)
    async with serving(server) as url:
        for _ in range(5):
            assert await (await transport.send(request(url))).read(10) == b"ok"
    assert server.connections == 1


async def test_an_answer_that_is_not_at_its_end_keeps_its_connection_to_itself(transport: HttpTransport) -> None:
    server = Scripted(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart", OK)
    async with serving(server) as url:
        first = await transport.send(request(url))
        assert await (await transport.send(request(url))).read(10) == b"ok"
        assert server.connections == 2
        first.close()


async def test_a_kept_alive_connection_that_the_server_closed_meanwhile_is_not_used(transport: HttpTransport) -> None:
    server = closing(OK)
    again = closing(OK)
    servers = [server, again]

    async def each(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await servers.pop(0)(reader, writer)

    async with serving(each) as url, asyncio.timeout(5):
        assert await (await transport.send(request(url))).read(10) == b"ok"
        assert await (await transport.send(request(url))).read(10) == b"ok"
    assert (len(server.requests), len(again.requests)) == (1, 1)


async def test_a_farewell_on_an_idle_connection_is_no_answer_to_the_next_call(transport: HttpTransport) -> None:
    farewell, left = asyncio.Event(), asyncio.Event()
    calls = 0

    async def bids_farewell(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        await read_request(reader)
        writer.write(OK)
        if calls == 1:
            await farewell.wait()
            writer.write(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        await reader.read()
        left.set()

    async with serving(bids_farewell) as url, asyncio.timeout(5):
        for _ in range(2):
            answer = await transport.send(request(url))
            assert (answer.status, await answer.read(10)) == (200, b"ok")
            if calls == 1:
                farewell.set()
                await left.wait()
    assert calls == 2


async def test_a_kept_alive_connection_that_said_something_before_it_closed_is_not_asked_again(
    transport: HttpTransport,
) -> None:
    asked: list[bytes] = []

    async def cuts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        asked.append(await read_request(reader))
        writer.write(b"HTTP/1.1 2")

    async with serving(cuts) as url, asyncio.timeout(5):
        await (await transport.send(request(url))).read(10)
        with pytest.raises(UpstreamDown, match="without an answer"):
            await transport.send(request(url))
    assert len(asked) == 1


async def test_once_a_fresh_connection_is_hung_up_on_the_idle_ones_are_not_tried_either(
    transport: HttpTransport,
) -> None:
    connections: list[int] = []
    both, down = asyncio.Barrier(2), False

    async def each(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(0)
        number = len(connections) - 1
        while True:
            await read_request(reader)
            connections[number] += 1
            if down:
                writer.transport.abort()
                return
            await both.wait()  # so that there are two connections
            writer.write(OK)

    async def call(url: str) -> bytes:
        return await (await transport.send(request(url, timeouts=PATIENT))).read(10)

    async with serving(each) as url, asyncio.timeout(5):
        assert await asyncio.gather(call(url), call(url)) == [b"ok", b"ok"]
        down = True
        for _ in range(2):
            with pytest.raises(UpstreamDown):
                await call(url)
    assert sorted(connections) == [1, 1, 1, 2], "one idle, one fresh; then a fresh one only"


async def test_idle_connections_are_closed_after_a_while_and_the_oldest_when_there_are_many() -> None:
    transport = HttpTransport(pool=Pool(idle_s=0.06, max_idle=2))
    open_now = 0
    together = asyncio.Barrier(3)

    async def counts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now
        open_now += 1
        await read_request(reader)
        await together.wait()
        writer.write(OK)
        await reader.read()
        open_now -= 1

    async def call(url: str) -> None:
        await (await transport.send(request(url))).read(10)

    async with serving(counts) as url, asyncio.timeout(5):
        await asyncio.gather(*(call(url) for _ in range(3)))
        await until(lambda: open_now == 2)
        await until(lambda: open_now == 0)
    await transport.aclose()


async def test_closing_the_transport_ends_every_connection_and_every_waiting_call() -> None:
    transport = HttpTransport()
    open_now = 0
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now
        open_now += 1
        await read_request(reader)
        asked.set()
        await reader.read()
        open_now -= 1

    async with serving(silent) as url, asyncio.timeout(5):
        call = asyncio.create_task(transport.send(request(url, timeouts=PATIENT)))
        await asked.wait()
        await transport.aclose()
        with pytest.raises(UpstreamError):
            await call
        await until(lambda: open_now == 0)


@pytest.mark.parametrize("moment", ["before the headers", "in the body"])
async def test_the_provider_sees_a_cancelled_call_leave_at_once(moment: str, transport: HttpTransport) -> None:
    begun, left = asyncio.Event(), asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        if moment == "in the body":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart")
        begun.set()
        await reader.read()
        left.set()

    async def call(url: str) -> None:
        answer = await transport.send(request(url, timeouts=PATIENT))
        try:
            await answer.read(10)
        finally:
            answer.close()

    async with serving(endless) as url, asyncio.timeout(5):
        calling = asyncio.create_task(call(url))
        await begun.wait()
        calling.cancel()
        async with asyncio.timeout(0.5):
            await left.wait()


async def test_a_slow_reader_slows_the_provider_down_and_gets_every_byte(transport: HttpTransport) -> None:
    total = 32 * 1024 * 1024
    written = 0

    async def floods(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        while written < total:
            writer.write(b"x" * 65_536)
            await writer.drain()
            written += 65_536

    async with serving(floods) as url, asyncio.timeout(30):
        answer = await transport.send(request(url, timeouts=PATIENT))
        seen = -1
        while seen != written:  # until the provider stands still
            seen = written
            await asyncio.sleep(0.1)
        assert written < total  # the rest waits there
        assert answer.unread <= 1024 * 1024
        got = 0
        async for chunk in answer.chunks():
            got += len(chunk)
            assert answer.unread <= 1024 * 1024
    assert (got, written) == (total, total)


async def test_two_hundred_streams_run_at_once(transport: HttpTransport) -> None:
    together = asyncio.Barrier(200)

    async def streams(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = (await read_request(reader)).rpartition(b"\r\n\r\n")[2]
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        await together.wait()
        for _ in range(20):
            writer.write(b"%x\r\n%b\r\n" % (len(said), said))
            await writer.drain()
            await asyncio.sleep(0)
        writer.write(b"0\r\n\r\n")
        await reader.read()

    async def call(url: str, number: int) -> bool:
        said = b"%d " % number
        answer = await transport.send(request(url, body=said, timeouts=PATIENT))
        return await answer.read(1000) == said * 20

    async with serving(streams) as url, asyncio.timeout(30):
        assert all(await asyncio.gather(*(call(url, number) for number in range(200))))
