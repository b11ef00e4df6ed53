"""Events → a stream of chat completion chunks."""

from __future__ import annotations

from collections import Counter
from typing import Any

from app.core.chat import (
    CitationDelta,
    Event,
    Finished,
    FinishReason,
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
from app.formats.logprobs import complete
from app.formats.media import data_url
from app.formats.openai_chat.errors import error_object
from app.formats.openai_chat.message import write_citation, write_detail
from app.formats.openai_chat.words import write_finish, write_usage
from app.formats.sse import write_event

DONE = b"data: [DONE]\n\n"


class ChatStreamEncoder:
    def __init__(self, *, include_usage: bool) -> None:
        self._include_usage = include_usage
        self._head: dict[str, Any] = {}
        self._roles: set[int] = set()
        self._finishes: dict[int, FinishReason] = {}
        self._usage: Usage | None = None
        self._started = Started("", "")
        self._thoughts = 0  # blocks of reasoning that are complete
        self._bare: set[tuple[int, int]] = set()  # calls without arguments yet, by choice and position
        self._listed: Counter[tuple[str, int]] = Counter()  # entries said so far, by list and choice

    def encode(self, event: Event) -> bytes:
        match event:
            case Started():
                self._started = event
                return b""
            case TextDelta():
                return self._said("content", event)
            case ReasoningDelta():
                return self._reasoning(event)
            case RefusalDelta():
                return self._said("refusal", event)
            case ToolCallStart():
                call: dict[str, Any] = {
                    "index": event.position,
                    "id": event.id,
                    "type": "function",
                    "function": {"name": event.name, "arguments": ""},
                }
                if event.signature:
                    call["extra_content"] = {"google": {"thought_signature": event.signature}}
                self._bare.add((event.index, event.position))
                return self._delta({"tool_calls": [call]}, event.index)
            case ToolCallDelta():
                if not event.arguments:
                    return b""
                if not event.arguments.isspace():
                    self._bare.discard((event.index, event.position))
                piece = {"index": event.position, "function": {"arguments": event.arguments}}
                return self._delta({"tool_calls": [piece]}, event.index)
            case MediaDelta():
                return self._media(event)
            case CitationDelta():
                citation = write_citation(event.value)
                return self._entry("annotations", citation, event.index) if citation else b""
            case Finished():
                self._finishes[event.index] = event.reason
                return b""
            case UsageReport():
                self._usage = event.usage
                return b""
            case _:
                return b""

    def end(self, extra: dict[str, Any] | None = None) -> bytes:
        extra = extra or {}
        finishes = self._finishes or {0: FinishReason.STOP}
        last = max(finishes)
        with_usage = self._include_usage and self._usage is not None
        out = [self._nothing(index, position) for index, position in sorted(self._bare)]
        for index, reason in sorted(finishes.items()):
            word = write_finish(reason, empty=index not in self._roles)
            choice = {"index": index, "delta": self._role(index), "finish_reason": word}
            out.append(self._chunk([choice], **(extra if index == last and not with_usage else {})))
        if self._usage is not None and with_usage:
            out.append(self._chunk([], usage=write_usage(self._usage), **extra))
        return b"".join(out) + DONE

    def fail(self, error: AnyGPTError) -> bytes:
        return write_event({"error": error_object(error)})

    def _nothing(self, index: int, position: int) -> bytes:
        """Clients read a call's arguments as JSON, which no text at all is not."""
        return self._delta({"tool_calls": [{"index": position, "function": {"arguments": "{}"}}]}, index)

    def _said(self, key: str, event: TextDelta | RefusalDelta) -> bytes:
        if not event.text and not event.logprobs:
            return b""
        choice: dict[str, Any] = {"index": event.index, "delta": self._role(event.index) | {key: event.text}}
        if event.logprobs:
            choice["logprobs"] = {"content": None, "refusal": None} | {key: complete(event.logprobs)}
        return self._chunk([choice | {"finish_reason": None}])

    def _reasoning(self, event: ReasoningDelta) -> bytes:
        delta: dict[str, Any] = {}
        if event.text:
            delta["reasoning_content"] = event.text
        if event.signature or event.redacted or (event.text and event.family in ("anthropic", "gemini")):
            # its text comes here too, so that a client can put it back together with its signature
            part = Reasoning(event.text, event.signature, event.redacted, event.family)
            delta["reasoning_details"] = [write_detail(part, self._thoughts)]
            if event.signature or event.redacted:
                self._thoughts += 1
        return self._delta(delta, event.index) if delta else b""

    def _media(self, event: MediaDelta) -> bytes:
        if event.media_type.startswith("audio/"):
            return self._delta({"audio": {"id": "audio_0", "data": event.data}}, event.index)
        remote = event.data.startswith(("http:", "https:", "data:"))
        url = event.data if remote else data_url(event.media_type, event.data)
        return self._entry("images", {"type": "image_url", "image_url": {"url": url}}, event.index)

    def _entry(self, name: str, entry: dict[str, Any], choice: int) -> bytes:
        """One more of a list. OpenAI's SDK puts lists together by `index`, and breaks off where there is none."""
        number = self._listed[name, choice]
        self._listed[name, choice] += 1
        return self._delta({name: [{"index": number, **entry}]}, choice)

    def _delta(self, delta: dict[str, Any], index: int) -> bytes:
        return self._chunk([{"index": index, "delta": self._role(index) | delta, "finish_reason": None}])

    def _role(self, index: int) -> dict[str, Any]:
        if index in self._roles:
            return {}
        self._roles.add(index)
        return {"role": "assistant", "content": ""}

    def _chunk(self, choices: list[dict[str, Any]], **more: Any) -> bytes:
        if not self._head:
            self._head = {
                "id": self._started.id or new_id("chatcmpl"),
                "object": "chat.completion.chunk",
                "created": self._started.created,
                "model": self._started.model,
            }
        return write_event(self._head | {"choices": choices} | more)
