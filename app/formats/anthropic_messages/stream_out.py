"""Events → Anthropic's stream."""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec

from app.core.chat import (
    CitationDelta,
    Event,
    Finished,
    FinishReason,
    ForeignDelta,
    Image,
    MediaDelta,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
    UsageReport,
)
from app.core.errors import AnyGPTError
from app.core.ids import new_id
from app.formats.anthropic_messages.blocks import image_source, write_citation, write_reasoning
from app.formats.anthropic_messages.errors import stream_error
from app.formats.anthropic_messages.words import said_finish, write_stop, write_usage
from app.formats.arguments import Arguments
from app.formats.payload import dump
from app.formats.signatures import wrap
from app.formats.sse import write_event
from app.formats.tool_ids import safe_id

_TEXT = (
    b"event: content_block_delta\n"
    b'data: {"type":"content_block_delta","index":%d,"delta":{"type":"text_delta","text":%b}}\n\n'
)


# what stands in a block
_Said = (
    TextDelta
    | RefusalDelta
    | ReasoningDelta
    | ToolCallStart
    | ToolCallDelta
    | MediaDelta
    | CitationDelta
    | ForeignDelta
)


class _Call(msgspec.Struct):
    """`arguments` come before the call's block is open, in it, or after it."""

    start: ToolCallStart
    arguments: Arguments = msgspec.field(default_factory=Arguments)
    waits: bool = True


class MessageStreamEncoder:
    """Blocks open and close by themselves as the kind of content changes, one at a time: what comes between a call
    and the end of its arguments waits for them. Choices after the first are not shown: the format has one."""

    def __init__(self) -> None:
        self._started = Started("", "")
        self._begun = False
        self._next = 0  # the next block's index
        self._open = ""  # the kind of the block that is open
        self._calls: dict[int, _Call] = {}  # by position
        self._call: _Call | None = None  # whose block is open
        self._waiting: deque[Event | _Call] = deque()  # until the open call is whole
        self._finish: Finished | None = None
        self._refused = False
        self._usage: Usage | None = None

    def encode(self, event: Event) -> bytes:
        if type(event) is TextDelta and self._open == "text" and event.text and not event.index:  # nearly all are this
            return _TEXT % (self._next - 1, dump(event.text))
        if getattr(event, "index", 0):
            return b""
        if isinstance(event, ToolCallDelta):
            return self._arguments(event)
        if self._call is None or not isinstance(event, _Said) or (not self._waiting and self._call.arguments.whole):
            return self._now(event)
        self._waiting.append(self._known(event) if isinstance(event, ToolCallStart) else event)
        return b""

    def _now(self, event: Event) -> bytes:
        match event:
            case Started():
                self._started = event
                self._usage = self._usage or event.usage
                return b""
            case TextDelta() | RefusalDelta():
                if not event.text:
                    return b""
                self._refused = self._refused or isinstance(event, RefusalDelta)
                return self._ensure("text", {"type": "text", "text": ""}) + self._delta("text_delta", text=event.text)
            case ReasoningDelta():
                return self._reasoning(event)
            case ToolCallStart():
                return self._tool(self._known(event))
            case MediaDelta() if event.media_type.startswith("image/"):
                remote = event.data.startswith(("http:", "https:"))
                picture = Image(url=event.data) if remote else Image(data=event.data, media_type=event.media_type)
                return self._whole({"type": "image", "source": image_source(picture)})
            case CitationDelta():
                citation = write_citation(event.value)
                if citation is None:
                    return b""
                opening = self._ensure("text", {"type": "text", "text": ""})
                return opening + self._delta("citations_delta", citation=citation)
            case ForeignDelta(family="anthropic"):
                return self._whole(event.value)
            case Finished():
                self._finish = event
                return b""
            case UsageReport():
                self._usage = event.usage
                return b""
            case _:
                return b""

    def end(self, extra: dict[str, Any] | None = None) -> bytes:
        out = self._begin() + (self._release(at_end=True) if self._waiting else b"") + self._shut()
        finish = self._finish or Finished(FinishReason.STOP)
        reason = said_finish(finish.reason, refused=self._refused, called=bool(self._calls), empty=not self._next)
        sequence = None if reason is FinishReason.REFUSAL else finish.stop_sequence
        delta = {"stop_reason": write_stop(reason, sequence), "stop_sequence": sequence}
        usage = write_usage(self._usage or Usage())
        last = {"type": "message_delta", "delta": delta, "usage": usage, **(extra or {})}
        stop = write_event({"type": "message_stop"}, "message_stop")
        return out + write_event(last, "message_delta") + stop

    def fail(self, error: AnyGPTError) -> bytes:
        return stream_error(error)

    def _begin(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        usage = write_usage(self._usage or Usage()) | {"output_tokens": 0}
        message: dict[str, Any] = {
            "id": self._started.id or new_id("msg"),
            "type": "message",
            "role": "assistant",
            "model": self._started.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
        }
        return write_event({"type": "message_start", "message": message}, "message_start")

    def _ensure(self, kind: str, block: dict[str, Any]) -> bytes:
        return b"" if self._open == kind else self._start(kind, block)

    def _start(self, kind: str, block: dict[str, Any]) -> bytes:
        out = self._begin() + self._shut()
        start = {"type": "content_block_start", "index": self._next, "content_block": block}
        self._open = kind
        self._next += 1
        return out + write_event(start, "content_block_start")

    def _shut(self) -> bytes:
        if not self._open:
            return b""
        self._open, self._call = "", None
        return write_event({"type": "content_block_stop", "index": self._next - 1}, "content_block_stop")

    def _delta(self, kind: str, **fields: Any) -> bytes:
        value = {"type": "content_block_delta", "index": self._next - 1, "delta": {"type": kind, **fields}}
        return write_event(value, "content_block_delta")

    def _whole(self, block: dict[str, Any]) -> bytes:
        return self._start("whole", block) + self._shut()

    def _reasoning(self, event: ReasoningDelta) -> bytes:
        if event.redacted is not None:
            return self._whole(write_reasoning(Reasoning(redacted=event.redacted, family=event.family)))
        if not (event.text or event.signature):
            return b""
        out = self._ensure("thinking", {"type": "thinking", "thinking": "", "signature": ""})
        if event.text:
            out += self._delta("thinking_delta", thinking=event.text)
        if event.signature:
            signature = wrap(event.signature, event.family, "anthropic")
            out += self._delta("signature_delta", signature=signature) + self._shut()
        return out

    # calls

    def _known(self, start: ToolCallStart) -> _Call:
        call = self._calls[start.position] = _Call(start)
        return call

    def _tool(self, call: _Call) -> bytes:
        start = call.start
        block: dict[str, Any] = {"type": "tool_use", "id": safe_id(start.id), "name": start.name, "input": {}}
        if start.signature:
            block["extra_content"] = {"google": {"thought_signature": start.signature}}
        out = self._start("tool_use", block)
        self._call, call.waits = call, False
        arguments = call.arguments.text
        return out + self._delta("input_json_delta", partial_json=arguments) if arguments else out

    def _arguments(self, event: ToolCallDelta) -> bytes:
        call = self._calls.get(event.position)
        if call is None or not event.arguments:
            return b""
        if call is not self._call:
            if call.waits:
                call.arguments.add(event.arguments)
            return b""  # after a whole object nothing belongs to it
        call.arguments.add(event.arguments)
        return self._delta("input_json_delta", partial_json=event.arguments) + self._release()

    def _release(self, *, at_end: bool = False) -> bytes:
        """What waited, as far as it may come now."""
        out: list[bytes] = []
        while self._waiting and (at_end or self._call is None or self._call.arguments.whole):
            first = self._waiting.popleft()
            out.append(self._tool(first) if isinstance(first, _Call) else self._now(first))
        return b"".join(out)
