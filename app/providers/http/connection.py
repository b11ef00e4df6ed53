"""One connection to a provider: what arrives is parsed and handed to the answer that is due."""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from app.providers.http.answer import HttpAnswer
from app.providers.http.faults import Cause
from app.providers.http.request_head import Origin

MAX_HEAD = 64 * 1024
"""Bytes of status line and headers, interim answers included; also of framing that brings no byte of the body."""
MAX_UNREAD = 256 * 1024
"""Bytes of a body that wait for their reader before the provider is slowed down."""


class Owner(Protocol):
    """The pool, as a connection sees it."""

    def opened(self, connection: Connection) -> None: ...

    def give_back(self, connection: Connection) -> None:
        """An answer came to its end, and the connection can carry another."""
        ...

    def lost(self, connection: Connection) -> None: ...


class Connection(asyncio.Protocol):
    """Carries one request at a time. `usable` until either side closes it."""

    def __init__(self, owner: Owner, origin: Origin) -> None:
        self.origin = origin
        self.usable = True
        self.reused = False  # it has carried a whole exchange before this one
        self.idle_since = 0.0
        self.upload: asyncio.Task[None] | None = None
        self._owner = owner
        self._answer: HttpAnswer | None = None
        self._heard = False  # anything since the request went out, or unasked
        self._head_only = False
        self._head_bytes = 0
        self._barren_bytes = 0
        self._complete = False
        self._keep_alive = False
        self._paused = False
        self._may_write: asyncio.Future[None] | None = None
        self._lost = False
        fields: dict[bytes, bytes] = {}
        pieces: list[bytes] = []
        # Methods of the containers themselves: the parser calls them without a Python frame for each header and piece.
        self.on_header = fields.__setitem__
        self.on_body = pieces.append
        self._fields = fields
        self._pieces = pieces
        self._parser = HttpResponseParser(self)
        # What real servers get wrong without harm: control characters, LF without CR, spaces after a chunk size.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )

    @property
    def stale(self) -> bool:
        """Whether it was a kept-alive connection that has not said a byte since it was asked."""
        return self.reused and not self._heard

    def ask(self, message: bytes, answer: HttpAnswer, *, head_only: bool) -> None:
        """Sends a request, or its head where an upload follows; `answer` hears of everything from then on."""
        if not self.usable:
            answer.fail(Cause.NOT_HTTP if self._heard and not self.reused else Cause.HUNG_UP)
            return
        self._answer = answer
        self._heard = self._complete = False
        self._head_only = head_only
        self._head_bytes = self._barren_bytes = 0
        self._transport.write(message)

    def write(self, data: bytes) -> None:
        if self.usable:
            self._transport.write(data)

    async def drained(self) -> None:
        """Waits while the provider takes in less than was written; ends at once when the connection is lost."""
        if self._may_write is not None and self.usable:
            await self._may_write

    def resume(self) -> None:
        """The reader has taken what waited."""
        if self._paused:
            self._paused = False
            if not self._lost:
                self._transport.resume_reading()

    def let_go(self, answer: HttpAnswer) -> None:
        """Nobody wants the rest of an answer: the provider sees the connection close at once."""
        if self._answer is answer:
            self._answer = None
            self.abort()

    def abort(self) -> None:
        self.usable = False
        self._stop_upload()
        self._wake_writer()
        if not self._lost:
            self._transport.abort()  # close() would wait for a provider that does not read

    # ---- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.loop = asyncio.get_running_loop()  # kept, since asking for it is a system call each time
        self._transport = cast(asyncio.Transport, transport)
        self._owner.opened(self)

    def data_received(self, data: bytes) -> None:
        self._heard = True
        answer = self._answer
        if answer is None:  # unasked: a greeting, or a farewell such as 408
            self.abort()
            return
        had_head = answer.status != 0
        pieces = self._pieces
        sound = True
        if not had_head:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            sound = False
            if isinstance(error.__context__, _HeadTooLong):
                self._fail(answer, Cause.HEAD_TOO_LONG)
                return
        if pieces:
            if not self._head_only:
                answer.feed(pieces[0] if len(pieces) == 1 else b"".join(pieces))
            pieces.clear()
            self._barren_bytes = 0
        elif had_head:
            self._barren_bytes += len(data)
        if self._complete:
            self._answer = None
            self.resume()
            answer.end()
            if sound and self._keep_alive and self.upload is None and self.usable:
                self.reused = True
                self._owner.give_back(self)
            else:
                self.abort()
        elif not sound:
            self._fail(answer, Cause.BROKE_OFF if answer.status else Cause.NOT_HTTP)
        elif self._barren_bytes > MAX_HEAD:
            self._fail(answer, Cause.BROKE_OFF)
        elif not answer.status:
            if self._head_bytes > MAX_HEAD:
                self._fail(answer, Cause.HEAD_TOO_LONG)
        else:
            if answer.unread > MAX_UNREAD and not self._paused:
                self._paused = True
                self._transport.pause_reading()
            answer.wake()

    def eof_received(self) -> None:
        self.usable = False  # the transport closes itself, and says so in connection_lost

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        self._lost = True
        self._stop_upload()
        self._wake_writer()
        self._owner.lost(self)
        answer, self._answer = self._answer, None
        if answer is None:
            return
        if isinstance(exc, TimeoutError):
            answer.fail(Cause.SILENT)
        elif not answer.status:
            answer.fail(Cause.HUNG_UP)
        elif exc is None and answer.ends_with_connection():
            answer.end()
        else:
            answer.fail(Cause.BROKE_OFF)

    def pause_writing(self) -> None:
        self._may_write = self.loop.create_future()

    def resume_writing(self) -> None:
        self._wake_writer()

    # ---- what the parser calls

    def on_message_begin(self) -> None:
        if self._complete:
            raise _UnaskedAnswer  # a second answer behind the first: the parser stops, the connection is not used again

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        answer = self._answer
        if status < 200 or answer is None:
            if status < 100:
                raise _UnaskedAnswer
            return
        if self._head_bytes > MAX_HEAD and self._head_size() > MAX_HEAD:
            raise _HeadTooLong
        answer.begin(status, self._fields.copy())
        self._fields.clear()
        if self.upload is not None and status >= 300:
            self._stop_upload()  # refused while it is under way: the rest would be thrown away
            self.usable = False
        if self._head_only:
            self._complete, self._keep_alive = True, False

    def on_message_complete(self) -> None:
        self._fields.clear()  # of an interim answer, or trailers
        answer = self._answer
        if answer is not None and answer.status and not self._complete:
            self._complete = True
            self._keep_alive = self._parser.should_keep_alive()

    def _fail(self, answer: HttpAnswer, cause: Cause) -> None:
        self._answer = None
        self.abort()
        answer.fail(cause)

    def _head_size(self) -> int:
        return sum(len(name) + len(value) + 4 for name, value in self._fields.items())

    def _stop_upload(self) -> None:
        if self.upload is not None:
            self.upload.cancel()

    def _wake_writer(self) -> None:
        waiting, self._may_write = self._may_write, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)


class _UnaskedAnswer(Exception):
    pass


class _HeadTooLong(Exception):
    pass
