"""A whole response, read and written."""

from __future__ import annotations

from typing import Any

from app.core.chat import ChatResult, Choice, FinishReason, Usage
from app.core.errors import UnreadableAnswer, UpstreamDown
from app.formats.failures import in_band
from app.formats.openai_chat.words import SERVICE_TIERS
from app.formats.openai_responses.envelope import envelope
from app.formats.openai_responses.items import read_output, write_output
from app.formats.openai_responses.words import read_status, read_usage, write_status, write_usage
from app.formats.payload import as_count, as_dict, as_dicts, as_text, dump, read_answer

CALLS = ("function_call", "custom_tool_call")  # what the client itself must answer


def decode_result(body: bytes) -> ChatResult:
    value = read_answer(body)
    refuse_error(value, body)
    finish = read_status(value, has_calls(value))
    if finish is None:
        raise UnreadableAnswer("The provider has only queued the answer; send background: false.", body=body[:2000])
    logprobs = _logprobs(value)
    return ChatResult(
        id=as_text(value.get("id")),
        model=as_text(value.get("model")),
        created=as_count(value.get("created_at")),
        choices=[Choice(parts=read_output(value), finish=finish, logprobs={"content": logprobs} if logprobs else None)],
        usage=read_usage(value.get("usage")),
        extra={"service_tier": value["service_tier"]} if value.get("service_tier") is not None else {},
    )


def result_usage(body: bytes) -> tuple[Usage | None, FinishReason | None]:
    value = read_answer(body)
    refuse_error(value, body)
    return read_usage(value.get("usage")), read_status(value, has_calls(value))


def encode_result(result: ChatResult) -> bytes:
    choice = result.choices[0] if result.choices else Choice(parts=[])
    value = envelope(result.id, result.model, result.created)
    unknown = choice.finish is FinishReason.OTHER and not choice.parts  # nothing was said, and nobody knows why
    status, details = write_status(FinishReason.ERROR if unknown else choice.finish)
    value |= {
        "status": status,
        "incomplete_details": details,
        "output": write_output(choice.parts, value["id"], status, choice.logprobs),
    }
    if result.usage is not None:
        value["usage"] = write_usage(result.usage)
    if (tier := result.extra.get("service_tier")) in SERVICE_TIERS:
        value["service_tier"] = tier
    return dump(value)


def refuse_error(value: dict[str, Any], body: bytes) -> None:
    """A 200 whose body is an error, a response that failed, or none at all."""
    if value.get("error"):
        raise in_band(value, body[:65536])
    if value.get("status") in ("failed", "cancelled"):
        raise UpstreamDown(f"The provider's answer is {value['status']}; it gave no reason.", body=body[:65536])
    if not isinstance(value.get("output"), list):
        raise UnreadableAnswer("The provider's answer has no output.", body=body[:2000])


def has_calls(value: dict[str, Any]) -> bool:
    return any(item.get("type") in CALLS for item in as_dicts(value.get("output")))


def _logprobs(value: dict[str, Any]) -> list[dict[str, Any]]:
    parts = (part for item in as_dicts(value.get("output")) for part in as_dicts(item.get("content")))
    return [as_dict(entry) for part in parts for entry in as_dicts(part.get("logprobs"))]
