"""Speech from a text: sound as it comes, or events."""

from __future__ import annotations

from app.core.errors import AnyGPTError
from app.formats.base import ClientFormat, Peek, Tap
from app.formats.operations.file_tap import FileTap
from app.formats.relay_only import RelayOnly


class Speech(RelayOnly):
    """The answer is a file that is passed on while it grows, so it counts as a stream."""

    name = "openai-speech"
    asks = "speech"
    path = "/audio/speech"
    needs = frozenset({"audio_out"})
    stream_type = ""
    keep_alive = b""

    def peek(self, body: bytes, path_model: str | None = None, path_stream: bool | None = None) -> Peek:
        seen = super().peek(body)
        seen.stream = True
        return seen

    def tap(self, *, strip_usage: bool) -> Tap:
        return FileTap()

    def stream_error(self, error: AnyGPTError) -> bytes:
        return b""


OPERATION_FORMAT: ClientFormat = Speech()
