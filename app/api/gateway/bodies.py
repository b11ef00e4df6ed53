"""Reading what clients send: whole JSON bodies in memory, forms with files on disk."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from email.message import Message as Header
from pathlib import Path
from typing import IO, Any, NamedTuple

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from app.api.gateway.client_side import Receive
from app.api.http_protocol import ANSWER, GatewayAnswer
from app.core.errors import BadRequest, SlowClient, TooLarge, Unavailable
from app.formats.base import UploadBody
from app.formats.payload import dump
from app.services.gateway.alarm import Alarm, running

PIECE = 256 * 1024
_NO_ROOM = "A form with a file waits on the server's disk, which is full or not writable; an admin should look at it."
_FORMS = (b"application/x-www-form-urlencoded", b"multipart/")
MAX_BOUNDARY = 70  # RFC 2046
MAX_FIELDS = 64 * 1024  # bytes of a form's plain fields together, with their names


class Pace(NamedTuple):
    """How slowly a body may come: at most `idle_s` between two pieces; after `grace_s` in all, `least_rate` bytes a
    second on average."""

    idle_s: float = 30.0
    grace_s: float = 60.0
    least_rate: float = 1024


PACE = Pace()


class ClientGone(Exception):
    pass


async def read_body(receive: Receive, headers: Mapping[bytes, bytes], limit: int, pace: Pace = PACE) -> bytes:
    """The whole body. Raises TooLarge as soon as it is, or says that it is, longer than `limit`, SlowClient when it
    does not come, ClientGone when the client left."""
    check_length(headers, limit)
    first = await _next(receive, pace)
    body: bytes = first.get("body", b"")
    if not first.get("more_body", False):
        check_size(len(body), limit)
        return body
    pieces = [body]
    async for piece in _rest(receive, limit, len(body), pace):
        pieces.append(piece)
    return b"".join(pieces)


def take_body(scope: Mapping[str, Any], limit: int) -> bytes | None:
    """The body where this server has all of it already, which saves waiting for it; else None."""
    answer: GatewayAnswer | None = scope.get(ANSWER)
    body = answer.take_body() if answer is not None else None
    if body is not None:
        check_size(len(body), limit)
    return body


async def _rest(receive: Receive, limit: int, size: int, pace: Pace) -> AsyncIterator[bytes]:
    """The pieces after the first, while the client keeps its pace."""
    loop = asyncio.get_running_loop()
    started, more = loop.time(), True
    while more:
        check_size(size, limit)
        message = await _next(receive, pace)
        piece: bytes = message.get("body", b"")
        size += len(piece)
        more = message.get("more_body", False)
        if (took := loop.time() - started) > pace.grace_s and size < took * pace.least_rate:
            raise SlowClient("The body came too slowly; send it without pauses.")
        yield piece
    check_size(size, limit)


async def _next(receive: Receive, pace: Pace) -> Any:
    task = running()
    alarm = Alarm(task, task.get_loop().time() + pace.idle_s)
    try:
        message = await receive()
    except asyncio.CancelledError:
        if not alarm.answered():
            raise
        raise SlowClient(f"No part of the body came for {pace.idle_s:g} s; send it without pauses.") from None
    finally:
        alarm.stop()
    if message["type"] == "http.disconnect":
        raise ClientGone
    return message


def check_size(size: int, limit: int) -> None:
    if size > limit:
        raise TooLarge(f"The body is larger than {limit // 2**20} MB, the limit here (setting max_body_mb).")


def check_length(headers: Mapping[bytes, bytes], limit: int) -> None:
    """Whoever says beforehand that a body is too large need not send it."""
    length = headers.get(b"content-length", b"")
    if len(length) > 6 and length.isdigit():
        check_size(int(length), limit)


def check_json(headers: Mapping[bytes, bytes]) -> None:
    """JSON under whatever name is read; what calls itself a form or is packed is not. Raises BadRequest."""
    content_type = headers.get(b"content-type", b"")
    if content_type != b"application/json" and content_type.lower().startswith(_FORMS):
        named = content_type.partition(b";")[0].decode("latin-1").lower()
        raise BadRequest(f"The body is called {named}; send JSON, with content-type: application/json.")
    if (coding := headers.get(b"content-encoding", b"identity").lower()) != b"identity":
        raise BadRequest(f"The body is packed ({coding.decode('latin-1')[:20]}); send it as it is.")


class Form:
    """A multipart form in a temporary file, with its plain fields read and the place of its model's name known."""

    def __init__(self, file: IO[bytes], content_type: str) -> None:
        self._file = file
        self.content_type = content_type
        self.size = 0
        self.fields: dict[str, str] = {}
        self.model_at: tuple[int, int] | None = None

    def naming(self, model: str) -> UploadBody:
        return _Renamed(self._file, self.size, self.model_at, model.encode())

    def as_json(self) -> bytes:
        """The plain fields, for what reads requests; `stream` as the truth value it means."""
        value: dict[str, Any] = dict(self.fields)
        if "stream" in value:
            value["stream"] = value["stream"].strip().lower() in ("true", "1", "yes")
        return dump(value)

    def close(self) -> None:
        self._file.close()


async def read_form(
    receive: Receive, headers: Mapping[bytes, bytes], limit: int, folder: Path, pace: Pace = PACE
) -> Form:
    """A form, at most `limit` bytes, in a file of `folder` that dies with it. Raises as read_body, and BadRequest."""
    content_type = headers.get(b"content-type", b"").decode("latin-1")
    boundary = _boundary(content_type)
    check_length(headers, limit)
    try:
        form = Form(await asyncio.to_thread(tempfile.TemporaryFile, dir=folder), content_type)
    except OSError as error:
        raise Unavailable(_NO_ROOM, retry_after=10) from error
    try:
        reader = _FormReader(form, boundary)
        waiting = bytearray()
        first = await _next(receive, pace)
        waiting += reader.take(first.get("body", b""))
        check_size(form.size, limit)
        if first.get("more_body", False):
            async for piece in _rest(receive, limit, form.size, pace):
                waiting += reader.take(piece)
                if len(waiting) >= PIECE:
                    await asyncio.to_thread(form._file.write, bytes(waiting))
                    waiting.clear()
        await asyncio.to_thread(form._file.write, bytes(waiting))
        reader.finish()
        return form
    except OSError as error:
        form.close()
        raise Unavailable(_NO_ROOM, retry_after=10) from error
    except BaseException:
        form.close()
        raise


class _FormReader:
    """Follows a form's bytes as they pass: keeps plain fields, passes over files."""

    def __init__(self, form: Form, boundary: str) -> None:
        self._form = form
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_end": self._whole,
            },
        )
        self._complete = False
        self._fields_size = 0
        self._begin()

    def take(self, piece: bytes) -> bytes:
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise BadRequest(f"The form is malformed ({error}); send multipart/form-data.") from None
        self._form.size += len(piece)
        return piece

    def finish(self) -> None:
        if not self._complete:
            raise BadRequest("The form breaks off before its end; send it whole.")
        if "model" not in self._form.fields:
            raise BadRequest("model: this field is missing; the form needs it.", field="model")

    def _begin(self) -> None:
        self._name, self._is_file = "", False
        self._field, self._value = bytearray(), bytearray()
        self._text = bytearray()
        self._at: int | None = None

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if bytes(self._field).lower() == b"content-disposition":
            header = Header()
            header["content-disposition"] = self._value.decode("utf-8", "replace")
            self._name = str(header.get_param("name", "", header="content-disposition"))
            self._is_file = header.get_filename() is not None
            self._count(len(self._name))
        self._field, self._value = bytearray(), bytearray()

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            return
        if self._at is None:
            self._at = self._form.size + start
        self._text += data[start:end]
        self._count(end - start)

    def _count(self, size: int) -> None:
        self._fields_size += size
        if self._fields_size > MAX_FIELDS:
            raise BadRequest(f"The form's fields are longer than {MAX_FIELDS} bytes together; shorten them.")

    def _end(self) -> None:
        # which of two a provider reads is its own affair: neither may name a model that nobody looked at
        if self._name == "model" and (self._is_file or "model" in self._form.fields):
            raise BadRequest("model: this field stands once in a form, as text.", field="model")
        if self._is_file or not self._name:
            return
        self._form.fields[self._name] = self._text.decode("utf-8", "replace")
        if self._name == "model" and self._at is not None:
            self._form.model_at = (self._at, self._at + len(self._text))

    def _whole(self) -> None:
        self._complete = True


class _Renamed:
    """The form's bytes with another name in the model's place, read from disk as they are sent."""

    def __init__(self, file: IO[bytes], size: int, at: tuple[int, int] | None, name: bytes) -> None:
        self._file, self._size = file, size
        self._start, self._end = at or (0, 0)
        self._name = name
        self.length = size - (self._end - self._start) + len(name)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._span(0, self._start):
            yield piece
        yield self._name
        async for piece in self._span(self._end, self._size):
            yield piece

    async def _span(self, start: int, end: int) -> AsyncIterator[bytes]:
        while start < end:
            piece = await asyncio.to_thread(self._read, start, min(PIECE, end - start))
            start += len(piece)
            yield piece

    def _read(self, start: int, size: int) -> bytes:
        self._file.seek(start)
        return self._file.read(size)


def _boundary(content_type: str) -> str:
    header = Header()
    header["content-type"] = content_type
    boundary = header.get_param("boundary")
    whole = isinstance(boundary, str) and 0 < len(boundary) <= MAX_BOUNDARY
    if header.get_content_type() != "multipart/form-data" or not whole:
        raise BadRequest("This address takes a form: send Content-Type multipart/form-data with its boundary.")
    return str(boundary)
