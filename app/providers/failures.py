"""What an upstream's error answer means: classified by its status first, by its code next, by its words last."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

from app.core.errors import (
    BadCredential,
    ContentPolicy,
    ContextTooLong,
    RequestRefused,
    Throttled,
    UnreadableAnswer,
    UpstreamDown,
    UpstreamError,
    UpstreamTimeout,
)
from app.formats.payload import read_any
from app.providers.redaction import redact, redact_bytes

ReadError = Callable[[bytes], tuple[str, str | None]]
"""A format's reader of error bodies: (message, code)."""

MAX_COOLDOWN_S = 300.0
DEFAULT_COOLDOWN_S = 10.0
_MAX_MESSAGE = 400


def failure_of(
    status: int, headers: Mapping[str, str], body: bytes, read_error: ReadError, secret: str | None = None
) -> UpstreamError:
    """The error that an answer with a status of 300 or more stands for. `headers` have lower-case names;
    `secret` is the key that was used: neither it nor anything like a key stays in message or body."""
    body = redact_bytes(body, secret)
    said = _said(body, read_error)
    kind = _kind(status, said, body)
    if status < 400:
        sentence = f"The provider redirects ({status}){_target(headers, secret)}; check base_url, its API is not there."
    elif status in _WRONG_ADDRESS:
        sentence = f"The provider takes no calls at this address ({status}); check base_url."
    else:
        sentence = f"{_SENTENCES[kind]} ({status})" + (f": {said.text}" if said.text else ".")
    error = kind(sentence, upstream_status=status, upstream_code=said.code, body=body)
    if kind is Throttled:
        error.retry_after = retry_after_of(headers) or DEFAULT_COOLDOWN_S
    elif status == 503:
        error.retry_after = retry_after_of(headers)
    return error


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header (a number or an HTTP date) between 0 and 300; None where there is none.
    Only a refusal's header is a cooldown: some providers send one with every answer."""
    text = headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        seconds = _seconds_until(text)
    if seconds != seconds:  # not a number
        return None
    return min(max(seconds, 0.0), MAX_COOLDOWN_S)


def read_any_error(body: bytes) -> tuple[str, str | None]:
    """(message, code) of an error body in whichever of the common shapes: for answers that belong to no format."""
    try:
        value = read_any(body)
    except UnreadableAnswer:
        return body.decode("utf-8", "replace"), None
    outer = value if isinstance(value, dict) else {}
    inner = outer.get("error", value)
    if isinstance(inner, str):
        return inner, _first(outer, "code", "type")
    fields = inner if isinstance(inner, dict) else {}
    return _first(fields, "message", "detail", "msg") or "", _first(fields, "code", "status", "type")


class _Said(msgspec.Struct):
    text: str
    code: str | None = None


_TIMED_OUT = {408, 504}
_WRONG_ADDRESS = {405, 421}
_THROTTLED = {429, 498}  # 498: Groq's flex tier has no room
_TRANSIENT = {409, 425}

_SENTENCES: dict[type[UpstreamError], str] = {
    BadCredential: "The provider refused its key",
    Throttled: "The provider limits the rate",
    UpstreamTimeout: "The provider timed out",
    UpstreamDown: "The provider failed",
    RequestRefused: "The provider refused the request",
    ContextTooLong: "The request is too long for the model",
    ContentPolicy: "The provider refused the content",
}


def _kind(status: int, said: _Said, body: bytes) -> type[UpstreamError]:
    if status < 400 or status in _WRONG_ADDRESS or status in _TRANSIENT:
        return UpstreamDown
    if status in _TIMED_OUT:
        return UpstreamTimeout
    if status in _THROTTLED:
        return Throttled
    if status >= 500:
        return UpstreamDown
    if status in (401, 402):
        return BadCredential
    if status == 403:  # OpenRouter answers moderation with it: that says nothing about the key
        return ContentPolicy if _is_content_policy(said, body) else BadCredential
    if _is_bad_key(said, body):
        return BadCredential
    if _is_context(said):
        return ContextTooLong
    return ContentPolicy if _is_content_policy(said, body) else RequestRefused


# A 400 that is about the key or the account all the same: Gemini's reason, xAI's and Anthropic's wording.
_KEY_CODES = {"API_KEY_INVALID", "invalid_api_key", "authentication_error"}
_KEY_WORDS = re.compile(
    r"API[ _]key not valid|incorrect API key|invalid API key|API key expired|credit balance is too low", re.IGNORECASE
)

_CONTEXT_CODES = {
    "context_length_exceeded",
    "exceed_context_size_error",  # llama.cpp
    "model_context_window_exceeded",
    "request_too_large",
    "string_above_max_length",
    "too_many_prompt_tokens",  # Perplexity
    "TOO_MANY_TOKENS",  # Cohere
}
_CONTEXT_WORDS = re.compile(
    r"(maximum|max) context length|context[ _-](length|window|size)[^.]{0,60}(exceed|limit)|exceed\w*[^.]{0,60}context"
    r"|(prompt|input|length of all messages) (is |was |are )?too (long|large)|too many tokens|maximum prompt length"
    r"|input token count[^.]{0,40}exceeds|too large for model with \d+ maximum"
    r"|reduce the length of the (messages|prompt)",
    re.IGNORECASE,
)

_POLICY_CODES = {
    "content_filter",
    "content_policy",
    "content_policy_violation",
    "data_inspection_failed",  # Alibaba
    "DataInspectionFailed",
    "moderation_blocked",
    "ResponsibleAIPolicyViolation",  # Azure
    "sensitive_content",
    "1301",  # Z.ai
}
_POLICY_WORDS = re.compile(
    r"content[ _-](management |usage |safety |filtering )?polic|usage guidelines|prohibited content|content violates"
    r"|violat\w+ (our |the )?(usage|content|safety)|flagged (by|as|for)|was flagged|safety system|content exists risk"
    r"|SAFETY_CHECK|requires moderation",
    re.IGNORECASE,
)


def _is_bad_key(said: _Said, body: bytes) -> bool:
    return said.code in _KEY_CODES or b'"API_KEY_INVALID"' in body or bool(_KEY_WORDS.search(said.text))


def _is_context(said: _Said) -> bool:
    return said.code in _CONTEXT_CODES or bool(_CONTEXT_WORDS.search(said.text))


def _is_content_policy(said: _Said, body: bytes) -> bool:
    if said.code in _POLICY_CODES or b'"ResponsibleAIPolicyViolation"' in body or _POLICY_WORDS.search(said.text):
        return True
    # OpenRouter wraps what its own provider said, and names what its moderation flagged.
    if b'"metadata"' not in body:
        return False
    return b'"flagged_input"' in body or bool(_POLICY_WORDS.search(body.decode("utf-8", "replace")))


def _said(body: bytes, read_error: ReadError) -> _Said:
    """What the provider says, as short plain text; a web page is reduced to its title."""
    if body.lstrip()[:20].lower().startswith((b"<!doctype html", b"<html", b"<head", b"<?xml")):
        page = body.decode("utf-8", "replace")
        title = re.search(r"<title[^>]{0,200}>([^<]*)", page, re.IGNORECASE)
        name = f' "{_shorten(_plain(title.group(1)), 80)}"' if title else ""
        return _Said(f"a web page{name} instead of an API answer; check base_url")
    text, code = read_error(body)
    if not text:
        text = body[: 2 * _MAX_MESSAGE].decode("utf-8", "replace")
    return _Said(_shorten(redact(_plain(text))), None if code is None else redact(str(code))[:100])


def _target(headers: Mapping[str, str], secret: str | None) -> str:
    location = headers.get("location", "").partition("?")[0]
    return f" to {_shorten(redact(location, secret), 120)}" if location else ""


def _seconds_until(text: str) -> float:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return float("nan")
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()


def _first(fields: dict[str, object], *names: str) -> str | None:
    for name in names:
        value = fields.get(name)
        if isinstance(value, str):
            return value
    return None


def _plain(text: str) -> str:
    return " ".join(re.sub(r"<[a-zA-Z/][^>]{0,200}>", " ", text).split())


def _shorten(text: str, limit: int = _MAX_MESSAGE) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
