"""The tap beside a relayed stream of Gemini's events."""

from __future__ import annotations

import re
from typing import Any

from app.core.chat import FinishReason, Usage
from app.formats.gemini.result import blocked, has_call
from app.formats.gemini.words import camel, read_finish, read_usage
from app.formats.payload import as_dict, as_dicts, as_text, dump_text, try_read
from app.formats.relay import ERROR, Seen, StreamTap, split_events
from app.formats.sse import Frame

_DATA = re.compile(rb"\{.*\}", re.DOTALL)


class GenerateTap(StreamTap):
    triggers = (b'"finishReason"', ERROR, b'"promptFeedback"')
    choices = "candidates"
    _CALL = b'"functionCall"'
    _USAGE = b'"usageMetadata"'

    def __init__(self, *, strip_usage: bool = False) -> None:
        super().__init__(strip_usage=strip_usage)
        self._tools = False
        self._with_usage = b""  # the latest bytes that hold usage: every event does, so only the last is decoded

    @property
    def usage(self) -> Usage | None:
        if self._with_usage:
            block, self._with_usage = self._with_usage, b""
            for raw in reversed([*split_events(block)]):
                match = _DATA.search(raw) if self._USAGE in raw else None
                value = try_read(match[0]) if match else None
                if (usage := read_usage(as_dict(camel(value)).get("usageMetadata"))) is not None:
                    self._usage = usage
                    break
        return self._usage

    def _keep(self, raw: bytes) -> None:
        if not self._tools and self._CALL in raw:
            self._tools = True
        if self._USAGE in raw:
            self._with_usage = raw
        super()._keep(raw)

    def _carries_usage(self, raw: bytes) -> bool:
        return self._USAGE in raw

    def _odd(self, frame: Frame) -> Seen:
        value = try_read(frame.data)
        if not isinstance(value, list):
            return super()._odd(frame)
        seen = Seen(ends=True)  # a whole JSON array: the provider did not hear `alt=sse`
        for item in as_dicts(value):
            self.error = self.error or self._error_of(item)
            seen.content = self._look(item).content or seen.content
            self._usage = read_usage(as_dict(camel(item)).get("usageMetadata")) or self._usage
        self._with_usage = b""
        return seen

    def _look(self, value: dict[str, Any]) -> Seen:
        value = camel(value)
        seen = Seen()
        for candidate in as_dicts(value.get("candidates")):
            self._tools = self._tools or has_call(candidate)
            seen.content = seen.content or _has_content(candidate)
            if candidate.get("index"):
                self._begin(candidate)
            reason = read_finish(candidate.get("finishReason"), self._tools)
            if reason is not None:
                self._finish(candidate, reason)
                seen.ends = True
        if blocked(value):
            self.finish = self.finish or FinishReason.CONTENT_FILTER
            seen.ends = True
        return seen

    def _words(self, value: dict[str, Any]) -> str:
        words: list[str] = []
        for candidate in as_dicts(value.get("candidates")):
            for part in as_dicts(as_dict(candidate.get("content")).get("parts")):
                words.append(as_text(part.get("text")))
                if call := as_dict(part.get("functionCall")):
                    words += (as_text(call.get("name")), dump_text(call.get("args")))
        return "".join(words)


def _has_content(candidate: dict[str, Any]) -> bool:
    parts = as_dict(candidate.get("content")).get("parts")
    for part in as_dicts(parts if isinstance(parts, list) else [parts]):
        if part.get("text") or part.get("functionCall") or part.get("inlineData"):
            return True
    return False
