"""The tap beside a relayed stream of chat completion chunks."""

from __future__ import annotations

import re
from typing import Any

from app.core.errors import UpstreamError
from app.formats.failures import in_band
from app.formats.openai_chat.message import read_content, read_reasoning
from app.formats.openai_chat.words import chunk_usage, read_finish
from app.formats.payload import as_dict, as_dicts, as_text
from app.formats.relay import Seen, StreamTap
from app.formats.sse import Frame


class ChatTap(StreamTap):
    # in JSON a quote inside a string is escaped: these bytes can only be keys, and `[DONE]` is looked at again
    triggers = (b"[DONE]", b'"error"')
    patterns = (re.compile(rb'"finish_reason"\s*:\s*[^\sn]'), re.compile(rb'"usage"\s*:\s*\{'))
    _TOOLS = re.compile(rb'"tool_calls"\s*:\s*\[\s*\{')

    def __init__(self, *, strip_usage: bool = False) -> None:
        super().__init__(strip_usage=strip_usage)
        self._tools = False
        self._answered = False
        self._said: object = None  # the first choice's finish, in the provider's word

    def _keep(self, raw: bytes) -> None:
        if not self._tools and b'"tool_calls"' in raw and self._TOOLS.search(raw):
            self._tools = True
        super()._keep(raw)

    def _odd(self, frame: Frame) -> Seen:
        if frame.data.strip() != b"[DONE]":
            return super()._odd(frame)
        if self._answered and self.error is None:
            self.ended = True
            self.finish = self.finish or read_finish("stop", self._tools)
        return Seen(ends=True)

    def _error_of(self, value: dict[str, Any]) -> UpstreamError | None:
        if value.get("error"):
            return in_band(value)
        for choice in as_dicts(value.get("choices")):
            if choice.get("error"):
                return in_band(choice)
            if choice.get("finish_reason") == "error":
                return in_band({"error": {"message": "The provider ended its answer with an error."}})
        return None

    def _look(self, value: dict[str, Any]) -> Seen:
        usage = chunk_usage(value)
        if usage is not None:
            self._usage = usage
        choices = as_dicts(value.get("choices"))
        self._answered = self._answered or bool(choices)
        if not choices and usage is not None:
            return Seen(drop=self._strip_usage, ends=self._said is not None)
        seen = Seen()
        for choice in choices:
            delta = as_dict(choice.get("delta")) or as_dict(choice.get("message"))
            if delta.get("tool_calls") or delta.get("function_call"):
                self._tools = True
            seen.content = seen.content or _has_content(delta)
            if choice.get("finish_reason"):
                seen.ends = True
                if self._said is None:
                    self._said = choice["finish_reason"]
                    self.finish = read_finish(self._said, self._tools)
        return seen

    def _words(self, value: dict[str, Any]) -> str:
        words: list[str] = []
        for choice in as_dicts(value.get("choices")):
            delta = as_dict(choice.get("delta")) or as_dict(choice.get("message"))
            content = delta.get("content")
            words += [content] if isinstance(content, str) else [_text_of(part) for part in read_content(delta)]
            words += [thought.text for thought in read_reasoning(delta)]
            for call in as_dicts(delta.get("tool_calls")):
                function = as_dict(call.get("function"))
                words += (as_text(function.get("name")), as_text(function.get("arguments")))
        return "".join(words)


def _has_content(delta: dict[str, Any]) -> bool:
    if not delta:
        return False
    if delta.get("tool_calls") or delta.get("function_call") or as_dict(delta.get("audio")).get("data"):
        return True
    if read_content(delta):
        return True
    return any(thought.text or thought.redacted for thought in read_reasoning(delta))


def _text_of(part: object) -> str:
    return str(getattr(part, "text", ""))
