"""Names, finish reasons and usage in Gemini's words."""

from __future__ import annotations

import re
from typing import Any

from app.core.chat import FinishReason, Usage
from app.formats.payload import as_count, as_dicts

_FINISH = {
    "STOP": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.LENGTH,
    "SAFETY": FinishReason.CONTENT_FILTER,
    "RECITATION": FinishReason.CONTENT_FILTER,
    "BLOCKLIST": FinishReason.CONTENT_FILTER,
    "PROHIBITED_CONTENT": FinishReason.CONTENT_FILTER,
    "SPII": FinishReason.CONTENT_FILTER,
    "IMAGE_SAFETY": FinishReason.CONTENT_FILTER,
    "IMAGE_PROHIBITED_CONTENT": FinishReason.CONTENT_FILTER,
    "IMAGE_RECITATION": FinishReason.CONTENT_FILTER,
    "MODEL_ARMOR": FinishReason.CONTENT_FILTER,
    "LANGUAGE": FinishReason.CONTENT_FILTER,
    "MALFORMED_FUNCTION_CALL": FinishReason.ERROR,
    "MALFORMED_RESPONSE": FinishReason.ERROR,
    "MISSING_THOUGHT_SIGNATURE": FinishReason.ERROR,
    "UNEXPECTED_TOOL_CALL": FinishReason.ERROR,
    "TOO_MANY_TOOL_CALLS": FinishReason.ERROR,
    "NO_IMAGE": FinishReason.ERROR,
    "IMAGE_OTHER": FinishReason.ERROR,
}
# the enum's numbers, as some endpoints write them
_NUMBERS = ["", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT"]
_NUMBERS += ["SPII", "MALFORMED_FUNCTION_CALL", "IMAGE_SAFETY", "UNEXPECTED_TOOL_CALL"]
_WORDS = {
    FinishReason.STOP: "STOP",
    FinishReason.TOOL_CALLS: "STOP",
    FinishReason.LENGTH: "MAX_TOKENS",
    FinishReason.CONTENT_FILTER: "SAFETY",
    FinishReason.REFUSAL: "SAFETY",
}
_SNAKE = re.compile(r"_([a-z])")
# below these stands what belongs to the user: its keys are not ours to change
_OPAQUE = {"args", "response", "parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema", "labels"}
_OPAQUE |= {"responseJsonSchema", "outputSchema"}


def camel(value: Any) -> Any:
    """Both spellings are accepted (`function_call`, `functionCall`): one from here on."""
    if isinstance(value, dict):
        renamed = {}
        for key, item in value.items():
            name = _SNAKE.sub(_upper, key) if "_" in key else key
            renamed[name] = item if name in _OPAQUE else camel(item)
        return renamed
    if isinstance(value, list):
        return [camel(item) for item in value]
    return value


def _upper(match: re.Match[str]) -> str:
    return match[1].upper()


def read_finish(value: Any, has_tools: bool) -> FinishReason | None:
    """STOP stands beside a function call too: what happened counts."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = _NUMBERS[value] if 0 <= value < len(_NUMBERS) else "OTHER"
    if not isinstance(value, str) or value in ("", "FINISH_REASON_UNSPECIFIED"):
        return None
    reason = _FINISH.get(value, FinishReason.OTHER)
    return FinishReason.TOOL_CALLS if reason is FinishReason.STOP and has_tools else reason


def write_finish(reason: FinishReason | None) -> str:
    return _WORDS.get(reason or FinishReason.STOP, "OTHER")


def read_usage(value: Any) -> Usage | None:
    """Usage, normalised: thoughts stand beside the candidates' tokens, server tools' prompts beside the prompt's;
    a count of zero is left out."""
    if not isinstance(value, dict) or not any(key.endswith("TokenCount") for key in value):
        return None
    prompt = as_count(value.get("promptTokenCount")) + as_count(value.get("toolUsePromptTokenCount"))
    thoughts = as_count(value.get("thoughtsTokenCount"))
    return Usage(
        input=prompt,
        output=as_count(value.get("candidatesTokenCount")) + thoughts,
        cache_read=min(as_count(value.get("cachedContentTokenCount")), prompt),
        reasoning=thoughts,
        audio_input=_audio(value.get("promptTokensDetails")),
        audio_output=_audio(value.get("candidatesTokensDetails")),
    )


def write_usage(usage: Usage) -> dict[str, Any]:
    written: dict[str, Any] = {
        "promptTokenCount": usage.input,
        "candidatesTokenCount": usage.output - usage.reasoning,
        "totalTokenCount": usage.input + usage.output,
    }
    if usage.reasoning:
        written["thoughtsTokenCount"] = usage.reasoning
    if usage.audio_input:
        written["promptTokensDetails"] = _details(usage.input, usage.audio_input)
    if usage.audio_output:
        written["candidatesTokensDetails"] = _details(usage.output - usage.reasoning, usage.audio_output)
    if usage.cache_read:
        written["cachedContentTokenCount"] = usage.cache_read
    return written


def _details(tokens: int, audio: int) -> list[dict[str, Any]]:
    return [
        {"modality": "TEXT", "tokenCount": max(tokens - audio, 0)},
        {"modality": "AUDIO", "tokenCount": audio},
    ]


def _audio(details: Any) -> int:
    return sum(as_count(detail.get("tokenCount")) for detail in as_dicts(details) if detail.get("modality") == "AUDIO")
