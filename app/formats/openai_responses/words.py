"""Statuses and usage in the words of Responses."""

from __future__ import annotations

from typing import Any

from app.core.chat import FinishReason, Usage
from app.formats.openai_chat.words import read_cost
from app.formats.payload import as_count, as_dict

FAMILY = "openai"  # whose reasoning it carries
# whose items, tools and fields they are: OpenAI's chat format, of the same family, cannot say them
OWN = "openai-responses"
NAME = "OpenAI's Responses format"

_INCOMPLETE = {
    FinishReason.LENGTH: "max_output_tokens",
    FinishReason.PAUSE: "max_output_tokens",  # there is no word for "to be continued"
    FinishReason.COMPACTION: "max_output_tokens",
    FinishReason.CONTENT_FILTER: "content_filter",
    FinishReason.REFUSAL: "content_filter",
}
_REASONS = {
    "max_output_tokens": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
}


def read_status(response: dict[str, Any], has_calls: bool) -> FinishReason | None:
    """None where the answer is still being made (`background`)."""
    status = response.get("status")
    if status in ("queued", "in_progress"):
        return None
    if status == "incomplete":
        reason = as_dict(response.get("incomplete_details")).get("reason")
        return _REASONS.get(reason, FinishReason.OTHER) if isinstance(reason, str) else FinishReason.OTHER
    if status in ("failed", "cancelled"):
        return FinishReason.ERROR
    return FinishReason.TOOL_CALLS if has_calls else FinishReason.STOP


def write_status(finish: FinishReason | None) -> tuple[str, dict[str, str] | None]:
    """(status, incomplete_details). A finish in error is incomplete without a reason: the enumeration has none."""
    if finish is FinishReason.ERROR:
        return "incomplete", None
    reason = _INCOMPLETE.get(finish) if finish else None
    return ("incomplete", {"reason": reason}) if reason else ("completed", None)


def read_usage(value: Any) -> Usage | None:
    if not isinstance(value, dict) or ("input_tokens" not in value and "output_tokens" not in value):
        return None
    details, made = as_dict(value.get("input_tokens_details")), as_dict(value.get("output_tokens_details"))
    prompt, output = as_count(value.get("input_tokens")), as_count(value.get("output_tokens"))
    reasoning = as_count(made.get("reasoning_tokens"))
    outside = as_count(value.get("total_tokens")) - prompt - output
    if outside > 0 and outside == reasoning:  # told by the total, as xAI counts in its chat format
        output += outside
    cached = min(as_count(details.get("cached_tokens")), prompt)
    return Usage(
        input=prompt,
        output=output,
        cache_read=cached,
        cache_write=min(as_count(details.get("cache_write_tokens")), prompt - cached),
        reasoning=min(reasoning, output),
        audio_input=as_count(details.get("audio_tokens")),
        audio_output=as_count(made.get("audio_tokens")),
        cost=read_cost(value),
    )


def write_usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.output,
    }
