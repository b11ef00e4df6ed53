"""The tap beside a relayed stream of Anthropic's."""

from __future__ import annotations

from typing import Any

from app.core.errors import UpstreamError
from app.formats.anthropic_messages.words import merge_usage, read_stop, read_usage
from app.formats.failures import in_band
from app.formats.payload import as_dict, as_text
from app.formats.relay import ERROR, Seen, StreamTap


class MessageTap(StreamTap):
    # a name inside text would be found too: then the event is looked at and passes
    triggers = (b"message_delta", b"message_stop", ERROR)

    def __init__(self, *, strip_usage: bool = False) -> None:
        super().__init__(strip_usage=strip_usage)
        self._counted_usage: dict[str, Any] = {}

    def _error_of(self, value: dict[str, Any]) -> UpstreamError | None:
        return in_band(value) if value.get("error") or value.get("type") == "error" else None

    def _look(self, value: dict[str, Any]) -> Seen:
        match value.get("type"):
            case "message_start":
                self._count(as_dict(value.get("message")).get("usage"))
                return Seen()
            case "message_delta":
                self._count(value.get("usage"))
                reason = read_stop(as_dict(value.get("delta")).get("stop_reason"))
                self.finish = self.finish or reason
                return Seen(ends=reason is not None)
            case "message_stop":
                self.ended = self.error is None
                return Seen(ends=True)
            case "content_block_start":
                return Seen(content=_opens(as_dict(value.get("content_block"))))
            case "content_block_delta":
                return Seen(content=_says(as_dict(value.get("delta"))))
            case "message":  # a provider that ignored `stream`
                self._count(value.get("usage"))
                self.finish = read_stop(value.get("stop_reason"))
                self.ended = True
                return Seen(content=bool(value.get("content")), ends=True)
        return Seen()

    def _complete(self) -> bool:
        return self.ended  # the format always says `message_stop`

    def _count(self, usage: Any) -> None:
        self._counted_usage = merge_usage(self._counted_usage, usage)
        self._usage = read_usage(self._counted_usage)

    def _words(self, value: dict[str, Any]) -> str:
        delta = as_dict(value.get("delta"))
        return "".join(as_text(delta.get(key)) for key in ("text", "thinking", "partial_json"))


def _opens(block: dict[str, Any]) -> bool:
    match block.get("type"):
        case "text":
            return bool(block.get("text"))
        case "thinking":
            return bool(block.get("thinking"))
        case "redacted_thinking":
            return bool(block.get("data"))
        case kind:
            return kind == "tool_use"


def _says(delta: dict[str, Any]) -> bool:
    match delta.get("type"):
        case "text_delta":
            return bool(delta.get("text"))
        case "thinking_delta":
            return bool(delta.get("thinking"))
        case "input_json_delta":
            return bool(delta.get("partial_json"))
        case _:
            return False
