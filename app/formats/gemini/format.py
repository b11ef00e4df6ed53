"""The wire format "gemini"."""

from __future__ import annotations

from typing import Any

from app.core.chat import ChatRequest, ChatResult, FinishReason, Usage
from app.core.errors import AnyGPTError
from app.formats.base import Peek, StreamDecoder, StreamEncoder, Tap, UpstreamCall, WireFormat
from app.formats.gemini import errors, result
from app.formats.gemini.peek import peek_generate
from app.formats.gemini.request_in import decode_request
from app.formats.gemini.request_out import encode_request, path
from app.formats.gemini.stream_in import GenerateStreamDecoder
from app.formats.gemini.stream_out import GenerateStreamEncoder
from app.formats.gemini.tap import GenerateTap
from app.formats.payload import add_members, dump
from app.formats.splice import may_name, set_member
from app.formats.sse import write_event


class Gemini:
    """Streams are always events here (`alt=sse`); array.py makes the JSON array of them for clients that want it."""

    name = "gemini"
    family = "gemini"
    operation = asks = "chat"
    stream_type = "text/event-stream"
    keep_alive = b"\r\n"  # Google's clients choke on comments; white space is ignored in events and in an array

    def peek(self, body: bytes, path_model: str | None = None, path_stream: bool | None = None) -> Peek:
        return peek_generate(body, path_model, path_stream)

    def decode_request(
        self, body: bytes, path_model: str | None = None, path_stream: bool | None = None
    ) -> ChatRequest:
        return decode_request(body, path_model, path_stream)

    def encode_result(self, answer: ChatResult) -> bytes:
        return result.encode_result(answer)

    def encoder(self, request: Peek) -> StreamEncoder:
        return GenerateStreamEncoder()

    def encode_error(self, error: AnyGPTError) -> bytes:
        return errors.encode_error(error)

    def stream_error(self, error: AnyGPTError) -> bytes:
        return write_event(errors.error_object(error))

    def encode_request(self, request: ChatRequest, model: str) -> UpstreamCall:
        return encode_request(request, model)

    def relay_request(self, body: bytes, model: str, peek: Peek, ask_usage: bool) -> UpstreamCall:
        if may_name(body, "model"):  # the path decides, but a name in the body must not contradict it
            body = set_member(body, "model", dump(model if "/" in model else f"models/{model}"))
        return UpstreamCall(path=path(model, peek.stream), body=body)

    def add_to_result(self, body: bytes, extra: dict[str, Any]) -> bytes:
        return add_members(body, extra)

    def decode_result(self, body: bytes) -> ChatResult:
        return result.decode_result(body)

    def result_usage(self, body: bytes) -> tuple[Usage | None, FinishReason | None]:
        return result.result_usage(body)

    def decoder(self) -> StreamDecoder:
        return GenerateStreamDecoder()

    def tap(self, *, strip_usage: bool) -> Tap:
        return GenerateTap(strip_usage=strip_usage)


FORMAT: WireFormat = Gemini()
