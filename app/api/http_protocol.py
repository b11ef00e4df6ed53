"""uvicorn's HTTP/1.1 protocol with a time-out for heads of requests, and the gateway's answers in one piece.

uvicorn writes head and body of an answer separately and looks at every header for signs of smuggling; both are felt
where an answer is small. The gateway's headers are its own, and are looked at once, as a block."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

HEAD_S = 30.0  # for a connection's first byte, and for each request's head from its first byte
GATEWAY = ("/v1", "/openai/", "/anthropic/", "/gemini/", "/groq/")
ABORT = "anygpt.abort"  # in the scope: ends the connection at once, whatever is still to be written
TAKE_BODY = "anygpt.body"  # in the scope: the whole body where it is there, else None; `receive` follows on it
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class HttpProtocol(HttpToolsProtocol):
    head_s = HEAD_S
    _in_head = False
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(self.head_s, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head and self._head_timer is None:  # most heads come whole and need no timer
            self._head_timer = self.loop.call_later(self.head_s, self._too_slow)

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._head_timer is not None:
            self._stop_waiting()
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if cycle.scope["path"].startswith(GATEWAY):
            answer = GatewayAnswer(cycle)
            cycle.send = answer  # type: ignore[method-assign]
            cycle.scope[ABORT] = cycle.transport.abort  # type: ignore[literal-required]
            cycle.scope[TAKE_BODY] = answer.take_body  # type: ignore[literal-required]
        super()._start_asgi_task(cycle, app)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.write(_TOO_SLOW)
            self.transport.close()


class GatewayAnswer:
    """ASGI's `send` for one request of the gateway. The head waits for the first piece of the body."""

    __slots__ = ("_chunked", "_cycle", "_head", "_length")

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle
        self._head = b""
        self._chunked = True
        self._length = 0

    async def __call__(self, message: Any) -> None:
        cycle = self._cycle
        if cycle.flow.write_paused and not cycle.disconnected:
            await cycle.flow.drain()
        if cycle.disconnected:
            return
        if message["type"] == "http.response.start":
            cycle.response_started = True
            cycle.waiting_for_100_continue = False
            self._head = self._written(message["status"], message["headers"])
            return
        more = message.get("more_body", False)
        written = self._head + self._framed(message["body"], more)
        self._head = b""
        if written:
            cycle.transport.write(written)
        if not more:
            cycle.response_complete = True
            cycle.message_event.set()
            if not cycle.keep_alive:
                cycle.transport.close()
            cycle.on_response()

    def take_body(self) -> bytes | None:
        cycle = self._cycle
        if cycle.more_body or cycle.disconnected:
            return None
        body = bytes(cycle.body)
        cycle.body = bytearray()
        cycle.message_event.clear()
        return body

    def _framed(self, body: bytes, more: bool) -> bytes:
        if self._cycle.response_complete:
            raise RuntimeError("the answer is complete")
        if self._cycle.scope["method"] == "HEAD":
            return b""
        if not self._chunked:
            if more or len(body) != self._length:
                raise RuntimeError("the answer is not as long as its content-length says")
            return body
        piece = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
        return piece if more else piece + b"0\r\n\r\n"

    def _written(self, status: int, headers: list[tuple[bytes, bytes]]) -> bytes:
        self._chunked = status not in (204, 304)
        lines = [STATUS_LINE[status]]
        for name, value in headers:
            if name == b"content-length":
                self._length, self._chunked = int(value), False
            lines.append(b"%b: %b\r\n" % (name, value))
        if self._chunked:
            lines.append(b"transfer-encoding: chunked\r\n")
        if not self._cycle.keep_alive:
            lines.append(b"connection: close\r\n")
        head = b"".join(lines)
        if not head.count(b"\n") == head.count(b"\r") == len(lines):
            raise RuntimeError("a header holds a line break")
        return head + b"\r\n"
