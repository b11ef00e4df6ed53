"""Servers that say exactly the bytes a test wants, and requests to them."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from app.providers.transport import Timeouts, UpstreamAnswer, UpstreamRequest

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def serving(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The address of a server that hands each connection to `serve`; a client that leaves is no fault of it."""

    async def each(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(each, "127.0.0.1", 0, ssl=tls)
    scheme = "https" if tls else "http"
    try:
        yield f"{scheme}://localhost:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


class Scripted:
    """Answers each request with the next of `answers`, and closes the connection where one is empty or they run out."""

    def __init__(self, *answers: bytes | Sequence[bytes]) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self._answers = list(answers)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while True:
            self.requests.append(await read_request(reader))
            answer = self._answers.pop(0) if self._answers else b""
            if not answer:
                return
            for piece in [answer] if isinstance(answer, bytes) else answer:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)


def closing(*answers: bytes | Sequence[bytes]) -> Scripted:
    """The same, closing after the last one without waiting for another request."""
    return _Closing(*answers)


class _Closing(Scripted):
    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while self._answers:
            self.requests.append(await read_request(reader))
            answer = self._answers.pop(0)
            for piece in [answer] if isinstance(answer, bytes) else answer:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """Head and body of one request."""
    head = await reader.readuntil(b"\r\n\r\n")
    if length := re.search(rb"\r\ncontent-length: (\d+)", head):
        return head + await reader.readexactly(int(length[1]))
    if b"transfer-encoding: chunked" in head:
        return head + await reader.readuntil(b"0\r\n\r\n")
    return head


def request(
    url: str,
    *,
    method: str = "POST",
    headers: dict[str, str] | None = None,
    body: bytes | AsyncIterable[bytes] = b"{}",
    length: int | None = None,
    timeouts: Timeouts = Timeouts(),
) -> UpstreamRequest:
    return UpstreamRequest(
        method=method, url=url, headers=headers or {}, body=body, content_length=length, timeouts=timeouts
    )


async def gather(answer: UpstreamAnswer, into: bytearray) -> None:
    async for chunk in answer.chunks():
        into += chunk
