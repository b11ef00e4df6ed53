"""Errors of the management API as RFC 9457 problem documents."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from app.core.errors import AnyGPTError

TYPE = "application/problem+json"


def register(parent: FastAPI) -> None:
    parent.add_exception_handler(AnyGPTError, _ours)
    parent.add_exception_handler(RequestValidationError, _invalid)
    parent.add_exception_handler(HTTPException, _http)


def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, AnyGPTError)
    more: dict[str, Any] = {"code": error.code}
    if error.field is not None:
        more["field"] = error.field
    headers = {"retry-after": str(max(math.ceil(error.retry_after), 1))} if error.retry_after is not None else None
    return _problem(error.status, error.message, more, headers)


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [{"field": _field(each["loc"]), "message": str(each["msg"])} for each in error.errors()]
    first = faults[0]
    return _problem(400, f"{first['field']}: {first['message']}.", {"code": "bad_request", "errors": faults, **first})


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _problem(error.status_code, str(error.detail), {}, error.headers)


def _problem(status: int, detail: str, more: dict[str, Any], headers: Any = None) -> Response:
    body = {"type": "about:blank", "title": _TITLES.get(status, "Error"), "status": status, "detail": detail, **more}
    return JSONResponse(body, status, headers, TYPE)


def _field(location: Sequence[Any]) -> str:
    return ".".join(str(part) for part in location if part not in ("body", "query", "path")) or "body"


_TITLES = {
    400: "Bad request",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    422: "Unsupported",
    429: "Too many requests",
    502: "Bad gateway",
    503: "Unavailable",
}
