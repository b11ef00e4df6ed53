"""The wire format "openai-responses"."""

from __future__ import annotations

from typing import Any

from app.core.chat import ChatRequest, ChatResult, FinishReason, Usage
from app.core.errors import AnyGPTError
from app.formats.base import Peek, StreamDecoder, StreamEncoder, Tap, UpstreamCall, WireFormat
from app.formats.openai_chat.errors import encode_error
from app.formats.openai_responses import errors, result
from app.formats.openai_responses.peek import peek_response
from app.formats.openai_responses.request_in import decode_request
from app.formats.openai_responses.request_out import PATH, encode_request
from app.formats.openai_responses.stream_in import ResponseStreamDecoder
from app.formats.openai_responses.stream_out import ResponseStreamEncoder
from app.formats.openai_responses.tap import ResponseTap
from app.formats.openai_responses.words import FAMILY, OWN
from app.formats.payload import add_members
from app.formats.splice import relay_body


class OpenAIResponses:
    name = OWN
    family = FAMILY
    operation = asks = "chat"
    stream_type = "text/event-stream"
    keep_alive = b": keep-alive\n\n"

    def peek(self, body: bytes, path_model: str | None = None, path_stream: bool | None = None) -> Peek:
        return peek_response(body)

    def decode_request(
        self, body: bytes, path_model: str | None = None, path_stream: bool | None = None
    ) -> ChatRequest:
        return decode_request(body)

    def encode_result(self, answer: ChatResult) -> bytes:
        return result.encode_result(answer)

    def encoder(self, request: Peek) -> StreamEncoder:
        return ResponseStreamEncoder(request)

    def encode_error(self, error: AnyGPTError) -> bytes:
        return encode_error(error)

    def stream_error(self, error: AnyGPTError) -> bytes:
        return errors.stream_error(error)

    def encode_request(self, request: ChatRequest, model: str) -> UpstreamCall:
        return encode_request(request, model)

    def relay_request(self, body: bytes, model: str, peek: Peek, ask_usage: bool) -> UpstreamCall:
        return UpstreamCall(path=PATH, body=relay_body(body, model=model))

    def add_to_result(self, body: bytes, extra: dict[str, Any]) -> bytes:
        return add_members(body, extra)

    def decode_result(self, body: bytes) -> ChatResult:
        return result.decode_result(body)

    def result_usage(self, body: bytes) -> tuple[Usage | None, FinishReason | None]:
        return result.result_usage(body)

    def decoder(self) -> StreamDecoder:
        return ResponseStreamDecoder()

    def tap(self, *, strip_usage: bool) -> Tap:
        return ResponseTap(strip_usage=strip_usage)


FORMAT: WireFormat = OpenAIResponses()
