"""Counting tokens at the provider: the calls of the two that have one, and the answers clients expect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from app.core.chat import ChatRequest
from app.core.errors import UnreadableAnswer
from app.formats.anthropic_messages.format import FORMAT as ANTHROPIC
from app.formats.base import UpstreamCall
from app.formats.gemini.format import FORMAT as GEMINI
from app.formats.payload import as_count, dump, read_answer


class Counter(msgspec.Struct, frozen=True):
    """`call` says a question in no format as this provider's counting call; `read` takes the number from its answer."""

    name: str
    format: str  # that of chat whose questions it counts
    call: Callable[[ChatRequest, str], UpstreamCall]
    read: Callable[[bytes], int]


# what Anthropic's count_tokens takes of a messages request (its API reference); it refuses the rest
_COUNTED = ("model", "messages", "system", "tools", "tool_choice", "thinking", "cache_control", "output_config")
_COUNTED += ("context_management", "mcp_servers")  # of its beta


def _anthropic(request: ChatRequest, model: str) -> UpstreamCall:
    call = ANTHROPIC.encode_request(request, model)
    body: dict[str, Any] = msgspec.json.decode(call.body)
    kept = {key: body[key] for key in _COUNTED if key in body}
    return UpstreamCall(path="/messages/count_tokens", body=dump(kept), headers=call.headers)


def _gemini(request: ChatRequest, model: str) -> UpstreamCall:
    call = GEMINI.encode_request(request, model)
    body: dict[str, Any] = msgspec.json.decode(call.body)
    whole = {"generateContentRequest": {"model": f"models/{model.removeprefix('models/')}", **body}}
    return UpstreamCall(path=call.path.partition(":")[0] + ":countTokens", body=dump(whole))


def _number(field: str) -> Callable[[bytes], int]:
    def read(body: bytes) -> int:
        value = read_answer(body)
        if field not in value:
            raise UnreadableAnswer("The provider's answer holds no count of tokens.", body=body[:2000])
        return as_count(value[field])

    return read


COUNTERS = {
    "anthropic-count": Counter("anthropic-count", ANTHROPIC.name, _anthropic, _number("input_tokens")),
    "gemini-count": Counter("gemini-count", GEMINI.name, _gemini, _number("totalTokens")),
}


def write_count(family: str, tokens: int) -> bytes:
    """The answer for a client of Anthropic's or Gemini's format."""
    return dump({"totalTokens": tokens} if family == "gemini" else {"input_tokens": tokens})
