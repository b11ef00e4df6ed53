"""Our errors in OpenAI's shape."""

from __future__ import annotations

from typing import Any

from app.core.errors import AnyGPTError
from app.formats.payload import dump

_TYPES = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    408: "timeout_error",
    429: "rate_limit_error",
    504: "timeout_error",
}


def error_object(error: AnyGPTError) -> dict[str, Any]:
    kind = _TYPES.get(error.status, "invalid_request_error" if error.status < 500 else "server_error")
    return {"message": error.message, "type": kind, "param": error.field, "code": error.code}


def encode_error(error: AnyGPTError) -> bytes:
    return dump({"error": error_object(error)})
