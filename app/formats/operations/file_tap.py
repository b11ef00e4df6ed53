"""The tap beside an answer that is passed on while it grows, whatever it is: sound, text, events, JSON."""

from __future__ import annotations

from typing import Any

from app.core.chat import FinishReason, Usage
from app.core.errors import UpstreamError
from app.formats.failures import in_band
from app.formats.operation_usage import read_operation_usage
from app.formats.payload import as_dict, try_read
from app.formats.relay_only import DoneTap

_MAX_JSON = 16 * 2**20
_EVENTS = (b"data:", b"event:", b": ", b":\n")
_LONGEST = 6  # bytes that tell what it is


class FileTap:
    """A file is content from its first byte and ends with its body. Events are looked at as such. JSON is kept back
    until it is whole: it may be an error, which is no file, or an answer that did not heed `stream`."""

    def __init__(self) -> None:
        self.content = False
        self.usage: Usage | None = None
        self.finish: FinishReason | None = None
        self.error: UpstreamError | None = None
        self.ended = False
        self.tail = b""
        self.events = 0
        self.output_text = 0
        self.said = ""
        self._head = b""
        self._events: DoneTap | None = None
        self._json: bytearray | None = None

    def text_rate(self, block: bytes) -> float:
        return 0.0

    def feed(self, chunk: bytes) -> bytes:
        if not self.events:
            chunk = self._head + chunk
            if len(chunk.lstrip()) < _LONGEST:
                self._head = chunk
                return b""
            self._tell(chunk)
        return self._take(chunk)

    def close(self) -> bytes:
        rest = b""
        if not self.events and self._head:
            self._tell(self._head)
            rest = self._take(self._head)
        if self._events is not None:
            rest += self._events.close()
            self._copy(self._events)
            return rest
        self.ended = self.events > 0
        self.finish = FinishReason.STOP
        if self._json is None:
            return rest
        value = as_dict(try_read(bytes(self._json)))
        if value.get("error"):
            self.error = in_band(value, bytes(self._json[:65536]))
        self.usage = read_operation_usage(value)
        self.content = True
        return bytes(self._json)

    def tail_with(self, extra: dict[str, Any]) -> bytes:
        return self._events.tail_with(extra) if self._events is not None else self.tail

    def _tell(self, start: bytes) -> None:
        if start.lstrip().startswith(_EVENTS):
            self._events = DoneTap()
        elif start.lstrip().startswith(b"{"):
            self._json = bytearray()

    def _take(self, chunk: bytes) -> bytes:
        self.events += 1
        if self._events is not None:
            out = self._events.feed(chunk)
            self._copy(self._events)
            return out
        if self._json is not None:
            self._json += chunk
            if len(self._json) < _MAX_JSON:
                return b""
            chunk, self._json = bytes(self._json), None
        self.content = True
        return chunk

    def _copy(self, tap: DoneTap) -> None:
        self.content, self.usage, self.finish, self.error = tap.content, tap.usage, tap.finish, tap.error
        self.ended, self.tail = tap.ended, tap.tail
