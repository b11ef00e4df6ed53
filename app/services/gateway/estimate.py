"""Tokens counted here, where no provider reported them: off the loop, and marked as estimated."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from app.core.chat import ChatRequest, Usage
from app.core.errors import AnyGPTError
from app.formats.estimate import Reading, family_of, input_tokens, read_answer_text, read_question
from app.formats.registry import CLIENT_FORMATS
from app.services.gateway.call import Call

MOST = 1_000_000  # characters that are counted; what is longer counts on at the same rate
A_TOKEN = 4  # bytes, where even the tokenizer has nothing to read


class Estimator:
    """`count` says how many tokens a text has."""

    def __init__(self, count: Callable[[str], Awaitable[int]]) -> None:
        self._count = count

    async def question(self, call: Call, model: str) -> int:
        """Tokens a model reads for a call's question."""
        reading = _reading(call)
        if reading is None:
            return call.peek.input_bytes // A_TOKEN
        [count] = await self._counts(reading.text)
        return input_tokens(reading, count, family_of(model))

    async def usage(self, call: Call, model: str, said: str | None, characters: int, body: bytes = b"") -> Usage:
        """The use of an answer whose text, or the beginning of it, is `said`, of `characters` in all; None: it stands
        in `body`, in the client's format."""
        if said is None:
            said = _said(call, body)
        characters = max(characters, len(said))
        reading, family = _reading(call), family_of(model)
        output, question = await self._counts(said, reading.text if reading is not None else "")
        if len(said) and characters > len(said):
            output = output * characters // len(said)
        read = call.peek.input_bytes // A_TOKEN if reading is None else input_tokens(reading, question, family)
        return Usage(input=read, output=round(output * family.factor), estimated=True)

    async def _counts(self, *texts: str) -> list[int]:
        """Asked together; of a text that is longer than is counted, as many as its beginning lets expect."""
        asked = [text for text in texts if text]
        counts = iter(await asyncio.gather(*[self._count(text[:MOST]) for text in asked]) if asked else ())
        return [next(counts) * len(text) // min(len(text), MOST) if text else 0 for text in texts]


def _reading(call: Call) -> Reading | None:
    request = _decoded(call)
    return read_question(request) if isinstance(request, ChatRequest) else None


def _said(call: Call, body: bytes) -> str:
    """The text of a whole answer that was relayed."""
    wire = CLIENT_FORMATS.get(call.format_name)
    if wire is None:
        return ""
    try:
        return read_answer_text(wire.decode_result(body))
    except AnyGPTError:
        return body.decode("utf-8", "replace")


def _decoded(call: Call) -> object:
    """The question in no format; None where it cannot be read as one."""
    if call.request is None and call.format is not None:
        try:
            call.request = call.format.decode_request(call.body_at(), call.path_model, call.path_stream)
        except AnyGPTError:
            return None
    return call.request
