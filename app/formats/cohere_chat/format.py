"""The wire format "cohere-chat"."""

from __future__ import annotations

from app.core.chat import ChatRequest, ChatResult
from app.formats.base import StreamDecoder, UpstreamCall, UpstreamFormat
from app.formats.cohere_chat.request_out import encode_request
from app.formats.cohere_chat.result import decode_result
from app.formats.cohere_chat.stream_in import CohereStreamDecoder
from app.formats.cohere_chat.words import read_failure
from app.formats.failures import read_error
from app.formats.payload import try_read


class CohereChat:
    name = "cohere-chat"
    family = "cohere"
    operation = "chat"

    def encode_request(self, request: ChatRequest, model: str) -> UpstreamCall:
        return encode_request(request, model)

    def decode_result(self, body: bytes) -> ChatResult:
        return decode_result(body)

    def decoder(self) -> StreamDecoder:
        return CohereStreamDecoder()

    def read_error(self, body: bytes) -> tuple[str, str | None]:
        value = try_read(body)
        return read_failure(value) if isinstance(value, dict) else read_error(body)


UPSTREAM_FORMAT: UpstreamFormat = CohereChat()
