"""Newline-delimited JSON, read in any chunking."""

from __future__ import annotations

from app.core.errors import UnreadableAnswer
from app.formats.sse import MAX_EVENT

_BOM = b"\xef\xbb\xbf"


class LineReader:
    """Bytes → lines without their ends; blank lines are left out. The last line may lack its end: `close` gives it."""

    def __init__(self, limit: int = MAX_EVENT) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._started = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """Raises UnreadableAnswer for a line over the limit."""
        end = chunk.rfind(b"\n")
        if end < 0:
            self._buffer += chunk
            self._check_size(len(self._buffer))
            return []
        whole = bytes(self._buffer) + chunk[:end]
        self._buffer = bytearray(chunk[end + 1 :])
        self._check_size(len(self._buffer))
        return self._lines(whole)

    def close(self) -> list[bytes]:
        rest = bytes(self._buffer)
        self._buffer.clear()
        return self._lines(rest)

    def _lines(self, whole: bytes) -> list[bytes]:
        if not self._started and whole:
            self._started = True
            whole = whole.removeprefix(_BOM)
        lines = [line for piece in whole.split(b"\n") if (line := piece.strip())]
        for line in lines:
            self._check_size(len(line))
        return lines

    def _check_size(self, size: int) -> None:
        if size > self._limit:
            raise UnreadableAnswer(f"The provider sent a line of more than {self._limit} bytes.")
