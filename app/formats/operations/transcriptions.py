"""Text from speech: a form with a file, which is never looked at here."""

from __future__ import annotations

from typing import Any

from app.core.chat import FinishReason, Usage
from app.formats.base import ClientFormat, Peek, UpstreamCall
from app.formats.relay_only import RelayOnly


class Transcriptions(RelayOnly):
    """`body` is the form's plain fields as JSON, and `file_bytes` among them; the form itself is sent by the gateway.
    The answer is JSON, text or subtitles, as `response_format` says, or events."""

    name = "openai-transcriptions"
    asks = "transcriptions"
    path = "/audio/transcriptions"
    needs = frozenset({"audio_in"})
    stream_type = ""
    keep_alive = b""

    def peek(self, body: bytes, path_model: str | None = None, path_stream: bool | None = None) -> Peek:
        seen = super().peek(body)
        seen.input_bytes //= 100  # a minute of compressed sound is some 500 KB and some 1,500 tokens
        return seen

    def relay_request(self, body: bytes, model: str, peek: Peek, ask_usage: bool) -> UpstreamCall:
        return UpstreamCall(path=self.path, body=b"")

    def add_to_result(self, body: bytes, extra: dict[str, Any]) -> bytes:
        return super().add_to_result(body, extra) if body.startswith(b"{") else body

    def result_usage(self, body: bytes) -> tuple[Usage | None, FinishReason | None]:
        return super().result_usage(body) if body.startswith(b"{") else (None, FinishReason.STOP)


OPERATION_FORMAT: ClientFormat = Transcriptions()
