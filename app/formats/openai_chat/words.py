"""Finish reasons and usage in OpenAI's words, and as the providers that followed write them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from app.core.chat import FinishReason, Usage
from app.formats.payload import as_count, as_dict

SERVICE_TIERS = ("auto", "default", "flex", "scale", "priority", "fast")

# in small letters with underscores; many that follow OpenAI pass on the words of the model's own maker
_FINISH = {
    "stop": FinishReason.STOP,
    "eos": FinishReason.STOP,
    "eos_token": FinishReason.STOP,
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "complete": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "max_output_tokens": FinishReason.LENGTH,
    "max_completion_tokens": FinishReason.LENGTH,
    "model_length": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,  # Z.ai
    "time_limit": FinishReason.LENGTH,  # watsonx
    "tool_calls": FinishReason.TOOL_CALLS,
    "tool_call": FinishReason.TOOL_CALLS,
    "tool_use": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
    "sensitive": FinishReason.CONTENT_FILTER,
    "safety": FinishReason.CONTENT_FILTER,
    "recitation": FinishReason.CONTENT_FILTER,
    "language": FinishReason.CONTENT_FILTER,
    "blocklist": FinishReason.CONTENT_FILTER,
    "prohibited_content": FinishReason.CONTENT_FILTER,
    "spii": FinishReason.CONTENT_FILTER,
    "refusal": FinishReason.REFUSAL,
    "error": FinishReason.ERROR,
    "network_error": FinishReason.ERROR,
    "insufficient_system_resource": FinishReason.ERROR,  # DeepSeek
    "abort": FinishReason.ERROR,  # vLLM, SGLang
    "aborted": FinishReason.ERROR,
    "cancelled": FinishReason.ERROR,
    "function_call_filter": FinishReason.ERROR,  # Gemini's OpenAI endpoint, "…: MALFORMED_FUNCTION_CALL"
    "malformed_function_call": FinishReason.ERROR,
    "malformed_response": FinishReason.ERROR,
    "unexpected_tool_call": FinishReason.ERROR,
}
_WORDS = {
    FinishReason.STOP: "stop",
    FinishReason.LENGTH: "length",
    FinishReason.TOOL_CALLS: "tool_calls",
    FinishReason.CONTENT_FILTER: "content_filter",
    FinishReason.REFUSAL: "content_filter",
    # there is no word for "to be continued", nor for what broke; "stop" would say that it is done
    FinishReason.PAUSE: "length",
    FinishReason.COMPACTION: "length",
    FinishReason.ERROR: "length",
    FinishReason.OTHER: "stop",
}
_NANO = Decimal(1_000_000_000)


def read_finish(value: Any, has_tools: bool) -> FinishReason | None:
    """A forced `tool_choice` ends with "stop" although there are tool calls: what happened counts."""
    if not isinstance(value, str) or not value:
        return None
    reason = _FINISH.get(value)
    if reason is None:
        word, _, _ = value.partition(":")  # "content_filter: RECITATION" of Gemini's OpenAI endpoint
        reason = _FINISH.get(word.strip().lower().replace("-", "_"), FinishReason.OTHER)
    return FinishReason.TOOL_CALLS if reason is FinishReason.STOP and has_tools else reason


def write_finish(reason: FinishReason | None, *, empty: bool = False) -> str:
    """`empty`: nothing was said; a reason that nobody knows is no "stop" then."""
    if empty and reason is FinishReason.OTHER:
        return "length"
    return _WORDS.get(reason or FinishReason.STOP, "stop")


def failure_of(value: dict[str, Any], event: str = "") -> dict[str, Any] | None:
    """The part of a chunk or body that tells of an error, for `in_band`; None where there is none. Beside the usual
    `error`: vLLM's and SGLang's `object: "error"`, an event of the name "error", Groq's `x_groq.error`."""
    if value.get("error") or value.get("object") == "error" or event == "error":
        return value
    if "x_groq" in value and (said := as_dict(value["x_groq"]).get("error")):
        return {"error": said}
    return None


def ended_badly(word: Any) -> dict[str, Any]:
    """An answer whose reason for the end is an error, for `in_band`."""
    more = "" if word == "error" else f": {word}"
    return {"error": {"message": f"The provider ended its answer with an error{more}."}}


def read_usage(value: Any) -> Usage | None:
    """Usage, normalised. What stands outside of prompt and completion is told by the total: xAI's and Gemini's
    reasoning (outside of the completion), Mistral's audio (outside of the prompt)."""
    if not isinstance(value, dict) or ("prompt_tokens" not in value and "completion_tokens" not in value):
        return None
    if len(value) == 3 and (plain := _plain_usage(value)) is not None:
        return plain
    prompt_details = as_dict(value.get("prompt_tokens_details")) or as_dict(value.get("prompt_token_details"))
    completion_details = as_dict(value.get("completion_tokens_details"))
    prompt, completion = as_count(value.get("prompt_tokens")), as_count(value.get("completion_tokens"))
    reasoning = (
        as_count(completion_details.get("reasoning_tokens"))
        or as_count(value.get("reasoning_tokens"))  # SGLang, Perplexity
    )
    audio = as_count(prompt_details.get("audio_tokens"))
    outside = as_count(value.get("total_tokens")) - prompt - completion
    if outside > 0:
        if outside == audio:
            prompt += outside
        else:
            completion += outside
            reasoning = reasoning or outside
    cached = (
        as_count(prompt_details.get("cached_tokens"))
        or as_count(value.get("prompt_cache_hit_tokens"))
        or as_count(value.get("cached_tokens"))
        or as_count(value.get("num_cached_tokens"))  # Mistral
        or as_count(value.get("cache_read_input_tokens"))
    )
    written = (
        as_count(prompt_details.get("cache_write_tokens"))
        or as_count(value.get("cache_creation_input_tokens"))
        or as_count(prompt_details.get("cache_creation_input_tokens"))  # Qwen
    )
    return Usage(
        input=prompt,
        output=completion,
        cache_read=min(cached, prompt),
        cache_write=min(written, max(prompt - cached, 0)),
        reasoning=min(reasoning, completion),
        audio_input=audio,
        audio_output=as_count(completion_details.get("audio_tokens")),
        cost=read_cost(value),
    )


def _plain_usage(value: dict[str, Any]) -> Usage | None:
    """The shape of most small answers: three counts that add up."""
    prompt, completion, total = value.get("prompt_tokens"), value.get("completion_tokens"), value.get("total_tokens")
    if type(prompt) is int and type(completion) is int and prompt >= 0 <= completion and prompt + completion == total:
        return Usage(input=prompt, output=completion)
    return None


def chunk_usage(value: dict[str, Any]) -> Usage | None:
    """Usage wherever an answer or a chunk carries it: Groq's compound models in `x_groq` only, Moonshot in a choice."""
    if (usage := read_usage(value.get("usage"))) is not None:
        return usage
    if "x_groq" in value:
        return read_usage(as_dict(value["x_groq"]).get("usage"))
    choices = value.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict) and "usage" in choices[0]:
        return read_usage(choices[0]["usage"])
    return None


def write_usage(usage: Usage) -> dict[str, Any]:
    prompt_details: dict[str, Any] = {"cached_tokens": usage.cache_read, "audio_tokens": usage.audio_input}
    if usage.cache_write:
        prompt_details["cache_write_tokens"] = usage.cache_write
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": prompt_details,
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": usage.audio_output,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def read_cost(usage: dict[str, Any]) -> int | None:
    """Nano-dollars the provider says it charged: OpenRouter and Vercel in USD, Perplexity in an object,
    xAI in ticks of 1e-10 USD."""
    ticks = usage.get("cost_in_usd_ticks")
    if isinstance(ticks, int) and not isinstance(ticks, bool) and ticks > 0:
        return (ticks + 5) // 10
    cost = usage.get("cost")
    if isinstance(cost, dict):
        cost = cost.get("total_cost")
    if isinstance(cost, bool) or not isinstance(cost, int | float | str):
        return None
    try:
        nano = (Decimal(str(cost)) * _NANO).to_integral_value()
    except InvalidOperation:
        return None
    return int(nano) if nano.is_finite() and 0 <= nano < 10**18 else None
