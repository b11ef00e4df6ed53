"""Errors as providers write them: any shape read, and an error inside a 200 classified as the tree knows it."""

from __future__ import annotations

import re
from typing import Any

from app.core.errors import (
    BadCredential,
    ContentPolicy,
    ContextTooLong,
    RequestRefused,
    Throttled,
    UpstreamDown,
    UpstreamError,
    UpstreamTimeout,
)
from app.formats.payload import as_dict, as_list, as_text, try_read

MAX_MESSAGE = 2000

_CREDENTIAL = {"authentication_error", "permission_error", "billing_error", "invalid_api_key", "unauthenticated"} | {
    "permission_denied",
    "insufficient_quota",
}
_THROTTLED = {"rate_limit_error", "rate_limit_exceeded", "resource_exhausted", "too_many_requests"}
_REFUSED = {"invalid_request_error", "not_found_error", "request_too_large", "invalid_argument", "not_found"} | {
    "failed_precondition",
    "model_not_found",
    "out_of_range",
}
_TIMEOUT = {"timeout_error", "timeout", "deadline_exceeded"}
_POLICY = {"content_filter", "content_policy", "content_policy_violation", "responsibleaipolicyviolation"}
_TOO_LONG = {"context_length_exceeded", "string_above_max_length", "too_many_prompt_tokens"}
_TOO_LONG_TEXT = re.compile(
    r"context (?:length|window)|prompt (?:is )?too long|too many (?:input |prompt )?tokens"
    r"|input token count.{0,40}exceeds|maximum (?:number of )?(?:input )?tokens|length of all messages is too long",
    re.IGNORECASE,
)


def read_error(body: bytes) -> tuple[str, str | None]:
    """(message, code) of a provider's error body: JSON in any of the shapes seen, or plain text."""
    value = try_read(body)
    if isinstance(value, list) and value:
        value = value[0]  # Gemini's stream without `alt=sse` wraps its error too
    if not isinstance(value, dict):
        text = value if isinstance(value, str) else body.decode("utf-8", "replace")
        return _short(text) or "The provider gave no reason.", None
    return of_value(value)


def of_value(value: dict[str, Any]) -> tuple[str, str | None]:
    """(message, code) of an error that is read already."""
    message, code = _of(value)
    return _short(message) or "The provider gave no reason.", code


def in_band(value: dict[str, Any], body: bytes = b"") -> UpstreamError:
    """The error that stands in the body or an event of a 200."""
    message, code = _of(value)
    error = as_dict(value.get("error"))
    status = next(
        (number for key in ("status_code", "status", "code") if (number := _status(error.get(key)))),
        _status(value.get("code")) or _status(value.get("status")),
    )
    names = [code, as_text(error.get("type")), as_text(error.get("status")), as_text(error.get("code"))]
    inner = as_text(as_dict(error.get("innererror")).get("code"))
    return classify(status, [*names, inner], _short(message) or "The provider gave no reason.", code, body)


def classify(
    status: int, names: list[str | None], message: str, code: str | None = None, body: bytes = b""
) -> UpstreamError:
    """Status first, then the error's own names, the text last (only to tell kinds of refusal apart)."""
    known = {name.lower() for name in names if name}
    code = code or next((name for name in names if name), None)
    if not status:
        status = _by_name(known)
    if status in (400, 404, 413, 422):
        if known & _POLICY:
            return ContentPolicy(message, upstream_status=status, upstream_code=code, body=body)
        if known & _TOO_LONG or _TOO_LONG_TEXT.search(message):
            return ContextTooLong(message, upstream_status=status, upstream_code=code, body=body)
        return RequestRefused(message, upstream_status=status, upstream_code=code, body=body)
    if status in (401, 402, 403):
        return BadCredential(message, upstream_status=status, upstream_code=code, body=body)
    if status == 429:
        return Throttled(message, upstream_status=status, upstream_code=code, body=body)
    if status in (408, 504):
        return UpstreamTimeout(message, upstream_status=status, upstream_code=code, body=body)
    return UpstreamDown(message, upstream_status=status, upstream_code=code, body=body)


def _of(value: dict[str, Any]) -> tuple[str, str | None]:
    error = value.get("error")
    if isinstance(error, dict):
        message = as_text(error.get("message")) or as_text(error.get("detail")) or _details(error.get("details"))
        code = _code(error.get("code")) or _code(error.get("type")) or _code(error.get("status"))
        status = as_text(error.get("status"))
        if status and not isinstance(error.get("code"), str):
            code = status  # Gemini: the number stands in `code`, the name in `status`
        if code and code.isdigit() and as_text(error.get("type")):
            code = as_text(error.get("type"))
        return message or as_text(error.get("code")), code
    named = _code(value.get("code")) or _code(value.get("error_type"))  # the second is Cohere's
    if isinstance(error, str):
        return error, named
    if isinstance(value.get("errors"), list):
        return _details(value["errors"]), named
    message = as_text(value.get("message")) or as_text(value.get("detail")) or _details(value.get("detail"))
    return message or as_text(value.get("title")), named or _code(value.get("type"))


def _details(value: Any) -> str:
    """FastAPI's list of what is wrong with a request."""
    found = []
    for item in as_list(value):
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, dict):
            place = ".".join(str(step) for step in as_list(item.get("loc")))
            text = as_text(item.get("msg")) or as_text(item.get("message"))
            found.append(f"{place}: {text}" if place and text else text or place)
    return "; ".join(text for text in found if text)


def _code(value: Any) -> str | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return str(value)
    return value if isinstance(value, str) and value else None


def _status(value: Any) -> int:
    if isinstance(value, str) and value.isdigit() and len(value) == 3:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 400 <= value <= 599:
        return value
    return 0


def _by_name(known: set[str]) -> int:
    for names, status in (
        (_POLICY | _TOO_LONG, 400),
        (_CREDENTIAL, 401),
        (_THROTTLED, 429),
        (_TIMEOUT, 504),
        (_REFUSED, 400),
    ):
        if known & names:
            return status
    return 502


def _short(text: str) -> str:
    text = text.strip()
    return text if len(text) <= MAX_MESSAGE else text[:MAX_MESSAGE] + "…"
