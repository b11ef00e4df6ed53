"""Events → a stream of Responses."""

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
from app.formats.base import Peek
from app.formats.logprobs import complete
from app.formats.openai_responses.envelope import envelope, item_id
from app.formats.openai_responses.errors import error_event, failed_event
from app.formats.openai_responses.items import new_call, new_message, new_picture, text_part, write_annotation
from app.formats.openai_responses.words import write_status, write_usage
from app.formats.reasoning_items import write_item as write_reasoning
from app.formats.sse import write_event


class _Open(msgspec.Struct):
    """An item whose end has not been said: its place in the output, and what has come of its current part."""

    index: int
    pieces: list[str]
    part: dict[str, Any] | None = None  # a message's current content
    part_index: int = -1
    logprobs: list[dict[str, Any]] = []


class ResponseStreamEncoder:
    """Items and parts open and close by themselves as the kind of content changes; calls stay open to the end, for
    text or another call may come between a call and its arguments. Choices after the first are not shown: the format
    has one."""

    def __init__(self, asked: Peek) -> None:
        self._asked = asked
        self._started = Started("", "")
        self._response: dict[str, Any] = {}
        self._output: list[dict[str, Any]] = []
        self._message: _Open | None = None
        self._thought: _Open | None = None
        self._calls: dict[int, _Open] = {}  # by position
        self._number = 0
        self._finish: Finished | None = None
        self._usage: Usage | None = None

    def encode(self, event: Event) -> bytes:
        if getattr(event, "index", 0):
            return b""
        match event:
            case Started():
                self._started = event
                self._usage = self._usage or event.usage
                return b""
            case TextDelta() | RefusalDelta():
                return self._say(event) if event.text or event.logprobs else b""
            case ReasoningDelta():
                return self._think(event)
            case ToolCallStart():
                return self._call(event)
            case ToolCallDelta():
                return self._arguments(event)
            case MediaDelta():
                return self._picture(event)
            case CitationDelta():
                return self._cite(event)
            case ForeignDelta(family="openai-responses"):
                return self._close_spoken() + self._whole(event.value)
            case Finished():
                self._finish = event
                return b""
            case UsageReport():
                self._usage = event.usage
                return b""
            case _:
                return b""

    def end(self, extra: dict[str, Any] | None = None) -> bytes:
        reason = self._finish.reason if self._finish else None
        if reason is FinishReason.OTHER and not self._output:  # nothing was said, and nobody knows why
            reason = FinishReason.ERROR
        status, details = write_status(reason)
        out = self._begin() + self._close_all(status)
        response = self._response | {"status": status, "incomplete_details": details, "output": self._output}
        if self._usage is not None:
            response["usage"] = write_usage(self._usage)
        return out + self._event(f"response.{status}", response=response, **(extra or {}))

    def fail(self, error: AnyGPTError) -> bytes:
        response = self._response or self._envelope()
        response = response | {"output": [item for item in self._output if item.get("status") != "in_progress"]}
        return error_event(error, self._number) + failed_event(error, response, self._number + 1)

    def _begin(self) -> bytes:
        if self._response:
            return b""
        self._response = self._envelope()
        created = self._event("response.created", response=self._response)
        return created + self._event("response.in_progress", response=self._response)

    def _envelope(self) -> dict[str, Any]:
        return envelope(self._started.id, self._started.model, self._started.created, self._asked)

    def _event(self, kind: str, **fields: Any) -> bytes:
        value = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        return write_event(value, kind)

    def _add(self, item: dict[str, Any]) -> tuple[_Open, bytes]:
        opened = _Open(len(self._output), [])
        self._output.append(item)
        return opened, self._event("response.output_item.added", output_index=opened.index, item=item)

    def _done(self, opened: _Open, item: dict[str, Any]) -> bytes:
        self._output[opened.index] = item
        return self._event("response.output_item.done", output_index=opened.index, item=item)

    def _whole(self, item: dict[str, Any]) -> bytes:
        out = self._begin()
        opened, added = self._add(item)
        return out + added + self._done(opened, item)

    def _place(self, opened: _Open) -> dict[str, Any]:
        return {"item_id": self._output[opened.index]["id"], "output_index": opened.index}

    def _close_all(self, status: str) -> bytes:
        """`status` is the whole answer's: the item that it broke off in has it too."""
        last = len(self._output) - 1
        out = self._close_spoken("completed" if status == "completed" else "incomplete")
        for call in self._calls.values():
            out += self._close_call(call, "incomplete" if status != "completed" and call.index == last else "completed")
        self._calls.clear()
        return out

    def _close_spoken(self, status: str = "completed") -> bytes:
        return self._close_thought() + self._close_message(status)

    # text and refusals

    def _say(self, event: TextDelta | RefusalDelta) -> bytes:
        refused = isinstance(event, RefusalDelta)
        message, out = self._part("refusal" if refused else "output_text")
        message.pieces.append(event.text)
        place = self._place(message) | {"content_index": message.part_index, "delta": event.text}
        if refused:
            return out + self._event("response.refusal.delta", **place)
        logprobs = complete(event.logprobs)
        message.logprobs += logprobs
        return out + self._event("response.output_text.delta", **place, logprobs=logprobs)

    def _part(self, kind: str) -> tuple[_Open, bytes]:
        """The open message with a part of this kind open in it."""
        message = self._message
        if message is not None and message.part is not None and message.part["type"] == kind:
            return message, b""
        out = self._begin()
        if message is None:
            out += self._close_spoken()
            message, added = self._add(new_message(self._response["id"], len(self._output), "in_progress"))
            self._message = message
            out += added
        else:
            out += self._close_part(message)
        message.part = text_part() if kind == "output_text" else {"type": "refusal", "refusal": ""}
        message.part_index += 1
        place = self._place(message) | {"content_index": message.part_index}
        return message, out + self._event("response.content_part.added", **place, part=message.part)

    def _cite(self, event: CitationDelta) -> bytes:
        annotation = write_annotation(event.value)
        if annotation is None:
            return b""
        message, out = self._part("output_text")
        annotations = (message.part or {})["annotations"]
        annotations.append(annotation)
        place = self._place(message) | {"content_index": message.part_index}
        number = len(annotations) - 1
        return out + self._event(
            "response.output_text.annotation.added", **place, annotation_index=number, annotation=annotation
        )

    def _close_part(self, message: _Open) -> bytes:
        part = message.part
        if part is None:
            return b""
        key = "refusal" if part["type"] == "refusal" else "text"
        part[key] = "".join(message.pieces)
        message.pieces, message.part = [], None
        content = self._output[message.index]["content"]
        self._output[message.index] = self._output[message.index] | {"content": [*content, part]}
        place = self._place(message) | {"content_index": message.part_index}
        if key == "refusal":
            out = self._event("response.refusal.done", **place, refusal=part[key])
        else:
            part["logprobs"], message.logprobs = message.logprobs, []
            out = self._event("response.output_text.done", **place, text=part[key], logprobs=part["logprobs"])
        return out + self._event("response.content_part.done", **place, part=part)

    def _close_message(self, status: str) -> bytes:
        message = self._message
        if message is None:
            return b""
        self._message = None
        out = self._close_part(message)
        return out + self._done(message, self._output[message.index] | {"status": status})

    # reasoning

    def _think(self, event: ReasoningDelta) -> bytes:
        if event.redacted is not None:
            part = Reasoning(event.text, redacted=event.redacted, family=event.family)
            out = self._begin() + self._close_spoken()
            return out + self._whole(write_reasoning(part, self._name("rs")))
        out = b""
        if event.text:
            out = self._begin()
            if self._thought is None:
                out += self._close_spoken()
                item = {"id": self._name("rs"), "type": "reasoning", "summary": []}
                self._thought, added = self._add(item)
                part_added = {"type": "summary_text", "text": ""}
                place = self._place(self._thought) | {"summary_index": 0}
                out += added + self._event("response.reasoning_summary_part.added", **place, part=part_added)
            self._thought.pieces.append(event.text)
            place = self._place(self._thought) | {"summary_index": 0}
            out += self._event("response.reasoning_summary_text.delta", **place, delta=event.text)
        if not event.signature:
            return out
        if self._thought is None:  # a signature alone
            part = Reasoning(signature=event.signature, family=event.family)
            out += self._begin() + self._close_spoken()
            return out + self._whole(write_reasoning(part, self._name("rs")))
        return out + self._close_thought(event)

    def _close_thought(self, signed: ReasoningDelta | None = None) -> bytes:
        thought = self._thought
        if thought is None:
            return b""
        self._thought = None
        text = "".join(thought.pieces)
        place = self._place(thought) | {"summary_index": 0}
        out = self._event("response.reasoning_summary_text.done", **place, text=text)
        summary = {"type": "summary_text", "text": text}
        out += self._event("response.reasoning_summary_part.done", **place, part=summary)
        mark, family = (signed.signature, signed.family) if signed else (None, None)
        part = Reasoning(text, signature=mark, family=family)
        return out + self._done(thought, write_reasoning(part, place["item_id"], text))

    # calls, pictures

    def _call(self, event: ToolCallStart) -> bytes:
        out = self._begin() + self._close_spoken()
        call = ToolCall(event.id, event.name, "", event.signature)
        opened, added = self._add(new_call(call, self._response["id"], len(self._output), "in_progress"))
        self._calls[event.position] = opened
        return out + added

    def _arguments(self, event: ToolCallDelta) -> bytes:
        call = self._calls.get(event.position)
        if call is None or not event.arguments:
            return b""
        call.pieces.append(event.arguments)
        return self._event("response.function_call_arguments.delta", **self._place(call), delta=event.arguments)

    def _close_call(self, call: _Open, status: str) -> bytes:
        place, out = self._place(call), b""
        if not call.pieces:
            call.pieces.append("{}")
            out = self._event("response.function_call_arguments.delta", **place, delta="{}")
        item = self._output[call.index] | {"arguments": "".join(call.pieces), "status": status}
        said = {"name": item["name"], "arguments": item["arguments"]}
        return out + self._event("response.function_call_arguments.done", **place, **said) + self._done(call, item)

    def _picture(self, event: MediaDelta) -> bytes:
        if not event.media_type.startswith("image/"):
            return b""  # this format's answers have no sound
        out = self._begin() + self._close_spoken()
        return out + self._whole(new_picture(event.data, event.media_type, self._response["id"], len(self._output)))

    def _name(self, prefix: str) -> str:
        return item_id(prefix, self._response["id"], len(self._output))
