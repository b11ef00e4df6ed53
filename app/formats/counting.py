"""Counting tokens at the provider: the calls of the two that have one, and the answers clients expect."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from app.core.chat import ChatRequest
from app.core.errors import UnreadableAnswer
from app.formats.anthropic_messages.format import FORMAT as ANTHROPIC
from app.formats.anthropic_messages.request_out import HEADERS
from app.formats.base import UpstreamCall, WireFormat
from app.formats.gemini.format import FORMAT as GEMINI
from app.formats.payload import as_count, dump, read_answer, read_request


class Counter(msgspec.Struct, frozen=True):
    """`call` makes a provider's counting call of a question in its format of chat; `read` takes the number from the
    answer."""

    name: str
    format: WireFormat
    call: Callable[[bytes, str], UpstreamCall]
    read: Callable[[bytes], int]

    def call_for(self, request: ChatRequest, model: str) -> UpstreamCall:
        """The call for a question in no format."""
        return self.call(self.format.encode_request(request, model).body, model)


# what Anthropic's count_tokens takes of a messages request (its API reference); it refuses the rest
_COUNTED: tuple[str, ...] = (
    *("model", "messages", "system", "tools", "tool_choice", "thinking", "cache_control", "output_config"),
    *("context_management", "mcp_servers"),  # of its beta
)


def _anthropic(body: bytes, model: str) -> UpstreamCall:
    asked = read_request(body) | {"model": model}
    kept = {key: asked[key] for key in _COUNTED if key in asked}
    return UpstreamCall(path="/messages/count_tokens", body=dump(kept), headers=dict(HEADERS))


def _gemini(body: bytes, model: str) -> UpstreamCall:
    name = model if "/" in model else f"models/{model}"
    whole = {"generateContentRequest": read_request(body) | {"model": name}}
    return UpstreamCall(path=f"/{name}:countTokens", body=dump(whole))


def _number(field: str) -> Callable[[bytes], int]:
    def read(body: bytes) -> int:
        value = read_answer(body)
        if field not in value:
            raise UnreadableAnswer("The provider's answer holds no count of tokens.", body=body[:2000])
        return as_count(value[field])

    return read


COUNTERS = {
    "anthropic-count": Counter("anthropic-count", ANTHROPIC, _anthropic, _number("input_tokens")),
    "gemini-count": Counter("gemini-count", GEMINI, _gemini, _number("totalTokens")),
}


def write_count(family: str, tokens: int) -> bytes:
    """The answer for a client of Anthropic's or Gemini's format."""
    return dump({"totalTokens": tokens} if family == "gemini" else {"input_tokens": tokens})
