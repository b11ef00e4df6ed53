"""Gemini's stream, as events or as one JSON array → events."""

from __future__ import annotations

from typing import Any

import msgspec

from app.core.chat import (
    Audio,
    CitationDelta,
    Ended,
    Event,
    File,
    Finished,
    FinishReason,
    Foreign,
    ForeignDelta,
    Image,
    MediaDelta,
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
from app.core.errors import UpstreamDown
from app.formats.failures import in_band
from app.formats.gemini.array import ArrayReader
from app.formats.gemini.grounding import MAX_TEXT, read_citations
from app.formats.gemini.parts import FAMILY, read_parts
from app.formats.gemini.result import blocked, failure_of
from app.formats.gemini.words import camel, read_finish, read_usage
from app.formats.halves import Halves
from app.formats.logprobs import read_gemini, tokens_of
from app.formats.payload import as_count, as_dicts, as_text, try_read
from app.formats.sse import SSEReader

MOST_CITATIONS = 1000
CUT = "The provider's stream broke off before its end."


class _Candidate(msgspec.Struct):
    calls: int = 0
    finish: FinishReason | None = None
    text: list[str] = []
    size: int = 0
    cited: list[dict[str, Any]] = []


class GenerateStreamDecoder:
    def __init__(self) -> None:
        self._sse = SSEReader()
        self._halves = Halves()
        self._array: ArrayReader | None = None
        self._begun = False  # the first byte has been seen
        self._candidates: dict[int, _Candidate] = {}
        self._id = ""
        self._started = False
        self._blocked = False
        self._failed = False
        self._usage: Usage | None = None

    def feed(self, chunk: bytes) -> list[Event]:
        events: list[Event] = []
        if not self._begun and (start := chunk.lstrip()[:1]):
            self._begun = True
            if start == b"[":
                self._array = ArrayReader()
        if self._array is not None:
            for element in self._array.feed(chunk):
                self._answer(element, events)
            return events
        for frame in self._sse.feed(chunk):
            if frame.data.strip() not in (b"", b"[DONE]"):
                self._answer(frame.data, events)
        return events

    def close(self) -> list[Event]:
        events: list[Event] = []
        for frame in self._sse.close():
            if isinstance(try_read(frame.data), dict):
                self._answer(frame.data, events)
        if self._failed:
            return events
        done = bool(self._candidates) and all(candidate.finish for candidate in self._candidates.values())
        events.append(Ended() if done or self._blocked else StreamFailed(UpstreamDown(CUT)))
        return events

    def _answer(self, data: bytes, events: list[Event]) -> None:
        value: dict[str, Any] = camel(self._halves.read(data))
        if self._failed:
            return
        if value.get("error"):
            self._fail(value, events)
            return
        self._id = self._id or as_text(value.get("responseId"))
        candidates = as_dicts(value.get("candidates"))
        if (candidates or blocked(value)) and not self._started:
            self._started = True
            events.append(Started(self._id, as_text(value.get("modelVersion"))))
        for candidate in candidates:
            self._candidate(candidate, events)
        if blocked(value) and not self._blocked:
            self._blocked = True
            events.append(Finished(FinishReason.CONTENT_FILTER))
        usage = read_usage(value.get("usageMetadata"))
        if usage is not None and usage != self._usage:
            self._usage = usage
            events.append(UsageReport(usage))
        if (failure := next(filter(None, map(failure_of, candidates)), None)) is not None:
            self._fail(failure, events)

    def _fail(self, failure: dict[str, Any], events: list[Event]) -> None:
        self._failed = True
        events.append(StreamFailed(in_band(failure)))

    def _candidate(self, value: dict[str, Any], events: list[Event]) -> None:
        index = as_count(value.get("index"))
        state = self._candidates.setdefault(index, _Candidate())
        logprobs = tokens_of(read_gemini(value.get("logprobsResult")))
        for part in read_parts(value.get("content"), self._id, state.calls):
            if isinstance(part, Text) and state.size < MAX_TEXT:
                state.text.append(part.text)
                state.size += len(part.text)
            if isinstance(part, Text) and logprobs:
                events.append(TextDelta(part.text, index, logprobs))
                logprobs = None
            else:
                self._part(part, state, index, events)
        if logprobs:
            events.append(TextDelta("", index, logprobs))
        self._cite(value, state, index, events)
        reason = read_finish(value.get("finishReason"), bool(state.calls))
        if reason is not None and reason is not FinishReason.ERROR and reason != state.finish:
            state.finish = reason
            events.append(Finished(reason, index))

    def _cite(self, value: dict[str, Any], state: _Candidate, index: int, events: list[Event]) -> None:
        """Grounding comes at the end, and some repeat it."""
        for citation in read_citations(value, "".join(state.text)):
            if citation not in state.cited and len(state.cited) < MOST_CITATIONS:
                state.cited.append(citation)
                events.append(CitationDelta(citation, FAMILY, index))

    def _part(self, part: Part, state: _Candidate, index: int, events: list[Event]) -> None:
        match part:
            case Text():
                events.append(TextDelta(part.text, index))
            case Reasoning():
                events.append(ReasoningDelta(part.text, part.signature, part.redacted, part.family, index))
            case ToolCall():
                events.append(ToolCallStart(state.calls, part.id, part.name, part.signature, index))
                events.append(ToolCallDelta(state.calls, part.arguments, index))
                state.calls += 1
            case Image() | Audio() | File() if part.data:
                events.append(MediaDelta(part.data, part.media_type or "", index))
            case Foreign():
                events.append(ForeignDelta(FAMILY, part.value, index))
