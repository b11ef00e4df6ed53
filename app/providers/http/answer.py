"""The answer to one call: what has arrived of it, and whoever waits for the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Protocol

from app.core.errors import UnreadableAnswer
from app.providers.addresses import host_of
from app.providers.http.content_coding import BadCoding, Decoder, decoder_for
from app.providers.http.faults import Cause, network_failure


class Carrier(Protocol):
    """The connection, as an answer sees it."""

    loop: asyncio.AbstractEventLoop

    def resume(self) -> None: ...

    def let_go(self, answer: HttpAnswer) -> None: ...


class HttpAnswer:
    """`status` is 0 until the headers have come; `unread` is how many bytes of the body wait here.
    A body that came compressed is read plain, and the headers then speak of neither coding nor length."""

    __slots__ = (
        "_carrier", "_decoder", "_ended", "_fault", "_fields", "_headers", "_idle_s", "_pieces", "_url", "_waiter",
        "status", "unread",
    )  # fmt: skip

    def __init__(self, carrier: Carrier, url: str, idle_s: float | None) -> None:
        self.status = 0
        self.unread = 0
        self._carrier = carrier
        self._url = url
        self._idle_s = idle_s
        self._fields: dict[bytes, bytes] = {}
        self._headers: dict[str, str] | None = None
        self._decoder: Decoder | None = None
        self._pieces: list[bytes] = []
        self._ended = False
        self._fault: Cause | BaseException | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def headers(self) -> dict[str, str]:
        if self._headers is None:
            self._headers = {_name(name): value.decode("latin-1") for name, value in self._fields.items()}
            if self._headers.get("content-encoding", "identity") != "identity":
                del self._headers["content-encoding"]
                self._headers.pop("content-length", None)
        return self._headers

    @property
    def complete(self) -> bool:
        return self._ended and not self._pieces and (self._decoder is None or self._decoder.finished)

    async def read(self, limit: int) -> bytes:
        if self._ended and not self._coding():
            body = self._take()
            if len(body) > limit:
                raise self._too_long(limit)
            return body
        pieces: list[bytes] = []
        size = 0
        async for piece in self.chunks():
            size += len(piece)
            if size > limit:
                self.close()
                raise self._too_long(limit)
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def chunks(self) -> AsyncIterator[bytes]:
        """All that has arrived, joined, each time it is asked."""
        decoder = self._decoder_of_body()
        while True:
            if piece := self._take():
                if decoder is None:
                    yield piece
                    continue
                try:
                    for plain in decoder.decode(piece):
                        yield plain
                except BadCoding as error:
                    self.close()
                    raise network_failure(Cause.NOT_DECODABLE, self._url) from error
            elif self._ended:
                if decoder is not None and not decoder.finished:
                    raise network_failure(Cause.BROKE_OFF, self._url)
                return
            elif self._fault is not None:
                raise self.failure()
            else:
                await self._arrival(self._idle_s)

    def close(self) -> None:
        if not self._ended and self._fault is None:
            self._give_up(Cause.CLOSED_HERE)
        self._pieces.clear()
        self.unread = 0

    async def begun(self, within_s: float | None) -> bool:
        """Waits for the headers; False means that `failure` says why there are none. Cancelled, it ends the call."""
        try:
            if within_s is None:
                await self._head()
            else:
                async with asyncio.timeout(within_s):
                    await self._head()
        except TimeoutError:
            if not self.status:
                self._give_up(Cause.SILENT)
        except asyncio.CancelledError:
            self.close()
            raise
        return self.status != 0

    @property
    def hung_up(self) -> bool:
        return self._fault is Cause.HUNG_UP

    def failure(self) -> BaseException:
        fault = self._fault
        return fault if isinstance(fault, BaseException) else network_failure(fault or Cause.HUNG_UP, self._url)

    # ---- what the connection calls

    def begin(self, status: int, fields: dict[bytes, bytes]) -> None:
        self.status = status
        self._fields = fields

    def feed(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self.unread += len(piece)

    def end(self) -> None:
        self._ended = True
        self.wake()

    def fail(self, fault: Cause | BaseException) -> None:
        """The first fault stands. What arrived before it can still be read."""
        if not self._ended and self._fault is None:
            self._fault = fault
        self.wake()

    def wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def ends_with_connection(self) -> bool:
        """Whether nothing else says where the body ends (RFC 9112, 6.3)."""
        fields = {name.lower(): value.lower() for name, value in self._fields.items()}
        return b"content-length" not in fields and b"chunked" not in fields.get(b"transfer-encoding", b"")

    async def _head(self) -> None:
        while not self.status and self._fault is None:
            await self._arrival(None)

    def _give_up(self, cause: Cause) -> None:
        self.fail(cause)
        self._carrier.let_go(self)

    def _take(self) -> bytes:
        pieces = self._pieces
        if not pieces:
            return b""
        taken = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self.unread = 0
        if not self._ended:  # else the connection may carry another answer already
            self._carrier.resume()
        return taken

    async def _arrival(self, within_s: float | None) -> None:
        waiter = self._waiter = self._carrier.loop.create_future()
        try:
            if within_s is None:
                await waiter
                return
            async with asyncio.timeout(within_s):
                await waiter
        except TimeoutError:
            self._give_up(Cause.SILENT)
        finally:
            self._waiter = None

    def _coding(self) -> bytes:
        for name, value in self._fields.items():
            if len(name) == 16 and name.lower() == b"content-encoding":
                return value
        return b""

    def _decoder_of_body(self) -> Decoder | None:
        if self._decoder is None and (coding := self._coding()):
            try:
                self._decoder = decoder_for(coding.decode("latin-1"))
            except BadCoding as error:
                self.close()
                raise network_failure(Cause.NOT_DECODABLE, self._url) from error
        return self._decoder

    def _too_long(self, limit: int) -> UnreadableAnswer:
        return UnreadableAnswer(f"{host_of(self._url)} answered with more than {limit} bytes.")


@lru_cache(maxsize=512)
def _name(raw: bytes) -> str:
    return raw.decode("latin-1").lower()
