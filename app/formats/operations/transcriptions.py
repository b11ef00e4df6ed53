"""Text from speech: a form with a file, which is never looked at here."""

from __future__ import annotations

from typing import Any

from app.core.chat import FinishReason, Usage
from app.formats.base import ClientFormat, Peek, Tap, UpstreamCall
from app.formats.operations.file_tap import FileTap
from app.formats.relay_only import RelayOnly


class Transcriptions(RelayOnly):
    """`body` is the form's plain fields as JSON: the sound takes no place in the model's window, which hears it piece
    by piece. The form itself is sent by the gateway. The answer is JSON, text or subtitles, as `response_format` says,
    or events; models that do not stream answer whole all the same."""

    name = "openai-transcriptions"
    asks = "transcriptions"
    path = "/audio/transcriptions"
    needs = frozenset({"audio_in"})
    stream_type = ""
    keep_alive = b""

    def tap(self, *, strip_usage: bool) -> Tap:
        return FileTap()

    def relay_request(self, body: bytes, model: str, peek: Peek, ask_usage: bool) -> UpstreamCall:
        return UpstreamCall(path=self.path, body=b"")

    def add_to_result(self, body: bytes, extra: dict[str, Any]) -> bytes:
        return super().add_to_result(body, extra) if _is_json(body) else body

    def result_usage(self, body: bytes) -> tuple[Usage | None, FinishReason | None]:
        return super().result_usage(body) if _is_json(body) else (None, FinishReason.STOP)


def _is_json(body: bytes) -> bool:
    return body.lstrip()[:1] == b"{"


OPERATION_FORMAT: ClientFormat = Transcriptions()
