"""The server's HTTP, spoken byte by byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from app.api.http_protocol import ABORT, TAKE_BODY, HttpProtocol

ASK = b"POST /v1/x HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\nhi"


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with how the body came and what it was; streams for /v1/stream."""
    taken = scope[TAKE_BODY]() if TAKE_BODY in scope else None
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
    if scope["path"] == "/v1/abort":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        scope[ABORT]()
        return
    head = [(b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": text})


class Quick(HttpProtocol):
    head_s = 0.2


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
