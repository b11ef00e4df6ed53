"""Bodies that pass through piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.core.errors import BadRequest, UpstreamDown
from app.providers.http.client import HttpTransport
from tests.providers.http.servers import OK, Scripted, read_request, request, serving


async def pieces(*given: bytes) -> AsyncIterator[bytes]:
    for piece in given:
        await asyncio.sleep(0)
        yield piece


async def test_a_body_of_known_length_goes_out_as_it_is(transport: HttpTransport) -> None:
    server = Scripted(OK, OK)
    async with serving(server) as url, asyncio.timeout(5):
        answer = await transport.send(request(url, body=pieces(b"one ", b"", b"two"), length=7))
        assert await answer.read(10) == b"ok"
        assert await (await transport.send(request(url))).read(10) == b"ok"
    assert server.requests[0].endswith(b"\r\ncontent-length: 7\r\n\r\none two")
    assert server.connections == 1


async def test_a_body_of_unknown_length_goes_out_in_chunks(transport: HttpTransport) -> None:
    server = Scripted(OK)
    async with serving(server) as url, asyncio.timeout(5):
        answer = await transport.send(request(url, body=pieces(b"one ", b"", b"two" * 10)))
        assert await answer.read(10) == b"ok"
    assert server.requests[0].endswith(b"chunked\r\n\r\n4\r\none \r\n1e\r\n" + b"two" * 10 + b"\r\n0\r\n\r\n")


@pytest.mark.parametrize(("length", "says"), [(5, "more than 5"), (9, "7 of 9")])
async def test_a_body_of_another_length_than_announced_ends_the_call(
    length: int, says: str, transport: HttpTransport
) -> None:
    left = asyncio.Event()

    async def reads(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        left.set()

    async with serving(reads) as url, asyncio.timeout(5):
        with pytest.raises(BadRequest, match=says):
            await transport.send(request(url, body=pieces(b"one ", b"two"), length=length))
        await left.wait()


async def test_a_body_that_fails_ends_the_call_with_its_own_error(transport: HttpTransport) -> None:
    async def fails() -> AsyncIterator[bytes]:
        yield b"one"
        raise EOFError("the client left")

    async with serving(Scripted()) as url, asyncio.timeout(5):
        with pytest.raises(EOFError, match="the client left"):
            await transport.send(request(url, body=fails(), length=7))


async def test_an_upload_goes_no_faster_than_the_provider_takes_it(transport: HttpTransport) -> None:
    given = 0
    take = asyncio.Event()
    total = 64 * 1024 * 1024

    async def plenty() -> AsyncIterator[bytes]:
        nonlocal given
        while given < total:
            given += 65_536
            yield b"x" * 65_536

    async def waits(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await take.wait()
        left = total
        while left:
            left -= len(await reader.read(1_000_000))
        writer.write(OK)

    async with serving(waits) as url, asyncio.timeout(30):
        call = asyncio.create_task(transport.send(request(url, body=plenty(), length=total)))
        seen = -1
        while seen != given or not given:  # until the upload stands still
            seen = given
            await asyncio.sleep(0.1)
        assert given < total / 2
        take.set()
        assert await (await call).read(10) == b"ok"


@pytest.mark.parametrize("stuck", ["in the client", "in the provider"])
@pytest.mark.parametrize("status", [401, 413])
async def test_a_refusal_in_the_middle_of_an_upload_is_read(status: int, stuck: str, transport: HttpTransport) -> None:
    ended = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 1_000_000
                if stuck == "in the client":
                    await asyncio.Event().wait()
        finally:
            ended.set()

    async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 %d No\r\nContent-Length: 7\r\n\r\nrefused" % status)
        await asyncio.Event().wait() if stuck == "in the provider" else await reader.read()

    async with serving(refuses) as url, asyncio.timeout(5):
        body = endless()
        answer = await transport.send(request(url, body=body, length=10**12))
        assert (answer.status, await answer.read(10)) == (status, b"refused")
        await transport.aclose()
        await body.aclose()
        await ended.wait()


async def test_a_connection_with_half_an_upload_on_it_is_not_used_again(transport: HttpTransport) -> None:
    answered = asyncio.Event()
    connections = 0

    async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        if connections == 2:
            return await Scripted(OK)(reader, writer)
        await reader.readuntil(b"half")
        writer.write(b"HTTP/1.1 413 No\r\nContent-Length: 7\r\n\r\nref")
        await answered.wait()
        writer.write(b"used")
        await reader.read()

    async def half() -> AsyncIterator[bytes]:
        yield b"half"
        await asyncio.Event().wait()

    async with serving(refuses) as url, asyncio.timeout(5):
        answer = await transport.send(request(url, body=half(), length=8))
        chunks = answer.chunks()
        assert await anext(chunks) == b"ref"
        answered.set()
        assert [chunk async for chunk in chunks] == [b"used"]
        assert await (await transport.send(request(url))).read(10) == b"ok"
    assert connections == 2


async def test_a_whole_answer_before_the_upload_ends_leaves_the_connection_to_nobody(transport: HttpTransport) -> None:
    connections = 0

    async def hurries(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        if connections == 1:
            await reader.readuntil(b"half")
        else:
            await read_request(reader)
        writer.write(OK)
        await reader.read()

    async def half() -> AsyncIterator[bytes]:
        yield b"half"
        await asyncio.Event().wait()

    async with serving(hurries) as url, asyncio.timeout(5):
        assert await (await transport.send(request(url, body=half(), length=8))).read(10) == b"ok"
        assert await (await transport.send(request(url))).read(10) == b"ok"
    assert connections == 2


async def test_an_answer_that_begins_before_the_upload_ends_does_not_end_it(transport: HttpTransport) -> None:
    begun = asyncio.Event()

    async def echoes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"one ")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        await reader.readuntil(b"two")
        writer.write(b"3\r\ngot\r\n0\r\n\r\n")

    async def talks() -> AsyncIterator[bytes]:
        yield b"one "
        await begun.wait()
        yield b"two"

    async with serving(echoes) as url, asyncio.timeout(5):
        answer = await transport.send(request(url, body=talks(), length=7))
        begun.set()
        assert await answer.read(10) == b"got"


async def test_an_upload_is_never_repeated(transport: HttpTransport) -> None:
    connections = 0

    async def drops(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await read_request(reader)
        if connections == 1:
            writer.write(OK)
            await reader.read()

    async with serving(drops) as url, asyncio.timeout(5):
        await (await transport.send(request(url))).read(10)
        with pytest.raises(UpstreamDown, match="without an answer"):
            await transport.send(request(url, body=pieces(b"one"), length=3))
    assert connections == 2


async def test_a_cancelled_upload_ends_at_once(transport: HttpTransport) -> None:
    begun, left = asyncio.Event(), asyncio.Event()

    async def dawdles() -> AsyncIterator[bytes]:
        yield b"one"
        await asyncio.Event().wait()

    async def reads(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"one")
        begun.set()
        await reader.read()
        left.set()

    async with serving(reads) as url, asyncio.timeout(5):
        before = asyncio.all_tasks()
        call = asyncio.create_task(transport.send(request(url, body=dawdles(), length=7)))
        await begun.wait()
        call.cancel()
        async with asyncio.timeout(0.5):
            await left.wait()
        assert {task for task in asyncio.all_tasks() - before if "send_pieces" in repr(task)} == set()
