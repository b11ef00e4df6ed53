"""A whole answer of generateContent, read and written."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.core.chat import ChatResult, Choice, FinishReason, Text, ToolCall, Usage
from app.core.errors import UnreadableAnswer
from app.core.ids import new_id
from app.formats.failures import in_band
from app.formats.gemini.grounding import cite, write_grounding
from app.formats.gemini.parts import read_parts, write_parts
from app.formats.gemini.words import camel, read_finish, read_usage, write_finish, write_usage
from app.formats.logprobs import read_gemini, tokens_of, write_gemini
from app.formats.payload import as_count, as_dict, as_dicts, as_text, dump, read_answer


def decode_result(body: bytes) -> ChatResult:
    value = _answer(body)
    answer = as_text(value.get("responseId"))
    candidates = as_dicts(value.get("candidates"))
    if (failure := next(filter(None, map(failure_of, candidates)), None)) is not None:
        raise in_band(failure, body[:65536])
    choices = [_choice(candidate, answer) for candidate in candidates]
    if not choices:
        choices = [Choice(parts=[], finish=FinishReason.CONTENT_FILTER)]  # the prompt was blocked
    return ChatResult(
        id=answer,
        model=as_text(value.get("modelVersion")),
        created=_seconds(value.get("createTime")),
        choices=choices,
        usage=read_usage(value.get("usageMetadata")),
    )


def result_usage(body: bytes) -> tuple[Usage | None, FinishReason | None]:
    value = _answer(body)
    candidates = as_dicts(value.get("candidates"))
    if not candidates:
        return read_usage(value.get("usageMetadata")), FinishReason.CONTENT_FILTER
    finish = read_finish(candidates[0].get("finishReason"), has_call(candidates[0]))
    return read_usage(value.get("usageMetadata")), finish


def encode_result(result: ChatResult) -> bytes:
    value: dict[str, Any] = {"candidates": [_candidate(choice) for choice in result.choices]}
    if result.usage is not None:
        value["usageMetadata"] = write_usage(result.usage)
    value["modelVersion"] = result.model
    value["responseId"] = result.id or new_id("resp")
    return dump(value)


def has_call(candidate: dict[str, Any]) -> bool:
    parts = as_dict(candidate.get("content")).get("parts")
    return any("functionCall" in part for part in as_dicts(parts if isinstance(parts, list) else [parts]))


def failure_of(candidate: dict[str, Any]) -> dict[str, Any] | None:
    """An answer whose reason for the end is an error (MALFORMED_FUNCTION_CALL …), for `in_band`."""
    word = candidate.get("finishReason")
    if read_finish(word, False) is not FinishReason.ERROR:
        return None
    more = as_text(candidate.get("finishMessage"))
    return {"error": {"message": f"The provider ended its answer with {word}" + (f": {more}" if more else ".")}}


def blocked(value: dict[str, Any]) -> bool:
    return bool(as_dict(value.get("promptFeedback")).get("blockReason"))


def _answer(body: bytes) -> dict[str, Any]:
    value: dict[str, Any] = camel(read_answer(body))
    if value.get("error"):
        raise in_band(value, body[:65536])
    if not as_dicts(value.get("candidates")) and not blocked(value):
        raise UnreadableAnswer("The provider's answer has no candidates.", body=body[:2000])
    return value


def _choice(candidate: dict[str, Any], answer: str) -> Choice:
    parts = read_parts(candidate.get("content"), answer)
    cite(parts, candidate)
    return Choice(
        parts=parts,
        index=as_count(candidate.get("index")),
        finish=read_finish(candidate.get("finishReason"), any(isinstance(part, ToolCall) for part in parts)),
        logprobs=read_gemini(candidate.get("logprobsResult")),
    )


def _candidate(choice: Choice) -> dict[str, Any]:
    candidate: dict[str, Any] = {
        "content": {"parts": write_parts(choice.parts), "role": "model"},
        "finishReason": write_finish(choice.finish),
        "index": choice.index,
    }
    if (tokens := tokens_of(choice.logprobs)) is not None:
        candidate["logprobsResult"] = write_gemini(tokens)
    texts = [part for part in choice.parts if isinstance(part, Text)]
    citations = [citation for part in texts for citation in part.citations or []]
    if (grounding := write_grounding(citations, "".join(part.text for part in texts))) is not None:
        candidate["groundingMetadata"] = grounding
    return candidate


def _seconds(value: Any) -> int:
    try:
        return int(datetime.fromisoformat(as_text(value)).timestamp())
    except (ValueError, OverflowError):
        return 0
