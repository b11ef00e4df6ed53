"""Our errors in the shape of Responses: OpenAI's own as a body; an event and a failed answer inside a stream."""

from __future__ import annotations

from typing import Any

from app.core.errors import AnyGPTError
from app.formats.openai_chat.errors import error_object
from app.formats.openai_responses.envelope import envelope
from app.formats.sse import write_event

_CODES = {429: "rate_limit_exceeded"}


def error_event(error: AnyGPTError, number: int) -> bytes:
    """The documentation has the error's fields in the event, OpenAI's servers send them in `error`, and its SDK
    raises only for these: so they stand in both places."""
    inner = error_object(error)
    event = {"type": "error", "sequence_number": number, "error": inner}
    return write_event(event | {key: inner[key] for key in ("code", "message", "param")}, "error")


def failed_event(error: AnyGPTError, response: dict[str, Any], number: int) -> bytes:
    code = _CODES.get(error.status, "server_error" if error.status >= 500 else "invalid_prompt")
    failed = response | {"status": "failed", "error": {"code": code, "message": error.message}}
    return write_event({"type": "response.failed", "sequence_number": number, "response": failed}, "response.failed")


def stream_error(error: AnyGPTError) -> bytes:
    """For a relayed stream, whose own numbers and id are not known here."""
    return error_event(error, 0) + failed_event(error, envelope(), 1)
