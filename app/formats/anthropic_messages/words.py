"""Stop reasons and usage in Anthropic's words."""

from __future__ import annotations

from typing import Any

from app.core.chat import FinishReason, Usage
from app.formats.payload import as_count, as_dict, as_dicts

_STOP = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "refusal": FinishReason.REFUSAL,
    "pause_turn": FinishReason.PAUSE,
    "compaction": FinishReason.COMPACTION,
}
_WORDS = {
    FinishReason.STOP: "end_turn",
    FinishReason.LENGTH: "max_tokens",
    FinishReason.TOOL_CALLS: "tool_use",
    FinishReason.CONTENT_FILTER: "refusal",
    FinishReason.REFUSAL: "refusal",
    FinishReason.PAUSE: "pause_turn",
    FinishReason.COMPACTION: "compaction",
    FinishReason.ERROR: "max_tokens",  # there is no word for what broke; "end_turn" would say that it is done
    FinishReason.OTHER: "end_turn",
}
_COUNTS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


def read_stop(value: Any) -> FinishReason | None:
    if not isinstance(value, str) or not value:
        return None
    return _STOP.get(value, FinishReason.OTHER)


def write_stop(reason: FinishReason | None, stop_sequence: str | None = None) -> str:
    if stop_sequence is not None and reason in (None, FinishReason.STOP):
        return "stop_sequence"
    return _WORDS.get(reason or FinishReason.STOP, "end_turn")


def said_finish(finish: FinishReason, *, refused: bool, called: bool, empty: bool) -> FinishReason:
    """The reason as the content bears it out: a refusal ends an answer here, "tool_use" needs a call, and where
    nothing was said an end that nobody knows is none."""
    if finish is FinishReason.STOP and refused:
        return FinishReason.REFUSAL
    if finish is FinishReason.TOOL_CALLS and not called:
        return FinishReason.STOP
    return FinishReason.ERROR if finish is FinishReason.OTHER and empty else finish


def merge_usage(known: dict[str, Any], later: Any) -> dict[str, Any]:
    """A stream counts up: each field of a later report replaces the earlier one, and what it leaves out stays."""
    return known | {key: value for key, value in as_dict(later).items() if value is not None}


def read_usage(value: Any) -> Usage | None:
    """Usage, normalised: cached tokens stand beside `input_tokens` here, and count into the input there.
    Steps of compaction are billed but left out of the totals, so they are added."""
    if not isinstance(value, dict) or not any(key in value for key in _COUNTS):
        return None
    counted = [value, *(step for step in as_dicts(value.get("iterations")) if step.get("type") == "compaction")]
    fresh, output, read, written = (sum(as_count(step.get(key)) for step in counted) for key in _COUNTS)
    hour = sum(as_count(as_dict(step.get("cache_creation")).get("ephemeral_1h_input_tokens")) for step in counted)
    reasoning = as_count(as_dict(value.get("output_tokens_details")).get("thinking_tokens"))
    return Usage(
        input=fresh + read + written,
        output=output,
        cache_read=read,
        cache_write=written,
        cache_write_1h=min(hour, written),
        reasoning=min(reasoning, output),
    )


def write_usage(usage: Usage) -> dict[str, Any]:
    written: dict[str, Any] = {
        "input_tokens": max(usage.input - usage.cache_read - usage.cache_write, 0),
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": usage.output,
    }
    if usage.cache_write:
        written["cache_creation"] = {
            "ephemeral_5m_input_tokens": usage.cache_write - usage.cache_write_1h,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        }
    if usage.reasoning:
        written["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    return written
