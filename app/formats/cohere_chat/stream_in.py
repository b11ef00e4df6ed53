"""Cohere's stream → events: server-sent ones of the second API, lines of JSON of the first."""

from __future__ import annotations

from typing import Any

from app.core.chat import (
    CitationDelta,
    Ended,
    Event,
    Finished,
    Part,
    Reasoning,
    ReasoningDelta,
    Started,
    StreamFailed,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStart,
    Usage,
    UsageReport,
)
from app.core.errors import UpstreamDown, UpstreamError
from app.formats.cohere_chat.result import first_citations, read_call, result_of
from app.formats.cohere_chat.words import FAMILY, failure, read_citation, read_finish, read_logprobs, read_usage
from app.formats.logprobs import tokens_of
from app.formats.ndjson import LineReader
from app.formats.payload import as_dict, as_dicts, as_text, read_answer, try_read
from app.formats.sse import Frame, SSEReader
from app.formats.tool_ids import made_id

CUT = "The provider's stream broke off before its end."


class CohereStreamDecoder:
    """Complete with `message-end`, or `stream-end` of the first API, whose type is `application/stream+json`.
    `[DONE]`, which comes most times, says nothing more."""

    def __init__(self) -> None:
        self._sse = SSEReader()
        self._lines: LineReader | None = None
        self._begun = False  # the first byte has been seen
        self._id = ""
        self._started = False
        self._over = False  # ended, or failed
        self._calls = 0
        self._positions: dict[int, int] = {}  # the provider's index of a call → our position
        self._planned = False
        self._documents: list[dict[str, Any]] = []

    def feed(self, chunk: bytes) -> list[Event]:
        if not self._begun and (start := chunk.lstrip()[:1]):
            self._begun = True
            if start == b"{":
                self._lines = LineReader()
        events: list[Event] = []
        for frame in self._frames(chunk):
            self._frame(frame, events)
        return events

    def close(self) -> list[Event]:
        events: list[Event] = []
        left = self._sse.close() if self._lines is None else [Frame("", line) for line in self._lines.close()]
        for frame in left:
            if isinstance(try_read(frame.data), dict):  # else it was cut off in its midst
                self._frame(frame, events)
        if not self._over:
            events.append(StreamFailed(UpstreamDown(CUT)))
        return events

    def _frames(self, chunk: bytes) -> list[Frame]:
        if self._lines is None:
            return self._sse.feed(chunk)
        return [Frame("", line) for line in self._lines.feed(chunk)]

    def _frame(self, frame: Frame, events: list[Event]) -> None:
        data = frame.data.strip()
        if self._over or data in (b"", b"[DONE]"):
            return
        value = read_answer(data)
        if (error := failure(value)) is not None:
            self._fail(error, events)
            return
        kind = as_text(value.get("type")) or as_text(value.get("event_type")) or frame.event
        delta = as_dict(value.get("delta"))
        message = as_dict(delta.get("message"))
        match kind:
            case "message-start" | "stream-start":
                self._id = as_text(value.get("id")) or as_text(value.get("generation_id"))
                self._start(events)
            case "content-start" | "content-delta":
                content = as_dict(message.get("content"))
                self._think(as_text(content.get("thinking")), events)
                self._text(as_text(content.get("text")), events, tokens_of(read_logprobs([value.get("logprobs")])))
            case "tool-plan-delta":
                self._think(as_text(message.get("tool_plan")), events)
            case "tool-call-start":
                self._call_start(value.get("index"), _one(message.get("tool_calls")), events)
            case "tool-call-delta":
                self._call_delta(value.get("index"), _one(message.get("tool_calls")), events)
            case "citation-start":
                for citation in as_dicts([message.get("citations")]) or as_dicts(message.get("citations")):
                    self._start(events)
                    events.append(CitationDelta(read_citation(citation), FAMILY))
            case "message-end":
                self._end(delta, read_usage(delta.get("usage")), events)
            case "text-generation" | "tool-calls-chunk" | "tool-calls-generation" | "citation-generation":
                self._first(kind, value, events)
            case "search-results":
                self._documents = as_dicts(value.get("documents"))
            case "stream-end":
                self._first_end(value, events)
            case "" if value.get("message") or value.get("text"):
                self._whole(value, data, events)

    def _start(self, events: list[Event]) -> None:
        if not self._started:
            self._started = True
            events.append(Started(self._id, ""))

    def _fail(self, error: UpstreamError, events: list[Event]) -> None:
        self._over = True
        events.append(StreamFailed(error))

    def _text(self, text: str, events: list[Event], logprobs: list[dict[str, Any]] | None = None) -> None:
        if text or logprobs:
            self._start(events)
            events.append(TextDelta(text, logprobs=logprobs))

    def _think(self, text: str, events: list[Event]) -> None:
        if text:
            self._start(events)
            events.append(ReasoningDelta(text, family=FAMILY))

    def _call_start(self, index: Any, call: dict[str, Any], events: list[Event]) -> None:
        self._start(events)
        function = as_dict(call.get("function"))
        name = as_text(function.get("name"))
        position = self._calls
        self._calls += 1
        if isinstance(index, int):
            self._positions[index] = position
        events.append(ToolCallStart(position, as_text(call.get("id")) or made_id(self._id, position, name), name))
        if arguments := as_text(function.get("arguments")):
            events.append(ToolCallDelta(position, arguments))

    def _call_delta(self, index: Any, call: dict[str, Any], events: list[Event]) -> None:
        position = self._positions.get(index, self._calls - 1) if isinstance(index, int) else self._calls - 1
        arguments = as_text(as_dict(call.get("function")).get("arguments"))
        if arguments and position >= 0:
            events.append(ToolCallDelta(position, arguments))

    def _end(self, value: dict[str, Any], usage: Usage | None, events: list[Event]) -> None:
        if (error := failure(value)) is not None:
            if usage is not None:
                events.append(UsageReport(usage))
            self._fail(error, events)
            return
        self._start(events)
        self._over = True
        events.append(Finished(read_finish(value.get("finish_reason"), self._calls > 0)))
        if usage is not None:
            events.append(UsageReport(usage))
        events.append(Ended())

    def _first(self, kind: str, value: dict[str, Any], events: list[Event]) -> None:
        text = as_text(value.get("text"))
        if kind == "text-generation":
            self._text(text, events)
        elif kind == "citation-generation":
            for citation in first_citations(value.get("citations"), self._documents):
                self._start(events)
                events.append(CitationDelta(citation, FAMILY))
        elif kind == "tool-calls-chunk":
            # pieces of a call come too, but only `tool-calls-generation` has it whole
            self._planned = self._planned or bool(text)
            self._think(text, events)
        else:
            if not self._planned:
                self._think(text, events)
            self._first_calls(value, events)

    def _first_calls(self, value: dict[str, Any], events: list[Event]) -> None:
        if self._calls:
            return
        for call in as_dicts(value.get("tool_calls")):
            self._part(read_call(call, self._id, self._calls), events)

    def _first_end(self, value: dict[str, Any], events: list[Event]) -> None:
        response = as_dict(value.get("response"))
        self._first_calls(response, events)
        self._end({"finish_reason": response.get("finish_reason")} | value, read_usage(response.get("meta")), events)

    def _whole(self, value: dict[str, Any], data: bytes, events: list[Event]) -> None:
        """An answer that ignored `stream`."""
        result = result_of(value, data)
        self._id = result.id
        self._start(events)
        for part in result.choices[0].parts:
            self._part(part, events)
        self._end(value, result.usage, events)

    def _part(self, part: Part, events: list[Event]) -> None:
        match part:
            case Text():
                self._text(part.text, events)
                events += [CitationDelta(citation, FAMILY) for citation in part.citations or []]
            case Reasoning():
                self._think(part.text, events)
            case ToolCall():
                self._start(events)
                events.append(ToolCallStart(self._calls, part.id, part.name))
                events.append(ToolCallDelta(self._calls, part.arguments))
                self._calls += 1


def _one(value: Any) -> dict[str, Any]:
    """The call an event is about: an object, or a list of one."""
    return as_dict(value) or next(iter(as_dicts(value)), {})
