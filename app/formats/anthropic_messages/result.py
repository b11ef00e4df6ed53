"""A whole message of Anthropic's, read and written."""

from __future__ import annotations

from typing import Any

from app.core.chat import ChatResult, Choice, FinishReason, Refusal, ToolCall, Usage
from app.core.errors import UnreadableAnswer
from app.core.ids import new_id
from app.formats.anthropic_messages.blocks import read_block, write_block
from app.formats.anthropic_messages.words import read_stop, read_usage, said_finish, write_stop, write_usage
from app.formats.failures import in_band
from app.formats.payload import as_dicts, as_text, as_text_or_none, dump, read_answer


def decode_result(body: bytes) -> ChatResult:
    value = _message(body)
    parts = [part for block in as_dicts(value.get("content")) if (part := read_block(block)) is not None]
    choice = Choice(
        parts=parts,
        finish=read_stop(value.get("stop_reason")),
        stop_sequence=as_text_or_none(value.get("stop_sequence")),
    )
    return ChatResult(
        id=as_text(value.get("id")),
        model=as_text(value.get("model")),
        choices=[choice],
        usage=read_usage(value.get("usage")),
        extra={key: value[key] for key in ("stop_details", "container") if value.get(key) is not None},
    )


def result_usage(body: bytes) -> tuple[Usage | None, FinishReason | None]:
    value = _message(body)
    return read_usage(value.get("usage")), read_stop(value.get("stop_reason"))


def encode_result(result: ChatResult) -> bytes:
    choice = result.choices[0] if result.choices else Choice(parts=[])
    content = [block for part in choice.parts for block in write_block(part)]
    refused = any(isinstance(part, Refusal) for part in choice.parts)
    called = any(isinstance(part, ToolCall) for part in choice.parts)
    finish = choice.finish and said_finish(choice.finish, refused=refused, called=called, empty=not content)
    value: dict[str, Any] = {
        "id": result.id or new_id("msg"),
        "type": "message",
        "role": "assistant",
        "model": result.model,
        "content": content,
        "stop_reason": write_stop(finish, choice.stop_sequence),
        "stop_sequence": choice.stop_sequence,
        "usage": write_usage(result.usage or Usage()),
    }
    value.update({key: result.extra[key] for key in ("stop_details", "container") if key in result.extra})
    return dump(value)


def _message(body: bytes) -> dict[str, Any]:
    value = read_answer(body)
    if value.get("error") or value.get("type") == "error":
        raise in_band(value, body[:65536])
    if not isinstance(value.get("content"), list):
        raise UnreadableAnswer("The provider's answer has no content.", body=body[:2000])
    return value
