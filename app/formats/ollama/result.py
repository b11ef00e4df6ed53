"""A whole answer of Ollama's chat, read."""

from __future__ import annotations

from typing import Any

from app.core.chat import ChatResult, Choice, Part, Reasoning, Text, ToolCall
from app.core.errors import UnreadableAnswer
from app.formats.failures import in_band
from app.formats.ollama.words import (
    FAMILY,
    call_id,
    read_arguments,
    read_finish,
    read_images,
    read_logprobs,
    read_seconds,
    read_usage,
    seed_of,
)
from app.formats.payload import as_dict, as_dicts, as_text, read_answer


def decode_result(body: bytes) -> ChatResult:
    value = read_answer(body)
    if value.get("error"):
        raise in_band(value, body[:65536])
    message = message_of(value)
    if message is None:
        raise UnreadableAnswer("The provider's answer has no message.", body=body[:2000])
    if value.get("done") is False:
        raise UnreadableAnswer("The provider's answer says that it is not complete.", body=body[:2000])
    parts = _parts(message, seed_of(value))
    return ChatResult(
        id="",
        model=as_text(value.get("model")),
        created=read_seconds(value.get("created_at")),
        choices=[
            Choice(
                parts=parts,
                finish=read_finish(value.get("done_reason"), any(isinstance(part, ToolCall) for part in parts)),
                logprobs=read_logprobs(value.get("logprobs")),
            )
        ],
        usage=read_usage(value),
    )


def message_of(value: dict[str, Any]) -> dict[str, Any] | None:
    """The message of an answer or of a stream's piece; /api/generate writes its text as `response` at the top."""
    message = value.get("message")
    if isinstance(message, dict):
        return message
    if isinstance(value.get("response"), str):
        return {"content": value["response"], "thinking": value.get("thinking"), "images": value.get("images")}
    return None


def _parts(message: dict[str, Any], answer: str) -> list[Part]:
    parts: list[Part] = []
    if thinking := as_text(message.get("thinking")):
        parts.append(Reasoning(thinking, family=FAMILY))
    if text := as_text(message.get("content")):
        parts.append(Text(text))
    parts += read_images(message)
    taken: set[str] = set()
    for position, call in enumerate(as_dicts(message.get("tool_calls"))):
        function = as_dict(call.get("function"))
        name = as_text(function.get("name"))
        given = call_id(call.get("id"), taken, answer, position, name)
        parts.append(ToolCall(given, name, read_arguments(function.get("arguments"))))
    return parts
