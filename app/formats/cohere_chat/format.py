"""The wire format "cohere-chat"."""

from __future__ import annotations

from app.core.chat import ChatRequest, ChatResult
from app.formats.base import StreamDecoder, UpstreamCall, UpstreamFormat
from app.formats.cohere_chat.request_out import encode_request
from app.formats.cohere_chat.result import decode_result
from app.formats.cohere_chat.stream_in import CohereStreamDecoder


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


UPSTREAM_FORMAT: UpstreamFormat = CohereChat()
