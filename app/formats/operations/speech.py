"""Speech from a text: sound as it comes, or events."""

from __future__ import annotations

from typing import Any

from app.core.chat import FinishReason, Usage
from app.core.errors import AnyGPTError, UpstreamError
from app.formats.base import ClientFormat, Peek, Tap
from app.formats.failures import in_band
from app.formats.payload import as_dict, try_read
from app.formats.relay_only import DoneTap, RelayOnly

_MAX_JSON = 16 * 2**20


class Speech(RelayOnly):
    """The answer is a file that is passed on while it grows, so it counts as a stream."""

    name = "openai-speech"
    asks = "speech"
    path = "/audio/speech"
    needs = frozenset({"audio_out"})
    stream_type = ""
    keep_alive = b""

    def peek(self, body: bytes, path_model: str | None = None, path_stream: bool | None = None) -> Peek:
        seen = super().peek(body)
        seen.stream = True
        return seen

    def tap(self, *, strip_usage: bool) -> Tap:
        return FileTap()

    def stream_error(self, error: AnyGPTError) -> bytes:
        return b""


class FileTap:
    """Beside a file that is passed on: it is content from its first byte and ends with its body. A JSON body that
    holds an error is no file; events (`stream_format: "sse"`) are looked at as such."""

    def __init__(self) -> None:
        self.content = False
        self.usage: Usage | None = None
        self.finish: FinishReason | None = None
        self.error: UpstreamError | None = None
        self.ended = False
        self.tail = b""
        self.events = 0
        self.output_text = 0
        self._events: DoneTap | None = None
        self._json: bytearray | None = None

    def text_rate(self, block: bytes) -> float:
        return 0.0

    def feed(self, chunk: bytes) -> bytes:
        if not self.events:
            start = chunk.lstrip()[:6]
            if start.startswith((b"data:", b"event:", b": ")):
                self._events = DoneTap()
            elif start[:1] == b"{":
                self._json = bytearray()
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

    def close(self) -> bytes:
        if self._events is not None:
            out = self._events.close()
            self._copy(self._events)
            return out
        self.ended = self.events > 0
        self.finish = FinishReason.STOP
        if self._json is None:
            return b""
        value = as_dict(try_read(bytes(self._json)))
        if value.get("error"):
            self.error = in_band(value, bytes(self._json[:65536]))
        self.content = True
        return bytes(self._json)

    def tail_with(self, extra: dict[str, Any]) -> bytes:
        return self._events.tail_with(extra) if self._events is not None else self.tail

    def _copy(self, tap: DoneTap) -> None:
        self.content, self.usage, self.finish, self.error = tap.content, tap.usage, tap.finish, tap.error
        self.ended, self.tail, self.output_text = tap.ended, tap.tail, 0


OPERATION_FORMAT: ClientFormat = Speech()
