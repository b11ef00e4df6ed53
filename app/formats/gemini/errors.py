"""Our errors in Google's shape."""

from __future__ import annotations

from typing import Any

from app.core.errors import AnyGPTError
from app.formats.payload import dump

_NAMES = {
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def error_object(error: AnyGPTError) -> dict[str, Any]:
    name = _NAMES.get(error.status, "INVALID_ARGUMENT" if error.status < 500 else "INTERNAL")
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": error.code.upper(), "domain": "anygpt"}
    details: list[dict[str, Any]] = [info]
    if error.field is not None:
        violation = {"field": error.field, "description": error.message}
        details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]})
    if error.retry_after is not None:
        delay = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{error.retry_after:g}s"}
        details.append(delay)
    return {"error": {"code": error.status, "message": error.message, "status": name, "details": details}}


def encode_error(error: AnyGPTError) -> bytes:
    return dump(error_object(error))
