"""The client's side of a call over ASGI: headers, bytes, keep-alive while nothing has come, errors in-band."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from app.api.http_protocol import GatewayAnswer
from app.core.errors import AnyGPTError, SlowClient
from app.formats.base import ClientFormat
from app.formats.gemini.array import ArrayWriter
from app.services.gateway.call import Call, Header

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
Keep = Callable[[Call, bytes], Awaitable[None]]

KEEP_ALIVE_S = 15.0


class AsgiClient:
    """After 15 seconds without content the headers and a ping go out, and again every 15 seconds; a failover stays
    possible, since nothing has been said yet."""

    def __init__(
        self,
        call: Call,
        format: ClientFormat,
        send: Send,
        extra: list[Header],
        keep_alive_s: float = KEEP_ALIVE_S,
    ) -> None:
        self._call, self._format, self._send, self._extra = call, format, send, extra
        self._answer = send if isinstance(send, GatewayAnswer) else None
        self._keep_alive_s = keep_alive_s
        self.started = False
        self.given_up = False  # nothing more can be said to it
        self._timer: asyncio.TimerHandle | None = None
        self._pinging: asyncio.Task[None] | None = None
        if call.peek.stream and format.keep_alive:
            self._timer = asyncio.get_running_loop().call_later(keep_alive_s, self._start_pinging)

    async def start(self, status: int, headers: list[Header]) -> None:
        if self._timer is not None or self._pinging is not None:
            await self._stop_pinging()
        if not self.started:
            self.started = True
            self._headers = [(b"content-type", self._content_type()), *headers, *self._extra]
            if self._call.peek.stream:
                await self._send(
                    {
                        "type": "http.response.start",
                        "status": status,
                        "headers": [*self._headers, (b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")],
                    }
                )

    async def write(self, data: bytes) -> None:
        answer = self._answer
        if answer is not None and answer.ready:
            answer.put(data, True)
        else:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def finish(self, data: bytes) -> None:
        answer = self._answer
        ready = answer is not None and answer.ready
        if not self._call.peek.stream:
            headers = [*self._headers, (b"content-length", b"%d" % len(data))]
            if answer is not None and ready:
                answer.begin(200, headers)
            else:
                await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        if answer is not None and ready:
            answer.put(data, False)
        else:
            await self._send({"type": "http.response.body", "body": data})

    async def fail(self, error: AnyGPTError) -> None:
        await self._stop_pinging()
        if not self.started:
            raise error
        if isinstance(error, SlowClient):  # it would not read this either
            self.given_up = True
            return
        # a format without words for it leaves its answer without an end: the connection is closed for that
        if last := self._format.stream_error(error):
            await self.finish(last)

    def close(self) -> None:
        """The call is over, however it ended."""
        if self._timer is not None:
            self._timer.cancel()
        if self._pinging is not None:
            self._pinging.cancel()

    def _content_type(self) -> bytes:
        if self._call.content_type is not None:
            return self._call.content_type.encode("latin-1")
        return self._format.stream_type.encode() if self._call.peek.stream else b"application/json"

    def _start_pinging(self) -> None:
        self._pinging = asyncio.get_running_loop().create_task(self._ping(), name=f"keep-alive {self._call.id}")

    async def _ping(self) -> None:
        known: list[Header] = [
            (b"x-request-id", self._call.id.encode()),
            (b"x-anygpt-router", self._call.router.encode()),
        ]
        self.started = True
        await self._send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [
                    (b"content-type", self._content_type()),
                    *known,
                    *self._extra,
                    (b"cache-control", b"no-cache"),
                ],
            }
        )
        while True:
            await self.write(self._format.keep_alive)
            await asyncio.sleep(self._keep_alive_s)

    async def _stop_pinging(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._pinging is not None:
            self._pinging.cancel()
            await asyncio.gather(self._pinging, return_exceptions=True)
            self._pinging = None


class KeepingClient(AsgiClient):
    """Keeps the answer of the Responses API before its end goes out: its client may ask for it at once."""

    def __init__(self, keep: Keep, *given: Any) -> None:
        super().__init__(*given)
        self._keep = keep

    async def finish(self, data: bytes) -> None:
        if self._call.status == 200:
            await self._keep(self._call, data)
        await super().finish(data)


class ArrayClient(AsgiClient):
    """Gemini's stream for a client that did not ask for `alt=sse`: one JSON array."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._writer = ArrayWriter()

    async def write(self, data: bytes) -> None:
        if piece := self._writer.feed(data):
            await super().write(piece)

    async def finish(self, data: bytes) -> None:
        await super().finish(self._writer.feed(data) + self._writer.close())

    def _content_type(self) -> bytes:
        return b"application/json"
