"""What is open after a provider was asked by httpx's way: nothing."""

from __future__ import annotations

import asyncio

from app.providers.connections import Connections
from app.providers.kinds import kind_named

LIST = b'{"object": "list", "data": []}'
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(LIST), LIST)


async def test_after_a_probe_no_connection_is_kept() -> None:
    closed = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)  # and leaves it open, as servers do
        await writer.drain()
        if await reader.read() == b"":
            closed.set()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    connections = Connections()
    try:
        upstream = connections.upstream("p", kind_named("openai-compatible"), f"http://127.0.0.1:{port}/v1")
        await upstream.probe("sk-1")
        await asyncio.wait_for(closed.wait(), 5)
    finally:
        await connections.aclose()
        server.close()
