"""The server's HTTP, spoken byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from app.api.http_protocol import ANSWER, MAX_HEAD, GatewayAnswer, HttpProtocol

LONG = 30 * 2**20  # far more than fits between the two
ASK = b"POST /v1/x HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\nhi"


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with how the body came and what it was; streams for /v1/stream."""
    if scope["path"] == "/v1/refuse":
        await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"no"})
        return
    if scope["path"] == "/v1/whole":
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message.get("body", b"")), message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"%d bytes" % size})
        return
    taken = scope[ANSWER].take_body() if ANSWER in scope else None
    body = taken if taken is not None else (await receive())["body"]
    text = (b"taken " if taken is not None else b"received ") + body
    if scope["path"] == "/v1/break":
        head = [(b"x-evil", b"a\r\nset-cookie: b")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": b""})
        return
    if scope["path"] == "/v1/stream":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        for piece in (b"one", b"", b"two"):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    if scope["path"] == "/v1/long":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % LONG)]})
        await send({"type": "http.response.body", "body": b"x" * LONG})
        return
    if scope["path"] == "/v1/abort":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        scope[ANSWER].abort()
        return
    head = [(b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": text})


class Quick(HttpProtocol):
    head_s = 0.2
    body_s = 0.6
    write_s = 0.2


@asynccontextmanager
async def serving(protocol: type[HttpProtocol] = HttpProtocol) -> AsyncIterator[int]:
    config = uvicorn.Config(echo, port=0, http=protocol, lifespan="off", log_config=None, server_header=False)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        await server.shutdown()


async def exchange(port: int, sent: bytes, until: bytes = b"") -> bytes:
    """What comes back until the server closes, or until these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    try:
        async with asyncio.timeout(5):
            if until:
                return await reader.readuntil(until)
            return await reader.read()
    finally:
        writer.close()


async def test_a_body_that_came_with_its_head_is_taken_at_once() -> None:
    async with serving() as port:
        answer = await exchange(port, ASK, b"hi")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\ntaken hi")


async def test_a_finished_request_leaves_nothing_to_the_garbage_collector() -> None:
    async with serving() as port:
        gc.collect()
        gc.disable()
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for _ in range(5):
                writer.write(ASK)
                assert (await reader.readuntil(b"hi")).endswith(b"taken hi")
            alive = [each for each in gc.get_objects() if isinstance(each, GatewayAnswer)]
            assert len(alive) <= 1, "only the latest, which its connection knows"
        finally:
            gc.enable()
            writer.close()


async def test_a_body_that_comes_later_is_waited_for() -> None:
    async with serving() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(ASK[:-2].replace(b"host: h", b"host: h\r\nexpect: 100-continue"))
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"hi")
        assert (await reader.readuntil(b"hi")).endswith(b"received hi")
        writer.close()


async def test_two_requests_in_one_packet_are_answered_in_their_order() -> None:
    async with serving() as port:
        answer = await exchange(port, ASK + ASK.replace(b"hi", b"ho"), b"ho")
    assert answer.count(b"HTTP/1.1 200") == 2
    assert answer.index(b"taken hi") < answer.index(b"taken ho")


async def test_a_stream_is_chunked_and_an_empty_piece_does_not_end_it() -> None:
    async with serving() as port:
        answer = await exchange(port, ASK.replace(b"/v1/x", b"/v1/stream"), b"0\r\n\r\n")
    assert b"transfer-encoding: chunked\r\n" in answer
    assert answer.endswith(b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")


@pytest.mark.parametrize("asked", [b"connection: close", b"Connection: Close"])
async def test_a_client_that_wants_no_more_is_hung_up_on(asked: bytes) -> None:
    async with serving() as port:
        answer = await exchange(port, ASK.replace(b"host: h", b"host: h\r\n" + asked))
    assert b"connection: close\r\n" in answer
    assert answer.endswith(b"taken hi")


async def test_http_1_0_is_hung_up_on_after_its_answer() -> None:
    async with serving() as port:
        answer = await exchange(port, ASK.replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert answer.endswith(b"taken hi")


async def test_the_answer_to_head_has_no_body() -> None:
    async with serving() as port:
        answer = await exchange(port, b"HEAD /v1/x HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")
    assert b"content-length: " in answer
    assert answer.endswith(b"\r\n\r\n")


async def test_a_header_that_holds_a_line_break_never_goes_out() -> None:
    async with serving() as port:
        answer = await exchange(port, ASK.replace(b"/v1/x", b"/v1/break"))
    assert b"set-cookie" not in answer


async def test_an_aborted_answer_has_no_end() -> None:
    async with serving() as port:
        assert not (await exchange(port, ASK.replace(b"/v1/x", b"/v1/abort"))).endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("sent", [b"", b"POST /v1/x HT", ASK[:30]])
async def test_a_head_that_does_not_come_is_given_up(sent: bytes) -> None:
    async with serving(Quick) as port:
        assert (await exchange(port, sent)).startswith(b"HTTP/1.1 408 ")


async def test_a_second_request_that_stops_in_its_head_is_given_up_too() -> None:
    async with serving(Quick) as port:
        answer = await exchange(port, ASK + ASK[:20])
    assert answer.index(b"taken hi") < answer.index(b"HTTP/1.1 408 ")


async def test_a_slow_body_is_not_the_heads_fault() -> None:
    async with serving(Quick) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(ASK[:-2])
        await asyncio.sleep(0.3)  # longer than a head may take
        writer.write(b"hi")
        assert (await reader.readuntil(b"hi")).endswith(b"received hi")
        writer.close()


@pytest.mark.parametrize("piece", [b"", b"x"])
async def test_a_body_that_does_not_come_is_given_up(piece: bytes) -> None:
    async with serving(Quick) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(ASK[:-2].replace(b"/v1/x", b"/v1/whole").replace(b"length: 2", b"length: 1000"))
        reading = asyncio.create_task(reader.read())
        async with asyncio.timeout(10):
            while not (await asyncio.wait([reading], timeout=0.05))[0]:
                writer.write(piece)
        assert (await reading).startswith(b"HTTP/1.1 408 ")


async def test_a_body_that_comes_steadily_may_take_its_time() -> None:
    async with serving(Quick) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(ASK[:-2].replace(b"/v1/x", b"/v1/whole").replace(b"length: 2", b"length: 300000"))
        for _ in range(30):  # one and a half seconds, at 200 KB a second
            writer.write(b"x" * 10_000)
            await asyncio.sleep(0.05)
        assert await reader.readuntil(b"300000 bytes")
        writer.close()


async def test_a_second_head_that_waits_for_the_first_answer_does_not_cut_it() -> None:
    async with serving(Quick) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(ASK[:-2])
        await asyncio.sleep(0.1)
        writer.write(b"hi" + ASK[:20])
        assert (await reader.readuntil(b"hi")).endswith(b"received hi")
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    "start", [b"GET /", b"GET / HTTP/1.1\r\nx: ", b"GET / HTTP/1.1\r\n"], ids=["address", "value", "fields"]
)
async def test_a_head_without_end_is_refused(start: bytes) -> None:
    async with serving() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        piece = b"a" * 100 + (b": b\r\n" if start.endswith(b"\r\n") else b"")
        writer.write(start + piece * (MAX_HEAD // len(piece) + 1))
        assert (await reader.read()).startswith(b"HTTP/1.1 431 ")


async def test_trailers_without_end_are_hung_up_on() -> None:
    asked = ASK[:-2].replace(b"content-length: 2", b"transfer-encoding: chunked") + b"2\r\nhi\r\n0\r\n"
    async with serving() as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await _flood(writer, asked, b"x: " + b"a" * 100 + b"\r\n") < 100 * 2**20


@pytest.mark.parametrize("more", [b"x", b"x" * 100])
async def test_a_body_that_nobody_wants_any_more_holds_no_connection(more: bytes) -> None:
    asked = b"POST /v1/refuse HTTP/1.1\r\nhost: h\r\ncontent-length: 100\r\n\r\n"
    async with serving(Quick) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(asked)
        assert (await reader.readuntil(b"no")).startswith(b"HTTP/1.1 413 ")
        writer.write(more)
        async with asyncio.timeout(4):
            assert await reader.read() == b""


async def test_an_answer_that_nobody_reads_is_given_up() -> None:
    async with serving(Quick) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(ASK.replace(b"/v1/x", b"/v1/long"))
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.6)  # three looks
        got = 0
        with contextlib.suppress(ConnectionResetError):
            got = len(await reader.read())
        assert got < LONG


async def test_an_answer_that_is_read_slowly_arrives_whole() -> None:
    async with serving(Quick) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=64 * 1024)
        writer.write(ASK.replace(b"/v1/x", b"/v1/long"))
        await reader.readuntil(b"\r\n\r\n")
        got = 0
        while got < LONG:
            got += len(await reader.read(4 * 2**20)) or LONG * 2
            await asyncio.sleep(0.001)  # never quick, never still
        assert got == LONG
        writer.close()


async def _flood(writer: asyncio.StreamWriter, start: bytes, piece: bytes) -> int:
    """Sends without end until the server hangs up; returns how many bytes went out."""
    sent = 0
    writer.write(start)
    async with asyncio.timeout(20):
        while not writer.transport.is_closing():
            writer.write(piece * 100)
            sent += len(piece) * 100
            try:
                await writer.drain()
            except ConnectionError:
                break
            await asyncio.sleep(0)
    return sent
