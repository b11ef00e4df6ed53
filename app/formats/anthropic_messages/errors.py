"""Our errors in Anthropic's shape."""

from __future__ import annotations

from typing import Any

from app.core.errors import AnyGPTError, Unsupported
from app.formats.payload import dump
from app.formats.sse import write_event

_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
# by this Anthropic's SDK knows to send the whole history instead (its lib/threads/_thread_state.py)
_UNTHREADED = {"error_code": "thread_unsupported_request", "unsupported": ["model"]}


def error_object(error: AnyGPTError) -> dict[str, Any]:
    kind = _TYPES.get(error.status, "invalid_request_error" if error.status < 500 else "api_error")
    inner: dict[str, Any] = {"type": kind, "message": error.message, "code": error.code}
    if error.field is not None:
        inner["param"] = error.field
    if isinstance(error, Unsupported) and error.field == "thread":
        inner["details"] = _UNTHREADED
    return {"type": "error", "error": inner}


def encode_error(error: AnyGPTError) -> bytes:
    return dump(error_object(error))


def stream_error(error: AnyGPTError) -> bytes:
    return write_event(error_object(error), "error")
