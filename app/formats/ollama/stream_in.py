"""Ollama's stream, one JSON object a line → events."""

from __future__ import annotations

from typing import Any

from app.core.chat import (
    Ended,
    Event,
    Finished,
    MediaDelta,
    ReasoningDelta,
    Started,
    StreamFailed,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from app.core.errors import UpstreamDown
from app.formats.failures import in_band
from app.formats.ndjson import LineReader
from app.formats.ollama.result import message_of
from app.formats.ollama.words import (
    FAMILY,
    call_id,
    read_arguments,
    read_finish,
    read_images,
    read_logprobs,
    read_seconds,
    read_usage,
    seed_of,
)
from app.formats.payload import as_dict, as_dicts, as_text, read_answer, try_read

CUT = "The provider's stream broke off before its end."


class OllamaStreamDecoder:
    """Complete with `done: true`; what follows it is not looked at."""

    def __init__(self) -> None:
        self._reader = LineReader()
        self._answer = ""
        self._started = False
        self._over = False  # done, or failed
        self._calls = 0
        self._ids: set[str] = set()

    def feed(self, chunk: bytes) -> list[Event]:
        events: list[Event] = []
        for line in self._reader.feed(chunk):
            self._line(line, events)
        return events

    def close(self) -> list[Event]:
        events: list[Event] = []
        for line in self._reader.close():
            if isinstance(try_read(line), dict):  # else it was cut off in its midst
                self._line(line, events)
        if not self._over:
            events.append(StreamFailed(UpstreamDown(CUT)))
        return events

    def _line(self, line: bytes, events: list[Event]) -> None:
        if self._over:
            return
        value = read_answer(line)
        if value.get("error"):
            self._over = True
            events.append(StreamFailed(in_band(value)))
            return
        message = message_of(value)
        done = value.get("done") is True
        if (message is not None or done) and not self._started:
            self._started = True
            self._answer = seed_of(value)
            events.append(Started("", as_text(value.get("model")), read_seconds(value.get("created_at"))))
        if message is not None:
            logprobs = as_dicts(as_dict(read_logprobs(value.get("logprobs"))).get("content"))
            self._message(message, events, logprobs)
        if done:
            self._over = True
            events.append(Finished(read_finish(value.get("done_reason"), self._calls > 0)))
            if (usage := read_usage(value)) is not None:
                events.append(UsageReport(usage))
            events.append(Ended())

    def _message(self, message: dict[str, Any], events: list[Event], logprobs: list[dict[str, Any]]) -> None:
        if thinking := as_text(message.get("thinking")):
            events.append(ReasoningDelta(thinking, family=FAMILY))
        text = as_text(message.get("content"))
        if text or logprobs:
            events.append(TextDelta(text, logprobs=logprobs or None))
        for image in read_images(message):
            events.append(MediaDelta(image.data or "", image.media_type or "image/png"))
        for call in as_dicts(message.get("tool_calls")):
            function = as_dict(call.get("function"))
            name = as_text(function.get("name"))
            given = call_id(call.get("id"), self._ids, self._answer, self._calls, name)
            events.append(ToolCallStart(self._calls, given, name))
            events.append(ToolCallDelta(self._calls, read_arguments(function.get("arguments"))))
            self._calls += 1
