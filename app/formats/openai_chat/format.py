"""The wire format "openai-chat"."""

from __future__ import annotations

from typing import Any

from app.core.chat import ChatRequest, ChatResult, FinishReason, Usage
from app.core.errors import AnyGPTError
from app.formats.base import Peek, StreamDecoder, StreamEncoder, Tap, UpstreamCall, WireFormat
from app.formats.openai_chat import errors, result
from app.formats.openai_chat.peek import EXTENSIONS, peek_chat
from app.formats.openai_chat.request_in import decode_request
from app.formats.openai_chat.request_out import PATH, encode_request
from app.formats.openai_chat.stream_in import ChatStreamDecoder
from app.formats.openai_chat.stream_out import ChatStreamEncoder
from app.formats.openai_chat.tap import ChatTap
from app.formats.payload import add_members
from app.formats.splice import relay_body
from app.formats.sse import write_event


class OpenAIChat:
    name = "openai-chat"
    family = "openai"
    operation = asks = "chat"
    stream_type = "text/event-stream"
    keep_alive = b": keep-alive\n\n"

    def peek(self, body: bytes, path_model: str | None = None, path_stream: bool | None = None) -> Peek:
        return peek_chat(body)

    def decode_request(
        self, body: bytes, path_model: str | None = None, path_stream: bool | None = None
    ) -> ChatRequest:
        return decode_request(body)

    def encode_result(self, answer: ChatResult) -> bytes:
        return result.encode_result(answer)

    def encoder(self, request: Peek) -> StreamEncoder:
        return ChatStreamEncoder(include_usage=request.include_usage)

    def encode_error(self, error: AnyGPTError) -> bytes:
        return errors.encode_error(error)

    def stream_error(self, error: AnyGPTError) -> bytes:
        return write_event({"error": errors.error_object(error)})

    def encode_request(self, request: ChatRequest, model: str) -> UpstreamCall:
        return encode_request(request, model)

    def relay_request(self, body: bytes, model: str, peek: Peek, ask_usage: bool) -> UpstreamCall:
        wanted = ask_usage and peek.stream and not peek.include_usage
        return UpstreamCall(path=PATH, body=relay_body(body, model=model, include_usage=wanted, remove=EXTENSIONS))

    def add_to_result(self, body: bytes, extra: dict[str, Any]) -> bytes:
        return add_members(body, extra)

    def decode_result(self, body: bytes) -> ChatResult:
        return result.decode_result(body)

    def result_usage(self, body: bytes) -> tuple[Usage | None, FinishReason | None]:
        return result.result_usage(body)

    def decoder(self) -> StreamDecoder:
        return ChatStreamDecoder()

    def tap(self, *, strip_usage: bool) -> Tap:
        return ChatTap(strip_usage=strip_usage)


FORMAT: WireFormat = OpenAIChat()
