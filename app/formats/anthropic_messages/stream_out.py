"""Events → Anthropic's stream."""

from __future__ import annotations

from typing import Any

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
from app.formats.anthropic_messages.words import write_stop, write_usage
from app.formats.payload import dump
from app.formats.signatures import wrap
from app.formats.sse import write_event
from app.formats.tool_ids import safe_id

_TEXT = (
    b"event: content_block_delta\n"
    b'data: {"type":"content_block_delta","index":%d,"delta":{"type":"text_delta","text":%b}}\n\n'
)


class MessageStreamEncoder:
    """Blocks open and close by themselves as the kind of content changes. Choices after the first are not shown:
    the format has one."""

    def __init__(self) -> None:
        self._started = Started("", "")
        self._begun = False
        self._next = 0  # the next block's index
        self._open = ""  # the kind of the block that is open
        self._tools: dict[int, int] = {}  # position of a call → index of its block
        self._finish: Finished | None = None
        self._refused = False
        self._usage: Usage | None = None

    def encode(self, event: Event) -> bytes:
        if type(event) is TextDelta and self._open == "text" and event.text and not event.index:  # nearly all are this
            return _TEXT % (self._next - 1, dump(event.text))
        if getattr(event, "index", 0):
            return b""
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
                return self._tool(event)
            case ToolCallDelta():
                index = self._tools.get(event.position)
                if index is None or not event.arguments:
                    return b""
                # the block's own index: should two calls' arguments come interleaved, they still find their block
                return self._delta("input_json_delta", index, partial_json=event.arguments)
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
        finish = self._finish
        if self._refused and finish is not None and finish.reason is FinishReason.STOP:
            finish = Finished(FinishReason.REFUSAL)
        delta = {
            "stop_reason": write_stop(finish.reason if finish else None, finish.stop_sequence if finish else None),
            "stop_sequence": finish.stop_sequence if finish else None,
        }
        usage = write_usage(self._usage or Usage())
        last = {"type": "message_delta", "delta": delta, "usage": usage, **(extra or {})}
        stop = write_event({"type": "message_stop"}, "message_stop")
        return self._begin() + self._shut() + write_event(last, "message_delta") + stop

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
        self._open = ""
        return write_event({"type": "content_block_stop", "index": self._next - 1}, "content_block_stop")

    def _delta(self, kind: str, index: int | None = None, **fields: Any) -> bytes:
        number = self._next - 1 if index is None else index
        value = {"type": "content_block_delta", "index": number, "delta": {"type": kind, **fields}}
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

    def _tool(self, event: ToolCallStart) -> bytes:
        block: dict[str, Any] = {"type": "tool_use", "id": safe_id(event.id), "name": event.name, "input": {}}
        if event.signature:
            block["extra_content"] = {"google": {"thought_signature": event.signature}}
        out = self._start("tool_use", block)
        self._tools[event.position] = self._next - 1
        return out
