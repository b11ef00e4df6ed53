"""Three ways to read a provider's stream: relayed bytes, translated bytes, events for the chat page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from app.core.chat import (
    Ended,
    Event,
    Finished,
    FinishReason,
    ReasoningDelta,
    RefusalDelta,
    Started,
    StreamFailed,
    TextDelta,
    ToolCallDelta,
    Usage,
    UsageReport,
    is_content,
)
from app.core.errors import AnyGPTError
from app.formats.base import StreamDecoder, StreamEncoder, Tap
from app.formats.relay import SAMPLE


class Reader(Protocol):
    """`feed` and `close` return what the client may have now; the end comes only from `end`. `text_estimate` is how
    many characters of text have come with so many bytes of the wire, of which `chunk` is the latest."""

    @property
    def content(self) -> bool: ...
    @property
    def ended(self) -> bool: ...
    @property
    def events(self) -> int: ...
    @property
    def usage(self) -> Usage | None: ...
    @property
    def finish(self) -> FinishReason | None: ...
    @property
    def error(self) -> AnyGPTError | None: ...
    @property
    def output_text(self) -> int: ...
    @property
    def said(self) -> str:
        """The text of its beginning, of `output_text` characters in all."""
        ...

    def text_estimate(self, passed: int, chunk: bytes) -> int: ...
    def feed(self, chunk: bytes) -> Any: ...
    def close(self) -> Any: ...
    def end(self, extra: dict[str, Any] | None) -> Any: ...


class RelayReader:
    """Same format on both sides: the bytes pass, a tap looks on."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap
        self.feed: Callable[[bytes], bytes] = tap.feed
        self.close: Callable[[], bytes] = tap.close

    @property
    def content(self) -> bool:
        return self._tap.content

    @property
    def ended(self) -> bool:
        return self._tap.ended

    @property
    def events(self) -> int:
        return self._tap.events

    @property
    def usage(self) -> Usage | None:
        return self._tap.usage

    @property
    def finish(self) -> FinishReason | None:
        return self._tap.finish

    @property
    def error(self) -> AnyGPTError | None:
        return self._tap.error

    @property
    def output_text(self) -> int:
        return self._tap.output_text

    @property
    def said(self) -> str:
        return self._tap.said

    def text_estimate(self, passed: int, chunk: bytes) -> int:
        return int(self._tap.text_rate(chunk) * passed)

    def end(self, extra: dict[str, Any] | None) -> bytes:
        return self._tap.tail_with(extra) if extra else self._tap.tail


class EventReader:
    """The provider's bytes as events; keeps what accounting needs."""

    def __init__(self, decoder: StreamDecoder) -> None:
        self._decoder = decoder
        self.content = False
        self.ended = False
        self.events = 0
        self.usage: Usage | None = None
        self.finish: FinishReason | None = None
        self.error: AnyGPTError | None = None
        self.output_text = 0
        self._words: list[str] = []

    def feed(self, chunk: bytes) -> list[Event]:
        return self._note(self._decoder.feed(chunk))

    def close(self) -> list[Event]:
        return self._note(self._decoder.close())

    def text_estimate(self, passed: int, chunk: bytes) -> int:
        return self.output_text

    def end(self, extra: dict[str, Any] | None) -> list[Event]:
        return []

    @property
    def said(self) -> str:
        return "".join(self._words)

    def _keep(self, text: str) -> None:
        if self.output_text < SAMPLE:
            self._words.append(text)
        self.output_text += len(text)

    def _note(self, events: list[Event]) -> list[Event]:
        self.events += len(events)
        passed: list[Event] = []
        for event in events:
            if type(event) is TextDelta:  # nearly all are
                self._keep(event.text)
                self.content = self.content or bool(event.text)
                passed.append(event)
                continue
            match event:
                case RefusalDelta(text=text) | ReasoningDelta(text=text):
                    self._keep(text)
                case ToolCallDelta():
                    self._keep(event.arguments)
                case UsageReport():
                    self.usage = event.usage
                case Started() if event.usage is not None:
                    self.usage = event.usage
                case Finished():
                    self.finish = event.reason
                case StreamFailed():
                    self.error = event.error
                    continue
                case Ended():
                    self.ended = True
                    continue
            self.content = self.content or is_content(event)
            passed.append(event)
        return passed


class TranslateReader:
    """Another format at the provider: decoded to events, encoded again for the client."""

    def __init__(self, decoder: StreamDecoder, encoder: StreamEncoder) -> None:
        self._reader = EventReader(decoder)
        self._encoder = encoder

    def feed(self, chunk: bytes) -> bytes:
        encode = self._encoder.encode
        return b"".join([encode(event) for event in self._reader.feed(chunk)])

    def close(self) -> bytes:
        return b"".join([self._encoder.encode(event) for event in self._reader.close()])

    def text_estimate(self, passed: int, chunk: bytes) -> int:
        return self._reader.output_text

    def end(self, extra: dict[str, Any] | None) -> bytes:
        return self._encoder.end(extra)

    @property
    def content(self) -> bool:
        return self._reader.content

    @property
    def ended(self) -> bool:
        return self._reader.ended

    @property
    def events(self) -> int:
        return self._reader.events

    @property
    def usage(self) -> Usage | None:
        return self._reader.usage

    @property
    def finish(self) -> FinishReason | None:
        return self._reader.finish

    @property
    def error(self) -> AnyGPTError | None:
        return self._reader.error

    @property
    def said(self) -> str:
        return self._reader.said

    @property
    def output_text(self) -> int:
        return self._reader.output_text
