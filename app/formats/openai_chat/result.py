"""A whole chat completion, read and written."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from app.core.chat import ChatResult, Choice, FinishReason, Foreign, Text, ToolCall, Usage
from app.core.errors import UnreadableAnswer
from app.core.ids import new_id
from app.formats.failures import in_band
from app.formats.logprobs import read_openai, write_openai
from app.formats.openai_chat.message import read_message, read_sources, write_message
from app.formats.openai_chat.plain_usage import PlainUsage
from app.formats.openai_chat.words import (
    SERVICE_TIERS,
    chunk_usage,
    ended_badly,
    failure_of,
    read_finish,
    write_finish,
    write_usage,
)
from app.formats.payload import as_count, as_dict, as_dicts, as_text, as_text_or_none, dump, read_answer

_KEPT = ("system_fingerprint", "service_tier", "citations", "search_results")


def decode_result(body: bytes) -> ChatResult:
    value = read_answer(body)
    refuse_error(value, body)
    answer = as_text(value.get("id"))
    found = _choices(value, body)
    if broken := next((choice for choice in found if _broke(choice)), None):
        raise in_band(ended_badly(broken["finish_reason"]), body[:65536])
    choices = [_choice(choice, answer) for choice in found]
    _cite(choices[0], value)
    return ChatResult(
        id=answer,
        model=as_text(value.get("model")),
        created=as_count(value.get("created")),
        choices=choices,
        usage=chunk_usage(value),
        extra={key: value[key] for key in _KEPT if value.get(key) is not None},
    )


class _PlainMessage(msgspec.Struct):
    content: str
    tool_calls: None = None
    function_call: None = None


class _PlainChoice(msgspec.Struct):
    message: _PlainMessage
    finish_reason: Literal["stop", "length"]


class _PlainAnswer(msgspec.Struct):
    """What most answers are: text, an ordinary end, and a usage in OpenAI's own words that adds up."""

    choices: tuple[_PlainChoice]
    usage: PlainUsage
    error: None = None
    object: Literal["chat.completion"] = "chat.completion"
    x_groq: None = None


_plain_answer = msgspec.json.Decoder(_PlainAnswer)


def result_usage(body: bytes) -> tuple[Usage | None, FinishReason | None]:
    try:
        plain = _plain_answer.decode(body)
        if not body.isascii():
            str(body, "utf-8")  # what was skipped over is not checked otherwise
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _result_usage(body)
    usage = plain.usage.normalised()
    if usage is None:
        return _result_usage(body)
    return usage, FinishReason.STOP if plain.choices[0].finish_reason == "stop" else FinishReason.LENGTH


def _result_usage(body: bytes) -> tuple[Usage | None, FinishReason | None]:
    """Of any shape."""
    value = read_answer(body)
    refuse_error(value, body)
    first = _choices(value, body)[0]
    message = as_dict(first.get("message"))
    has_tools = bool(message.get("tool_calls") or message.get("function_call"))
    if _broke(first) and not (has_tools or message.get("content")):
        raise in_band(ended_badly(first["finish_reason"]), body[:65536])
    return chunk_usage(value), read_finish(first.get("finish_reason"), has_tools)


def encode_result(result: ChatResult) -> bytes:
    value: dict[str, Any] = {
        "id": result.id or new_id("chatcmpl"),
        "object": "chat.completion",
        "created": result.created,
        "model": result.model,
        "choices": [
            {
                "index": choice.index,
                "message": write_message(choice.parts),
                "logprobs": write_openai(choice.logprobs),
                "finish_reason": write_finish(choice.finish, empty=not choice.parts),
            }
            for choice in result.choices
        ],
    }
    if result.usage is not None:
        value["usage"] = write_usage(result.usage)
    value.update({key: result.extra[key] for key in _KEPT if key in result.extra})
    if value.get("service_tier") not in SERVICE_TIERS:
        value.pop("service_tier", None)  # others' words for it
    return dump(value)


def refuse_error(value: dict[str, Any], body: bytes) -> None:
    """A 200 whose body is an error (Azure's filter, OpenRouter's `code: 502`)."""
    if not value.get("choices") and (failure := failure_of(value)) is not None:
        raise in_band(failure, body[:65536])


def _choices(value: dict[str, Any], body: bytes) -> list[dict[str, Any]]:
    choices = as_dicts(value.get("choices"))
    if not choices:
        raise UnreadableAnswer("The provider's answer has no choices.", body=body[:2000])
    for choice in choices:
        if choice.get("error") and not as_dict(choice.get("message")).get("content"):
            raise in_band(choice, body[:65536])
    return choices


def _broke(choice: dict[str, Any]) -> bool:
    return read_finish(choice.get("finish_reason"), False) is FinishReason.ERROR


def _cite(choice: Choice, value: dict[str, Any]) -> None:
    text = next((part for part in reversed(choice.parts) if isinstance(part, Text)), None)
    if text is not None and not text.citations:
        text.citations = read_sources(value) or None


def _choice(choice: dict[str, Any], answer: str) -> Choice:
    parts = read_message(as_dict(choice.get("message")), answer)
    called = any(isinstance(part, ToolCall) for part in parts)
    finish = read_finish(choice.get("finish_reason"), called)
    if finish is FinishReason.TOOL_CALLS and not called and not any(isinstance(part, Foreign) for part in parts):
        finish = FinishReason.STOP
    return Choice(
        index=as_count(choice.get("index")),
        parts=parts,
        finish=finish,
        stop_sequence=as_text_or_none(choice.get("stop_reason")),  # vLLM's
        logprobs=read_openai(choice.get("logprobs")),
    )
