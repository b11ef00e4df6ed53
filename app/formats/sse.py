"""Server-sent events, read in any chunking and written."""

from __future__ import annotations

from typing import Any, NamedTuple

from app.core.errors import UnreadableAnswer
from app.formats.payload import dump

MAX_EVENT = 64 * 1024 * 1024  # pictures come in one event each; as much as a whole answer may have
_BOM = b"\xef\xbb\xbf"


class Frame(NamedTuple):
    """One event: its name ("" where it has none) and its data lines joined."""

    event: str
    data: bytes


class SSEReader:
    """Bytes → frames. Comments, ids and empty events are left out; any line ends; an event may lack its blank line.

    A body that is no event stream but plain JSON (an error, or an answer that ignored `stream`) comes out of `close`
    as one frame."""

    def __init__(self, limit: int = MAX_EVENT) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._searched = 0
        self._carriage_return = False  # the chunk before ended in CR: LF may follow
        self._started = False
        self._plain = False

    def feed(self, chunk: bytes) -> list[Frame]:
        if not chunk:
            return []
        chunk = self._unix(chunk)
        buffer = self._buffer
        buffer += chunk
        if not self._started:
            self._begin()
        if self._plain:
            self._check_size(len(buffer))
            return []
        end = buffer.rfind(b"\n\n", max(self._searched - 1, 0))
        if end < 0:
            self._searched = len(buffer)
            self._check_size(len(buffer))
            return []
        whole = bytes(buffer[:end])
        del buffer[: end + 2]
        self._searched = len(buffer)
        self._check_size(len(buffer))
        frames = []
        for block in whole.split(b"\n\n"):
            self._check_size(len(block))
            frame = parse_event(block)
            if frame is not None:
                frames.append(frame)
        return frames

    def close(self) -> list[Frame]:
        rest = bytes(self._buffer)
        self._buffer.clear()
        if self._plain:
            return [Frame("", rest)]
        frame = parse_event(rest)
        return [frame] if frame else []

    def _unix(self, chunk: bytes) -> bytes:
        if self._carriage_return:
            chunk = b"\r" + chunk
            self._carriage_return = False
        if b"\r" not in chunk:
            return chunk
        if chunk.endswith(b"\r"):
            chunk = chunk[:-1]
            self._carriage_return = True
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _begin(self) -> None:
        if self._buffer.startswith(_BOM):
            del self._buffer[:3]
        elif _BOM.startswith(bytes(self._buffer[:3])):
            return  # the mark is not complete yet
        start = bytes(self._buffer.lstrip()[:1])
        if start:
            self._started = True
            self._plain = start in (b"{", b"[")

    def _check_size(self, size: int) -> None:
        if size > self._limit:
            raise UnreadableAnswer(f"The provider sent an event of more than {self._limit} bytes.")


def parse_event(block: bytes) -> Frame | None:
    """One event's lines (LF ends) → its frame, None where it carries no data."""
    if block.startswith(b"data: ") and b"\n" not in block:
        return Frame("", block[6:])
    event, data = "", []
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        value = value[1:] if value.startswith(b" ") else value
        if name == b"data":
            data.append(value)
        elif name == b"event":
            event = value.decode("utf-8", "replace")
    return Frame(event, b"\n".join(data)) if data else None


def write_event(value: Any, event: str = "") -> bytes:
    """`data: {…}` with its blank line, and `event: …` before it where it has a name."""
    if event:
        return b"event: %b\ndata: %b\n\n" % (event.encode(), dump(value))
    return b"data: %b\n\n" % dump(value)
