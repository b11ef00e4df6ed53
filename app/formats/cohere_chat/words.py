"""Finish reasons, usage, citations and log probabilities in Cohere's words, of its second API and of its first."""

from __future__ import annotations

from typing import Any

from app.core.chat import FinishReason, Usage
from app.core.errors import UpstreamError
from app.formats.failures import classify, of_value
from app.formats.payload import as_count, as_dict, as_dicts, as_list, as_text

FAMILY = "cohere"
_FINISH = {
    "COMPLETE": FinishReason.STOP,
    "STOP_SEQUENCE": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.LENGTH,
    "ERROR_LIMIT": FinishReason.LENGTH,  # the context was full
    "TOOL_CALL": FinishReason.TOOL_CALLS,
    "ERROR_TOXIC": FinishReason.CONTENT_FILTER,
    "ERROR": FinishReason.ERROR,
    "TIMEOUT": FinishReason.ERROR,
}
_STATUS = {"TOO_MANY_TOKENS": 400, "TIMEOUT": 504}


def read_finish(value: Any, has_tools: bool) -> FinishReason:
    """The first API ends with COMPLETE beside tool calls: what happened counts."""
    reason = _FINISH.get(as_text(value).upper() or "COMPLETE", FinishReason.OTHER)
    return FinishReason.TOOL_CALLS if reason is FinishReason.STOP and has_tools else reason


def read_usage(value: Any) -> Usage | None:
    """`tokens` is what the model read and wrote, `billed_units` leaves out the provider's own prompts. Tokens of
    pictures stand beside those of text (seen in `billed_units`, which adds them), cached and reasoning ones within."""
    report = as_dict(value)
    tokens = as_dict(report.get("tokens")) or as_dict(report.get("billed_units"))
    if "input_tokens" not in tokens and "output_tokens" not in tokens:
        return None
    images = as_count(tokens.get("image_tokens"))
    read, written = as_count(tokens.get("input_tokens")) + images, as_count(tokens.get("output_tokens"))
    return Usage(
        input=read,
        output=written,
        cache_read=min(as_count(report.get("cached_tokens")), read),
        reasoning=min(as_count(tokens.get("reasoning_tokens")), written),
        image_input=images,
    )


def read_citation(value: dict[str, Any]) -> dict[str, Any]:
    """A citation; one of a document with an address in OpenAI's words, which the other formats read."""
    for source in as_dicts(value.get("sources")):
        document = as_dict(source.get("document"))
        if url := as_text(document.get("url")):
            inner = {
                "url": url,
                "title": as_text(document.get("title")),
                "start_index": as_count(value.get("start")),
                "end_index": as_count(value.get("end")),
            }
            return {"type": "url_citation", "url_citation": inner}
    return value


def read_logprobs(value: Any) -> dict[str, Any] | None:
    """Cohere groups tokens by pieces of text. A piece of several tokens is written as one: its probability is theirs
    multiplied."""
    tokens = []
    for piece in as_dicts(value):
        text = as_text(piece.get("text"))
        found = [item for item in as_list(piece.get("logprobs")) if isinstance(item, int | float)]
        tokens.append({"token": text, "logprob": sum(found), "bytes": list(text.encode()), "top_logprobs": []})
    return {"content": tokens, "refusal": None} if tokens else None


def failure(value: dict[str, Any], body: bytes = b"") -> UpstreamError | None:
    """The error that an answer of status 200, or an event, consists of or ends with; None where it is none."""
    finish = as_text(value.get("finish_reason")).upper()
    error = value.get("error")
    said = value.get("message")
    if not error and not isinstance(said, str) and _FINISH.get(finish) is not FinishReason.ERROR:
        return None
    message, code = of_value(value if error or isinstance(said, str) else {})
    if not error and not isinstance(said, str):
        message = f"The provider ended its answer with {finish}."
    name = code or finish
    return classify(_STATUS.get(name.upper(), 0), [name.lower()], message, code, body)
