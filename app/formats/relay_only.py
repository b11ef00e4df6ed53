"""What operations have in common that no other format can say: JSON in OpenAI's manner, passed on as it came."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from app.core.chat import FinishReason, Usage
from app.core.errors import AnyGPTError, Unsupported
from app.formats.base import Peek, StreamEncoder, Tap, UpstreamCall
from app.formats.fields import check_model
from app.formats.openai_chat.errors import encode_error, error_object
from app.formats.openai_chat.result import refuse_error
from app.formats.operation_usage import read_operation_usage
from app.formats.payload import add_members, read_answer
from app.formats.payload import peek as peek_at
from app.formats.relay import ERROR, Seen, StreamTap
from app.formats.splice import relay_body
from app.formats.sse import write_event


class Head(msgspec.Struct):
    """What such requests may name for routing."""

    model: str = ""
    stream: bool | None = None
    user: str | None = None


_head = msgspec.json.Decoder(Head)


class DoneTap(StreamTap):
    """Events whose last one, of a type that ends in one of `done`, carries the usage."""

    triggers: ClassVar[tuple[bytes, ...]] = (ERROR, b".done", b".completed")

    def _look(self, value: dict[str, Any]) -> Seen:
        kind = str(value.get("type", ""))
        if kind.endswith((".done", ".completed")):
            self._usage = read_operation_usage(value) or self._usage
            self.content = True
            self.finish = FinishReason.STOP
            self.ended = kind.endswith(".done")  # pictures may be more than one: their end is the body's
            return Seen(ends=True)
        return Seen(content=True)

    def _words(self, value: dict[str, Any]) -> str:
        text = value.get("delta") or value.get("text")
        return text if isinstance(text, str) else ""


class RelayOnly:
    """A subclass names the operation, its path and its default model."""

    family = "openai"
    stream_type = "text/event-stream"
    keep_alive = b": keep-alive\n\n"
    name: str
    asks: str
    path: ClassVar[str]
    default_model: ClassVar[str] = ""
    needs: ClassVar[frozenset[str]] = frozenset()  # words of the capability vocabulary

    def peek(self, body: bytes, path_model: str | None = None, path_stream: bool | None = None) -> Peek:
        head = peek_at(body, _head)
        model = head.model or self.default_model
        check_model(model)
        return Peek(
            model=model, stream=bool(head.stream), user=head.user, needs=self.needs, input_bytes=self.input_bytes(body)
        )

    def input_bytes(self, body: bytes) -> int:
        """What the model will read of it, near enough."""
        return len(body)

    def relay_request(self, body: bytes, model: str, peek: Peek, ask_usage: bool) -> UpstreamCall:
        named = peek.model != self.default_model
        return UpstreamCall(path=self.path, body=relay_body(body, model=model, named=named))

    def add_to_result(self, body: bytes, extra: dict[str, Any]) -> bytes:
        return add_members(body, extra)

    def result_usage(self, body: bytes) -> tuple[Usage | None, FinishReason | None]:
        value = read_answer(body)
        refuse_error(value, body)
        return read_operation_usage(value), FinishReason.STOP

    def tap(self, *, strip_usage: bool) -> Tap:
        return DoneTap(strip_usage=strip_usage)

    def encode_error(self, error: AnyGPTError) -> bytes:
        return encode_error(error)

    def stream_error(self, error: AnyGPTError) -> bytes:
        return write_event({"error": error_object(error)})

    def decode_request(self, body: bytes, path_model: str | None = None, path_stream: bool | None = None) -> Any:
        raise Unsupported(f"No provider of this model offers {self.asks}; name another model.", field="model")

    def encode_result(self, result: Any) -> bytes:
        raise NotImplementedError

    def encoder(self, request: Peek) -> StreamEncoder:
        raise NotImplementedError
