"""An upstream that costs little: a small chat completion, a stream of 100 events, or a slow one that says when.

Written on asyncio's protocols with answers made beforehand, so that the server in front is what is measured.

The request's `model` chooses: `slow` streams an event each 100 ms with the time it was sent (`BENCH_SLOW_EVENTS` of
them), any other answers at once. A stream leaves in `BENCH_PIECES` writes, each in a turn of the loop of its own.
`POST /close` ends all connections."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import time
from typing import cast

import httptools
import orjson
import uvloop

EVENTS = 100
PACE_S = 0.1
SLOW_EVENTS = int(os.environ.get("BENCH_SLOW_EVENTS", "50"))
PIECES = int(os.environ.get("BENCH_PIECES", "1"))
_HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "bench"}
_USAGE = {"prompt_tokens": 20, "completion_tokens": EVENTS, "total_tokens": EVENTS + 20}


class Upstream(asyncio.Protocol):
    """One connection; requests on it are answered one after the other."""

    open: set[Upstream] = set()  # noqa: RUF012  as many as connections are open

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._url = self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.open.discard(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._url, self._body = url, b""

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if self._url == b"/close":
            self.transport.write(NO_MODELS)
            for connection in list(self.open):
                connection.transport.close()
            return
        if self._parser.get_method() == b"GET":
            self.transport.write(NO_MODELS)
            return
        request = orjson.loads(self._body)
        if not request.get("stream"):
            self.transport.write(WHOLE)
        elif request["model"] == "slow":
            self.transport.write(STREAM_HEAD)
            self._slow_event(SLOW_EVENTS)
        elif (request.get("stream_options") or {}).get("include_usage"):
            self._pass_on(STREAM_WITH_USAGE)
        else:
            self._pass_on(STREAM)

    def _pass_on(self, pieces: list[bytes], place: int = 0) -> None:
        if self.transport.is_closing():
            return
        self.transport.write(pieces[place])
        if place + 1 < len(pieces):
            asyncio.get_running_loop().call_soon(self._pass_on, pieces, place + 1)

    def _slow_event(self, left: int) -> None:
        if self.transport.is_closing():
            return
        if left == 0:
            self.transport.write(_chunk(_delta("", "stop")) + _chunk(b"data: [DONE]\n\n") + LAST_CHUNK)
            return
        asyncio.get_running_loop().call_later(PACE_S, self._slow_event, left - 1)
        self.transport.write(_chunk(SLOW_START + b"@%.6f " % time.monotonic() + SLOW_END))


def _event(value: dict[str, object]) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"


def _delta(content: str, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": content} if finish is None else {}, "finish_reason": finish}
    return _event({**_HEAD, "choices": [choice]})


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _whole(value: dict[str, object]) -> bytes:
    body = orjson.dumps(value)
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


def _stream(*, usage: bool) -> list[bytes]:
    """Every event a chunk of its own, joined to as many pieces as are to be written."""
    events = [_delta(f"word{number} ") for number in range(EVENTS - 2)] + [_delta("", "stop")]
    if usage:
        events.append(_event({**_HEAD, "choices": [], "usage": _USAGE}))
    chunks = [_chunk(event) for event in [*events, b"data: [DONE]\n\n"]]
    chunks[0] = STREAM_HEAD + chunks[0]
    chunks[-1] += LAST_CHUNK
    bounds = [len(chunks) * number // PIECES for number in range(PIECES + 1)]
    return [b"".join(chunks[start:end]) for start, end in itertools.pairwise(bounds)]


STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
NO_MODELS = _whole({"object": "list", "data": []})
WHOLE = _whole(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "bench",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "word " * 20}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 20, "total_tokens": 40},
    }
)
STREAM, STREAM_WITH_USAGE = _stream(usage=False), _stream(usage=True)
SLOW_START, SLOW_END = _delta("|").split(b"|")


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
