"""The commonest chunks of a stream, read in one step: a piece of text and nothing else, an ordinary end, a usage."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from app.formats.openai_chat.plain_usage import PlainUsage

MISSES = 4  # in a row: such a provider says more in its chunks, and trying costs


class PlainDelta(msgspec.Struct, forbid_unknown_fields=True):
    content: str | None = None
    role: Any = None
    refusal: None = None
    tool_calls: None = None
    reasoning: None = None
    reasoning_content: None = None


class PlainChoice(msgspec.Struct, forbid_unknown_fields=True):
    delta: PlainDelta
    index: Annotated[int, msgspec.Meta(ge=0)] = 0
    finish_reason: Literal["stop", "length"] | None = None
    native_finish_reason: Any = None
    logprobs: None = None


class PlainChunk(msgspec.Struct, forbid_unknown_fields=True):
    """Any chunk of an answer that is only text, with one choice or none."""

    choices: Annotated[list[PlainChoice], msgspec.Meta(max_length=1)]
    usage: PlainUsage | None = None
    id: Any = None
    object: Any = None
    created: Any = None
    model: Any = None
    provider: Any = None
    service_tier: Any = None
    system_fingerprint: Any = None
    obfuscation: Any = None


_decoder = msgspec.json.Decoder(PlainChunk)


class PlainChunks:
    """Reads chunks that hold a piece of text only; gives it up where a provider's hardly ever do."""

    __slots__ = ("_misses",)

    def __init__(self) -> None:
        self._misses = 0

    def text(self, data: bytes) -> tuple[str, int] | None:
        """The text and the number of its choice; None for any other chunk, and for what is none."""
        if self._misses >= MISSES:
            return None
        chunk = read_plain(data)
        choice = chunk.choices[0] if chunk is not None and chunk.choices and chunk.usage is None else None
        ended = choice is not None and (choice.finish_reason or choice.native_finish_reason)
        if choice is None or not choice.delta.content or ended:
            self._misses += 1
            return None
        self._misses = 0
        return choice.delta.content, choice.index


def read_plain(data: bytes) -> PlainChunk | None:
    """None where a chunk says more than that."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
