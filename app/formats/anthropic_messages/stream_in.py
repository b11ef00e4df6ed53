"""Anthropic's stream → events."""

from __future__ import annotations

from typing import Any

import msgspec

from app.core.chat import (
    CitationDelta,
    Ended,
    Event,
    Finished,
    ForeignDelta,
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
from app.formats.anthropic_messages.blocks import FAMILY, call_signature, read_block, read_image, read_redacted
from app.formats.anthropic_messages.words import merge_usage, read_stop, read_usage
from app.formats.failures import in_band
from app.formats.halves import Halves
from app.formats.payload import as_count, as_dict, as_text, as_text_or_none, dump_text, try_read
from app.formats.signatures import unwrap
from app.formats.sse import Frame, SSEReader

CUT = "The provider's stream broke off before its end."


class _Block(msgspec.Struct):
    kind: str
    position: int = 0  # of a tool call
    start: dict[str, Any] = {}
    json: str = ""  # arguments so far
    family: str = FAMILY


class MessageStreamDecoder:
    def __init__(self) -> None:
        self._reader = SSEReader()
        self._halves = Halves()
        self._blocks: dict[int, _Block] = {}
        self._calls = 0
        self._usage: dict[str, Any] = {}
        self._over = False  # ended or failed

    def feed(self, chunk: bytes) -> list[Event]:
        events: list[Event] = []
        for frame in self._reader.feed(chunk):
            self._frame(frame, events)
        return events

    def close(self) -> list[Event]:
        events: list[Event] = []
        for frame in self._reader.close():
            if try_read(frame.data) is not None:
                self._frame(frame, events)
        if not self._over:
            events.append(StreamFailed(UpstreamDown(CUT)))
        return events

    def _frame(self, frame: Frame, events: list[Event]) -> None:
        data = frame.data.strip()
        if self._over or not data or data == b"[DONE]":
            return
        value = self._halves.read(data)
        if value.get("error") or value.get("type") == "error":
            self._over = True
            events.append(StreamFailed(in_band(value)))
            return
        index = as_count(value.get("index"))
        match value.get("type") or frame.event:
            case "message_start":
                self._start(as_dict(value.get("message")), events)
            case "content_block_start":
                self._open(index, as_dict(value.get("content_block")), events)
            case "content_block_delta":
                self._delta(index, as_dict(value.get("delta")), events)
            case "content_block_stop":
                self._close(index, events)
            case "message_delta":
                self._message_delta(value, events)
            case "message_stop":
                self._over = True
                events.append(Ended())
            case "message":
                self._whole(value, events)

    def _start(self, message: dict[str, Any], events: list[Event]) -> None:
        self._usage = merge_usage(self._usage, message.get("usage"))
        usage = read_usage(self._usage)
        events.append(Started(as_text(message.get("id")), as_text(message.get("model")), usage=usage))
        if usage is not None:
            events.append(UsageReport(usage))

    def _open(self, index: int, start: dict[str, Any], events: list[Event]) -> None:
        kind = as_text(start.get("type"))
        block = self._blocks[index] = _Block(kind, start=start)
        match kind:
            case "text":
                if text := as_text(start.get("text")):
                    events.append(TextDelta(text))
            case "thinking":
                if text := as_text(start.get("thinking")):
                    events.append(ReasoningDelta(text, family=FAMILY))
            case "redacted_thinking":
                part = read_redacted(as_text(start.get("data")))
                events.append(ReasoningDelta(redacted=part.redacted, family=part.family))
            case "tool_use":
                block.position = self._calls
                self._calls += 1
                call_id, name = as_text(start.get("id")), as_text(start.get("name"))
                events.append(ToolCallStart(block.position, call_id, name, call_signature(start)))

    def _delta(self, index: int, delta: dict[str, Any], events: list[Event]) -> None:
        block = self._blocks.setdefault(index, _Block("text"))
        match delta.get("type"):
            case "text_delta":
                if text := as_text(delta.get("text")):
                    events.append(TextDelta(text))
            case "thinking_delta":
                if text := as_text(delta.get("thinking")):
                    events.append(ReasoningDelta(text, family=FAMILY))
            case "signature_delta":
                if signature := as_text_or_none(delta.get("signature")):
                    bare, family, _ = unwrap(signature, FAMILY)
                    events.append(ReasoningDelta(signature=bare, family=family))
            case "input_json_delta":
                piece = as_text(delta.get("partial_json"))
                block.json += piece
                if block.kind == "tool_use" and piece:
                    events.append(ToolCallDelta(block.position, piece))
            case "citations_delta":
                events.append(CitationDelta(as_dict(delta.get("citation")), FAMILY))
            case _:
                for key, value in delta.items():
                    if key != "type" and value is not None:
                        block.start[key] = value

    def _close(self, index: int, events: list[Event]) -> None:
        block = self._blocks.pop(index, None)
        if block is None or block.kind in ("text", "thinking", "redacted_thinking"):
            return
        if block.kind == "tool_use":
            if not block.json:
                events.append(ToolCallDelta(block.position, dump_text(as_dict(block.start.get("input")))))
            return
        picture = read_image(block.start) if block.kind == "image" else None
        if picture is not None:
            events.append(MediaDelta(picture.data or picture.url or "", picture.media_type or "image/*"))
            return
        value = dict(block.start)
        if block.json:
            value["input"] = as_dict(try_read(block.json.encode("utf-8", "replace")))
        events.append(ForeignDelta(FAMILY, value))

    def _message_delta(self, value: dict[str, Any], events: list[Event]) -> None:
        delta = as_dict(value.get("delta"))
        reason = read_stop(delta.get("stop_reason"))
        if reason is not None:
            events.append(Finished(reason, stop_sequence=as_text_or_none(delta.get("stop_sequence"))))
        self._usage = merge_usage(self._usage, value.get("usage"))
        usage = read_usage(self._usage)
        if usage is not None:
            events.append(UsageReport(usage))

    def _whole(self, value: dict[str, Any], events: list[Event]) -> None:
        """A provider that ignored `stream` and answered whole."""
        self._start(value, events)
        for number, block in enumerate(value.get("content") or []):
            if isinstance(block, dict) and read_block(block) is not None:
                self._open(number, block, events)
                self._close(number, events)
        self._message_delta({"delta": value}, events)
        self._over = True
        events.append(Ended())
