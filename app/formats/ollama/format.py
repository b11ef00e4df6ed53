"""The wire format "ollama"."""

from __future__ import annotations

from app.core.chat import ChatRequest, ChatResult
from app.formats.base import StreamDecoder, UpstreamCall, UpstreamFormat
from app.formats.ollama.request_out import encode_request
from app.formats.ollama.result import decode_result
from app.formats.ollama.stream_in import OllamaStreamDecoder


class Ollama:
    name = "ollama"
    family = "ollama"
    operation = "chat"

    def encode_request(self, request: ChatRequest, model: str) -> UpstreamCall:
        return encode_request(request, model)

    def decode_result(self, body: bytes) -> ChatResult:
        return decode_result(body)

    def decoder(self) -> StreamDecoder:
        return OllamaStreamDecoder()


UPSTREAM_FORMAT: UpstreamFormat = Ollama()
