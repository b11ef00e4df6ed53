"""The tap beside a relayed stream of Responses."""

from __future__ import annotations

from typing import Any

import msgspec

from app.core.errors import UpstreamError
from app.formats.failures import in_band
from app.formats.openai_responses.result import CALLS
from app.formats.openai_responses.stream_in import SUMMARY, TERMINAL, THOUGHTS
from app.formats.openai_responses.words import read_status, read_usage
from app.formats.payload import as_dict, as_dicts, as_text, try_read
from app.formats.relay import ERROR, Seen, StreamTap
from app.formats.sse import Frame

_DELTAS = {
    "response.output_text.delta",
    "response.refusal.delta",
    "response.function_call_arguments.delta",
    "response.custom_tool_call_input.delta",
    "response.code_interpreter_call_code.delta",
    "response.mcp_call_arguments.delta",
    *SUMMARY,
    *THOUGHTS,
}
_PICTURE = "response.image_generation_call.partial_image"
_SAYS = {"message", *CALLS, "image_generation_call"}


class _Event(msgspec.Struct):
    """An event whose `response`, often large, is passed over."""

    type: Any = None
    response: msgspec.Raw = msgspec.Raw(b"")
    error: Any = None
    code: Any = None
    message: Any = None
    delta: Any = None
    item: Any = None
    object: Any = None


class _Output(msgspec.Struct):
    type: Any = None


class _Response(msgspec.Struct):
    """Of a response only what is asked of its end: its output, pictures included, is not built."""

    status: Any = None
    error: Any = None
    incomplete_details: Any = None
    usage: Any = None
    output: list[_Output] | None = None


_event = msgspec.json.Decoder(_Event)
_response = msgspec.json.Decoder(_Response)


class ResponseTap(StreamTap):
    # in JSON a quote inside a string is escaped: these bytes are whole values or keys
    triggers = (
        b'"response.completed"',
        b'"response.incomplete"',
        b'"response.failed"',
        b'"response.cancelled"',
        ERROR,
    )

    def __init__(self, *, strip_usage: bool = False) -> None:
        super().__init__(strip_usage=strip_usage)
        self._repeats = False  # this event says again what was said: its text is not counted
        self._asks = False

    def _read(self, frame: Frame) -> Seen:
        if self.ended:
            return Seen(ends=True)
        try:
            event = _event.decode(frame.data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return super()._read(frame)
        kind = as_text(event.type) or frame.event
        self._repeats = bool(event.response)
        if kind == "error" or event.error:
            found = {"error": event.error} if event.error else {"code": event.code, "message": event.message}
            self.error = self.error or in_band(found)
            return Seen(ends=True)
        if event.object == "response":  # a provider that ignored `stream`
            return self._end("response.completed", _read_response(frame.data))
        if kind in TERMINAL:
            return self._end(kind, _read_response(bytes(event.response)))
        return self._look({"type": kind, "delta": event.delta, "item": event.item})

    def _odd(self, frame: Frame) -> Seen:
        return Seen() if frame.data.strip() == b"[DONE]" else super()._odd(frame)

    def _end(self, kind: str, response: _Response) -> Seen:
        self._usage = read_usage(response.usage) or self._usage
        if response.error or kind in ("response.failed", "response.cancelled"):
            given = {"error": response.error} if response.error else {"message": "The answer failed at the provider."}
            self.error = self.error or in_band(given)
            return Seen(ends=True)
        kinds = {as_text(item.type) for item in response.output or []}
        calls = bool(kinds & set(CALLS)) or self._asks
        status = response.status if response.status == "incomplete" else kind.removeprefix("response.")
        self.finish = self.finish or read_status(
            {"status": status, "incomplete_details": response.incomplete_details}, calls
        )
        self.ended = self.error is None
        return Seen(content=bool(kinds & _SAYS) and not self.content, ends=True)

    def _error_of(self, value: dict[str, Any]) -> UpstreamError | None:
        return in_band(value) if value.get("error") or value.get("type") == "error" else None

    def _look(self, value: dict[str, Any]) -> Seen:
        kind = value.get("type")
        if kind in _DELTAS:
            return Seen(content=bool(as_text(value.get("delta"))))
        if kind == _PICTURE:
            return Seen(content=True)
        item = as_dict(value.get("item"))
        if item.get("type") in CALLS:
            self._asks = True
        match kind:
            case "response.output_item.added":
                return Seen(content=item.get("type") in CALLS)
            case "response.output_item.done":
                return Seen(content=_shows(item))
        return Seen()

    def _complete(self) -> bool:
        return self.ended  # the format always says how it ended

    def _keep(self, raw: bytes) -> None:
        if not self._repeats:
            super()._keep(raw)

    def _words(self, value: dict[str, Any]) -> str:
        if as_text(value.get("type")) in _DELTAS:
            return as_text(value.get("delta"))
        if value.get("type") == "response.output_item.added":
            return as_text(as_dict(value.get("item")).get("name"))
        return ""


def _read_response(raw: bytes) -> _Response:
    try:
        return _response.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = as_dict(try_read(raw))
    output = [_Output(type=item.get("type")) for item in as_dicts(value.get("output"))]
    return _Response(
        status=value.get("status"),
        error=value.get("error"),
        incomplete_details=value.get("incomplete_details"),
        usage=value.get("usage"),
        output=output,
    )


def _shows(item: dict[str, Any]) -> bool:
    match item.get("type"):
        case "reasoning":
            return bool(item.get("encrypted_content") or item.get("content") or item.get("summary"))
        case "image_generation_call":
            return bool(item.get("result"))
        case "message":
            return any(part.get("text") or part.get("refusal") for part in as_dicts(item.get("content")))
        case kind:
            return kind in CALLS
