"""Events → Gemini's stream of events."""

from __future__ import annotations

from typing import Any

import msgspec

from app.core.chat import (
    CitationDelta,
    Event,
    Finished,
    FinishReason,
    ForeignDelta,
    MediaDelta,
    Part,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStart,
    Usage,
    UsageReport,
)
from app.core.errors import AnyGPTError
from app.core.ids import new_id
from app.formats.arguments import Arguments
from app.formats.gemini.errors import error_object
from app.formats.gemini.grounding import write_grounding
from app.formats.gemini.parts import write_parts
from app.formats.gemini.words import write_finish, write_usage
from app.formats.logprobs import write_gemini
from app.formats.media import from_media
from app.formats.sse import write_event


class _Call(msgspec.Struct):
    start: ToolCallStart
    arguments: Arguments


class GenerateStreamEncoder:
    """A call goes out whole, so its pieces are gathered until something else comes and they are one whole object."""

    def __init__(self) -> None:
        self._started = Started("", "")
        self._calls: dict[tuple[int, int], _Call] = {}
        self._finishes: dict[int, FinishReason] = {}
        self._usage: Usage | None = None
        self._text: dict[int, list[str]] = {}  # what citations point into
        self._citations: dict[int, list[dict[str, Any]]] = {}

    def encode(self, event: Event) -> bytes:
        match event:
            case Started():
                self._started = event
            case TextDelta() | RefusalDelta():
                self._text.setdefault(event.index, []).append(event.text)
                if event.text or event.logprobs:
                    more = {"logprobsResult": write_gemini(event.logprobs)} if event.logprobs else {}
                    return self._parts(event.index, [{"text": event.text}], more)
            case ReasoningDelta():
                return self._written(event.index, Reasoning(event.text, event.signature, event.redacted, event.family))
            case ToolCallStart():
                self._calls[event.index, event.position] = _Call(event, Arguments())
            case ToolCallDelta():
                if (call := self._calls.get((event.index, event.position))) is not None:
                    call.arguments.add(event.arguments)
            case MediaDelta():
                return self._written(event.index, from_media(event.media_type, event.data))
            case ForeignDelta(family="gemini"):
                return self._parts(event.index, [event.value])
            case CitationDelta():
                self._citations.setdefault(event.index, []).append(event.value)
            case Finished():
                self._finishes[event.index] = event.reason
            case UsageReport():
                self._usage = event.usage
            case _:
                pass
        return b""

    def end(self, extra: dict[str, Any] | None = None) -> bytes:
        out = self._flush(at_end=True)
        finishes = self._finishes or {0: FinishReason.STOP}
        last = max(finishes)
        for index, reason in sorted(finishes.items()):
            candidate = {
                "content": {"parts": [{"text": ""}], "role": "model"},
                "finishReason": write_finish(reason),
                "index": index,
            }
            citations, text = self._citations.get(index, []), "".join(self._text.get(index, []))
            if (grounding := write_grounding(citations, text)) is not None:
                candidate["groundingMetadata"] = grounding
            more: dict[str, Any] = {}
            if index == last:
                more = {"usageMetadata": write_usage(self._usage or Usage()), **(extra or {})}
            out += self._event(candidate, more)
        return out

    def fail(self, error: AnyGPTError) -> bytes:
        return write_event(error_object(error))

    def _written(self, index: int, part: Part) -> bytes:
        parts = write_parts([part])
        return self._parts(index, parts) if parts else b""

    def _parts(self, index: int, parts: list[dict[str, Any]], more: dict[str, Any] | None = None) -> bytes:
        candidate = {"content": {"parts": parts, "role": "model"}, "index": index, **(more or {})}
        return self._flush() + self._event(candidate, {})

    def _flush(self, *, at_end: bool = False) -> bytes:
        """The calls that are whole, in their order: one that waits for more holds back those after it."""
        out = b""
        for key, call in sorted(self._calls.items()) if self._calls else ():
            if not (at_end or call.arguments.whole):
                break
            del self._calls[key]
            start = call.start
            part = ToolCall(start.id, start.name, call.arguments.text, start.signature)
            out += self._event({"content": {"parts": write_parts([part]), "role": "model"}, "index": key[0]}, {})
        return out

    def _event(self, candidate: dict[str, Any], more: dict[str, Any]) -> bytes:
        if not self._started.id:
            self._started = Started(new_id("resp"), self._started.model)
        value = {"candidates": [candidate], **more}
        return write_event(value | {"modelVersion": self._started.model, "responseId": self._started.id})
