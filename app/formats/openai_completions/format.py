"""The wire format "openai-completions": relayed to who has it, else a question of chat."""

from __future__ import annotations

from typing import Any

from app.core.chat import ChatRequest, ChatResult, FinishReason, Usage
from app.core.errors import AnyGPTError, UnreadableAnswer
from app.formats.base import ClientFormat, Peek, StreamEncoder, Tap, UpstreamCall
from app.formats.openai_chat import errors
from app.formats.openai_chat.result import refuse_error
from app.formats.openai_chat.words import chunk_usage, read_finish
from app.formats.openai_completions import answer
from app.formats.openai_completions.peek import decode_request, peek_completion
from app.formats.payload import add_members, as_dicts, read_answer
from app.formats.splice import relay_body
from app.formats.sse import write_event


class OpenAICompletions:
    name = "openai-completions"
    family = "openai"
    asks = "chat"
    stream_type = "text/event-stream"
    keep_alive = b": keep-alive\n\n"

    def peek(self, body: bytes, path_model: str | None = None, path_stream: bool | None = None) -> Peek:
        return peek_completion(body)

    def decode_request(
        self, body: bytes, path_model: str | None = None, path_stream: bool | None = None
    ) -> ChatRequest:
        return decode_request(body)

    def encode_result(self, result: ChatResult) -> bytes:
        return answer.encode_result(result)

    def encoder(self, request: Peek) -> StreamEncoder:
        return answer.CompletionStreamEncoder(include_usage=request.include_usage)

    def encode_error(self, error: AnyGPTError) -> bytes:
        return errors.encode_error(error)

    def stream_error(self, error: AnyGPTError) -> bytes:
        return write_event({"error": errors.error_object(error)})

    def relay_request(self, body: bytes, model: str, peek: Peek, ask_usage: bool) -> UpstreamCall:
        wanted = ask_usage and peek.stream and not peek.include_usage
        return UpstreamCall(path="/completions", body=relay_body(body, model=model, include_usage=wanted))

    def add_to_result(self, body: bytes, extra: dict[str, Any]) -> bytes:
        return add_members(body, extra)

    def result_usage(self, body: bytes) -> tuple[Usage | None, FinishReason | None]:
        value = read_answer(body)
        refuse_error(value, body)
        choices = as_dicts(value.get("choices"))
        if not choices:
            raise UnreadableAnswer("The provider's answer has no choices.", body=body[:2000])
        return chunk_usage(value), read_finish(choices[0].get("finish_reason"), has_tools=False)

    def tap(self, *, strip_usage: bool) -> Tap:
        return answer.CompletionTap(strip_usage=strip_usage)


OPERATION_FORMAT: ClientFormat = OpenAICompletions()
