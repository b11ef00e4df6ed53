"""The tap beside a relayed stream of chat completion chunks."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from app.core.chat import FinishReason
from app.core.errors import UpstreamError
from app.formats.failures import in_band
from app.formats.openai_chat.message import read_content, read_reasoning
from app.formats.openai_chat.plain_chunk import PlainChunks, read_plain
from app.formats.openai_chat.words import chunk_usage, ended_badly, failure_of, read_finish
from app.formats.payload import as_dict, as_dicts, as_text
from app.formats.relay import ERROR, Seen, StreamTap
from app.formats.sse import Frame


class ChatTap(StreamTap):
    # in JSON a quote inside a string is escaped: these bytes can only be keys, and `[DONE]` is looked at again
    triggers = (b"[DONE]", ERROR)
    choices = "choices"
    patterns = (re.compile(rb'"finish_reason"\s*:\s*[^\sn]'), re.compile(rb'"usage"\s*:\s*\{'))
    _TOOLS = re.compile(rb'"tool_calls"\s*:\s*\[\s*\{')

    def __init__(self, *, strip_usage: bool = False) -> None:
        super().__init__(strip_usage=strip_usage)
        self._tools = False
        self._chunks = PlainChunks()
        self._answered = False

    def _keep(self, raw: bytes) -> None:
        if not self._tools and b'"tool_calls"' in raw and self._TOOLS.search(raw):
            self._tools = True
        super()._keep(raw)

    def _read(self, frame: Frame) -> Seen:
        if frame.data == b"[DONE]":
            return self._odd(frame)
        chunk = None if frame.event else read_plain(frame.data)
        if chunk is None or chunk.object == "error" or (chunk.choices and chunk.choices[0].index):
            return super()._read(frame)
        usage = None
        if chunk.usage is not None:
            if (usage := chunk.usage.normalised()) is None:
                return super()._read(frame)
            self._usage = usage
        if not chunk.choices:
            return Seen(
                drop=usage is not None and self._strip_usage, ends=usage is not None and self.finish is not None
            )
        self._answered = True
        choice = chunk.choices[0]
        if choice.finish_reason is not None:
            self._finish(_FIRST, read_finish(choice.finish_reason, self._tools) or FinishReason.STOP)
        return Seen(content=bool(choice.delta.content), ends=choice.finish_reason is not None)

    def _odd(self, frame: Frame) -> Seen:
        if frame.data.strip() != b"[DONE]":
            return super()._odd(frame)
        if self._answered and self.error is None:
            self.ended = True
            self.finish = self.finish or read_finish("stop", self._tools)
        return Seen(ends=True)

    def _error_of(self, value: dict[str, Any]) -> UpstreamError | None:
        if (failure := failure_of(value)) is not None:
            return in_band(failure)
        for choice in as_dicts(value.get("choices")):
            if choice.get("error"):
                return in_band(choice)
            if choice.get("finish_reason") and self._broke(choice):
                return in_band(ended_badly(choice["finish_reason"]))
        return None

    def _broke(self, choice: dict[str, Any]) -> bool:
        """Other words than "error" say that it stops too soon: what was said until then is the client's."""
        word = choice["finish_reason"]
        said = self.content or _has_content(_delta(choice))
        return word == "error" or (not said and read_finish(word, has_tools=False) is FinishReason.ERROR)

    def _look(self, value: dict[str, Any]) -> Seen:
        usage = chunk_usage(value)
        if usage is not None:
            self._usage = usage
        choices = as_dicts(value.get("choices"))
        self._answered = self._answered or bool(choices)
        if not choices and usage is not None:
            return Seen(drop=self._strip_usage, ends=self.finish is not None)
        seen = Seen()
        for choice in choices:
            if choice.get("index"):
                self._begin(choice)
            delta = _delta(choice)
            if delta.get("tool_calls") or delta.get("function_call"):
                self._tools = True
            seen.content = seen.content or _has_content(delta)
            if choice.get("finish_reason"):
                seen.ends = True
                reason = read_finish(choice["finish_reason"], self._tools)
                if reason is not None:
                    self._finish(choice, reason)
        return seen

    def _plain(self, data: bytes) -> str | None:
        found = self._chunks.text(data)
        return found[0] if found is not None else None

    def _plain_text(self, block: bytes) -> str | None:
        # a quote inside a string is escaped, so these can only be keys; a first event may have no content yet
        contents = _CONTENT.findall(block)
        if not 0 <= block.count(b"data:") - len(contents) <= 1 or any(key in block for key in _OTHER_WORDS):
            return None
        try:
            return "".join(_strings.decode(b'["' + b'","'.join(contents) + b'"]'))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    def _words(self, value: dict[str, Any]) -> str:
        words: list[str] = []
        for choice in as_dicts(value.get("choices")):
            delta = _delta(choice)
            content = delta.get("content")
            words += [content] if isinstance(content, str) else [_text_of(part) for part in read_content(delta)]
            words += [thought.text for thought in read_reasoning(delta)]
            for call in as_dicts(delta.get("tool_calls")):
                function = as_dict(call.get("function"))
                words += (as_text(function.get("name")), as_text(function.get("arguments")))
        return "".join(words)


_CONTENT = re.compile(rb'"delta":\s*\{[^{}"]*(?:"role":\s*"\w*",\s*)?"content":\s*"([^"\\]*+(?:\\.[^"\\]*+)*+)"')
_OTHER_WORDS = (b'"tool_calls":', b'"function_call":', b'"refusal":', b'"reasoning', b'"thinking')
_strings = msgspec.json.Decoder(list[str])
_FIRST: dict[str, Any] = {}  # the first choice needs no index


def _delta(choice: dict[str, Any]) -> dict[str, Any]:
    """What a choice says anew; a `message` beside it repeats all of it."""
    delta = choice.get("delta")
    return delta if isinstance(delta, dict) else as_dict(choice.get("message"))


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
