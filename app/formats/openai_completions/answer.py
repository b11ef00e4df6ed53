"""Answers of text completions: whole and streamed, made from chat's, and the tap beside relayed ones."""

from __future__ import annotations

import re
from typing import Any

from app.core.chat import (
    ChatResult,
    Event,
    Finished,
    FinishReason,
    Refusal,
    RefusalDelta,
    Started,
    Text,
    TextDelta,
    Usage,
    UsageReport,
)
from app.core.errors import AnyGPTError
from app.core.ids import new_id
from app.formats.openai_chat.errors import error_object
from app.formats.openai_chat.tap import ChatTap
from app.formats.openai_chat.words import chunk_usage, read_finish, write_finish, write_usage
from app.formats.payload import as_dicts, as_text, dump
from app.formats.relay import Seen
from app.formats.sse import write_event

DONE = b"data: [DONE]\n\n"


def encode_result(result: ChatResult) -> bytes:
    choices = []
    for each in result.choices:
        text = "".join(part.text for part in each.parts if isinstance(part, Text | Refusal))
        choices.append(_choice(text, each.index, each.finish or FinishReason.STOP))
    value = _head(result.id, result.model, result.created) | {"choices": choices}
    if result.usage is not None:
        value["usage"] = write_usage(result.usage)
    return dump(value)


class CompletionStreamEncoder:
    """Reasoning and tool calls have no place in a text completion; a request for one offers no tools."""

    def __init__(self, *, include_usage: bool) -> None:
        self._include_usage = include_usage
        self._started = Started("", "")
        self._made: dict[str, Any] | None = None
        self._finishes: dict[int, FinishReason] = {}
        self._usage: Usage | None = None

    def encode(self, event: Event) -> bytes:
        match event:
            case Started():
                self._started = event
            case TextDelta() | RefusalDelta() if event.text:
                return self._chunk([_choice(event.text, event.index, None)])
            case Finished():
                self._finishes[event.index] = event.reason
            case UsageReport():
                self._usage = event.usage
        return b""

    def end(self, extra: dict[str, Any] | None = None) -> bytes:
        extra = extra or {}
        finishes = sorted((self._finishes or {0: FinishReason.STOP}).items())
        with_usage = self._include_usage and self._usage is not None
        last = [_choice("", index, reason) for index, reason in finishes]
        out = self._chunk(last, **({} if with_usage else extra))
        if self._usage is not None and with_usage:
            out += self._chunk([], usage=write_usage(self._usage), **extra)
        return out + DONE

    def fail(self, error: AnyGPTError) -> bytes:
        return write_event({"error": error_object(error)})

    def _chunk(self, choices: list[dict[str, Any]], **more: Any) -> bytes:
        if self._made is None:
            self._made = _head(self._started.id, self._started.model, self._started.created)
        return write_event(self._made | {"choices": choices} | more)


class CompletionTap(ChatTap):
    patterns = (re.compile(rb'"finish_reason"\s*:\s*[^\sn]'), re.compile(rb'"usage"\s*:\s*\{'))

    def _look(self, value: dict[str, Any]) -> Seen:
        if (usage := chunk_usage(value)) is not None:
            self._usage = usage
        choices = as_dicts(value.get("choices"))
        self._answered = self._answered or bool(choices) or "value" in value
        if not choices and usage is not None:
            return Seen(drop=self._strip_usage, ends=self.finish is not None)
        seen = Seen(content=bool(value.get("value")))  # Writer's own shape
        for choice in choices:
            seen.content = seen.content or bool(choice.get("text"))
            if choice.get("index"):
                self._begin(choice)
            if choice.get("finish_reason"):
                seen.ends = True
                if (reason := read_finish(choice["finish_reason"], has_tools=False)) is not None:
                    self._finish(choice, reason)
        return seen

    def _words(self, value: dict[str, Any]) -> str:
        return "".join(as_text(choice.get("text")) for choice in as_dicts(value.get("choices")))


def _head(answer: str, model: str, created: int) -> dict[str, Any]:
    return {"id": answer or new_id("cmpl"), "object": "text_completion", "created": created, "model": model}


def _choice(text: str, index: int, finish: FinishReason | None) -> dict[str, Any]:
    """`finish` is None while more is to come."""
    reason = write_finish(finish) if finish is not None else None
    if finish is FinishReason.TOOL_CALLS:
        reason = "stop"  # there is no word for calls that nobody offered
    return {"text": text, "index": index, "logprobs": None, "finish_reason": reason}
