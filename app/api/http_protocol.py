"""uvicorn's HTTP/1.1 protocol with a time-out for heads of requests, and the gateway's answers in one piece.

uvicorn writes head and body of an answer separately and looks at every header for signs of smuggling; both are felt
where an answer is small. The gateway's headers are its own, and are looked at once, as a block."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

HEAD_S = 30.0  # for a connection's first byte, and for each request's head from its first byte
MAX_HEAD = 64 * 1024  # bytes of a head, or of anything else that brings no request nearer to its end
BODY_S = 90.0  # between two looks at a body that is not whole; the gateway has its own, shorter patience
WRITE_S = 60.0  # between two looks at a client that does not read its answer
LEAST_RATE = 1024  # bytes a second that must come or be taken from one look to the next
GATEWAY = ("/v1", "/openai/", "/anthropic/", "/gemini/", "/groq/")
ANSWER = "anygpt.answer"  # in the scope until the answer is complete: the GatewayAnswer
_END = b"connection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\n" + _END
_TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\n" + _END


class HttpProtocol(HttpToolsProtocol):
    """Gives up clients that keep a connection busy with nothing: a head or a body that does not come or never ends,
    or that nobody wants any more, an answer that is not read. What has been answered stays answered."""

    head_s = HEAD_S
    body_s = BODY_S
    write_s = WRITE_S
    _answering: GatewayAnswer | None = None
    _in_head = False
    _head_timer: asyncio.TimerHandle | None = None
    _body_timer: asyncio.TimerHandle | None = None
    _body_size = 0  # of what came of a body since the last look
    _write_timer: asyncio.TimerHandle | None = None
    _unwritten = 0
    _barren = 0  # bytes since a head was complete or a piece of a body came

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(self.head_s, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._stop_watching()
        if self._body_timer is not None:
            self._body_timer.cancel()
        super().connection_lost(exc)
        if self._answering is not None:
            self._answering.lost()

    def data_received(self, data: bytes) -> None:
        self._barren += len(data)
        super().data_received(data)
        if self._barren > MAX_HEAD:
            self._hang_up(_TOO_LONG)
        elif self._in_head or self._answered():  # most heads come whole and need no timer, and most bodies
            if self._head_timer is None:
                self._head_timer = self.loop.call_later(self.head_s, self._too_slow)
        elif self.cycle.more_body and self._body_timer is None:
            self._watch_body()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reading()

    def resume_writing(self) -> None:
        self._stop_watching()
        super().resume_writing()

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        self._barren = 0
        self._body_size += len(body)
        super().on_body(body)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._barren = 0
        if self._head_timer is not None:
            self._stop_waiting()
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if cycle.scope["path"].startswith(GATEWAY):
            answer = GatewayAnswer(cycle)
            cycle.send = answer  # type: ignore[method-assign]
            self._answering = answer
            cycle.scope[ANSWER] = answer  # type: ignore[literal-required]
        super()._start_asgi_task(cycle, app)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        if self._answered():
            self._hang_up(_TOO_SLOW)
        else:  # the next head may wait for the answer before it
            self._head_timer = self.loop.call_later(self.head_s, self._too_slow)

    def _hang_up(self, reason: bytes) -> None:
        transport = self.transport
        if transport.is_closing() or transport.get_protocol() is not self:  # it may have become a websocket
            return
        if self._answered() and (self._in_head or self.cycle is None):
            transport.write(reason)
        transport.close()

    def _answered(self) -> bool:
        """Nothing that was asked is still to be answered: whatever comes is the next head, or left over."""
        return self.cycle is None or self.cycle.response_complete

    def _watch_body(self) -> None:
        self._body_size = 0
        self._body_timer = self.loop.call_later(self.body_s, self._look_at_body, self.cycle)

    def _look_at_body(self, watched: RequestResponseCycle) -> None:
        self._body_timer = None
        cycle = self.cycle
        if self._answered() or not cycle.more_body:
            return
        if cycle is not watched or self.flow.read_paused or self._body_size >= self.body_s * LEAST_RATE:
            self._watch_body()
        elif cycle.response_started:
            self.transport.abort()
        else:
            self.transport.write(_TOO_SLOW)
            self.transport.close()

    def _watch_reading(self) -> None:
        self._unwritten = self.transport.get_write_buffer_size()
        self._write_timer = self.loop.call_later(self.write_s, self._look_at_reading)

    def _look_at_reading(self) -> None:
        taken = self._unwritten - self.transport.get_write_buffer_size()
        if taken < self.write_s * LEAST_RATE:
            self.transport.abort()  # close() would wait for it
        else:
            self._watch_reading()

    def _stop_watching(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None


class GatewayAnswer:
    """ASGI's `send` for one request of the gateway, and what ASGI has no words for. The head waits for the first
    piece of the body."""

    __slots__ = ("_chunked", "_cycle", "_head", "_left", "_length")

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle
        self._head = b""
        self._chunked = True
        self._length = 0
        self._left: Callable[[], None] | None = None

    async def __call__(self, message: Any) -> None:
        cycle = self._cycle
        if cycle.flow.write_paused and not cycle.disconnected:
            await cycle.flow.drain()
        if cycle.disconnected:
            return
        if message["type"] == "http.response.start":
            self.begin(message["status"], message["headers"])
        else:
            self.put(message["body"], message.get("more_body", False))

    @property
    def ready(self) -> bool:
        """Whether `begin` and `put` may be called at once, without the messages: the client is there, and reads."""
        return not (self._cycle.flow.write_paused or self._cycle.disconnected)

    def begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """The head, which goes out with the first piece."""
        cycle = self._cycle
        cycle.response_started = True
        cycle.waiting_for_100_continue = False
        self._head = self._written(status, headers)

    def put(self, body: bytes, more: bool) -> None:
        """A piece of the body; `more` says that it is not the last."""
        cycle = self._cycle
        written = self._head + self._framed(body, more)
        self._head = b""
        if written:
            cycle.transport.write(written)
        if not more:
            cycle.response_complete = True
            cycle.message_event.set()
            if not cycle.keep_alive:
                cycle.transport.close()
            # nothing refers to itself any more, or each request would wait for the garbage collector
            del cycle.send
            del cycle.scope[ANSWER]  # type: ignore[misc]
            self._left = None
            cycle.on_response()

    def on_leave(self, act: Callable[[], None]) -> None:
        """What is called when the client leaves before its answer's end."""
        self._left = act

    def lost(self) -> None:
        """The connection is gone."""
        if self._left is not None and not self._cycle.response_complete:
            self._left()

    def abort(self) -> None:
        """Ends the connection at once, whatever is still to be written."""
        self._cycle.disconnected = True
        self._cycle.transport.abort()

    def take_body(self) -> bytes | None:
        """The whole body where it is there, else None; `receive` follows on it."""
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
