"""JSON in and out of wire formats: what cannot be read becomes the right error of our tree."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from app.core.errors import BadRequest, UnreadableAnswer
from app.formats.loose_json import mend, read_loosely

T = TypeVar("T")
MAX_DEPTH = 128  # levels of nesting in a request that is translated

_any = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()
_PLACE = re.compile(r"^(?P<what>.*?)(?: - at `(?P<place>[^`]*)`)?$", re.DOTALL)
_NAMES = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def peek(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """A client's body through a decoder that looks at a few fields only. Raises BadRequest."""
    try:
        found = decoder.decode(body)
        if not body.isascii():
            str(body, "utf-8")  # parts that were skipped over are not checked otherwise
        return found
    except msgspec.ValidationError as error:
        raise _wrong_shape(error) from None
    except UnicodeDecodeError as error:
        raise BadRequest(f"The body is not valid UTF-8 (byte {error.start}); send JSON encoded as UTF-8.") from None
    except msgspec.DecodeError as error:
        raise BadRequest(f"The body is not valid JSON ({error}); send one JSON object.") from None
    except RecursionError:
        raise BadRequest(f"The body is nested too deeply; at most {MAX_DEPTH} levels are read.") from None


def read_request(body: bytes) -> dict[str, Any]:
    """A client's whole body. Raises BadRequest."""
    value: Any = peek(body, _any)
    if not isinstance(value, dict):
        raise BadRequest(f"The body must be a JSON object, not {kind(value)}.")
    _check_depth(value, MAX_DEPTH)
    return value


def read_answer(body: bytes) -> dict[str, Any]:
    """A provider's JSON object, a whole answer or the data of one event. Raises UnreadableAnswer."""
    return as_object(read_any(body), body)


def as_object(value: Any, body: bytes) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UnreadableAnswer(
            f"The provider answered with {kind(value)} where a JSON object was due.", body=body[:2000]
        )
    return value


def read_any(body: bytes) -> Any:
    """Any JSON from a provider. What is nearly JSON is read too: U+FFFD for half a character, null for NaN. Raises
    UnreadableAnswer."""
    try:
        value = _any.decode(body)
        if body.count(b"{") + body.count(b"[") > MAX_DEPTH:  # else it cannot be too deep
            _check_depth(value, MAX_DEPTH)
        return value
    except (msgspec.DecodeError, UnicodeDecodeError):
        return mend(read_loose(body))
    except (RecursionError, BadRequest):
        raise _unreadable(body) from None


def read_loose(body: bytes) -> Any:
    """JSON or nearly, with halves of characters still in it: `mend` what is passed on. Raises UnreadableAnswer."""
    try:
        value = read_loosely(body)
        _check_depth(value, MAX_DEPTH)
        return value
    except (ValueError, RecursionError, BadRequest):
        raise _unreadable(body) from None


def try_read(body: bytes) -> Any:
    """Any JSON, or None where it is none."""
    try:
        return read_any(body)
    except UnreadableAnswer:
        return None


def dump(value: Any) -> bytes:
    return _encoder.encode(value)


def dump_text(value: Any) -> str:
    return _encoder.encode(value).decode()


def read_arguments(text: str) -> dict[str, Any]:
    """A tool call's arguments as an object: what models write is not always one, so the text itself is kept then."""
    if not text.strip():
        return {}
    value = try_read(text.encode("utf-8", "replace"))
    return value if isinstance(value, dict) else {"arguments": text}


def add_members(body: bytes, extra: dict[str, Any]) -> bytes:
    """The bytes of a JSON object with members added at its end; all else stays as it is."""
    end = body.rfind(b"}")
    if end < 0 or not extra:
        return body
    empty = body[:end].rstrip().endswith(b"{") and body.count(b"{") == 1
    return body[:end] + (b"" if empty else b",") + dump(extra)[1:-1] + body[end:]


def kind(value: Any) -> str:
    """What a JSON value is, in words."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case str():
            return "a string"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case _:
            return "an object"


# Reading what providers send: a wrong type counts as missing.


def as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def as_dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def as_text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def as_count(value: Any) -> int:
    """A count of tokens: a whole number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return max(int(value), 0)


def _unreadable(body: bytes) -> UnreadableAnswer:
    return UnreadableAnswer("The provider's answer is not valid JSON.", body=body[:2000])


def _check_depth(value: Any, left: int) -> None:
    if left < 0:
        raise BadRequest(f"The body is nested too deeply; at most {MAX_DEPTH} levels are read.")
    if isinstance(value, dict):
        for item in value.values():
            if isinstance(item, dict | list):
                _check_depth(item, left - 1)
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, dict | list):
                _check_depth(item, left - 1)


def _wrong_shape(error: msgspec.ValidationError) -> BadRequest:
    match = _PLACE.match(str(error))
    what, place = (match["what"], match["place"]) if match else (str(error), None)
    missing = re.search(r"missing required field `([^`]+)`", what)
    if missing:
        field = missing[1]
        return BadRequest(f"{field}: this field is missing; the request needs it.", field=field)
    field = place.removeprefix("$").removeprefix(".") if place else ""
    what = re.sub(r"`([^`]*)`", lambda found: _in_words(found[1]), what)
    what = what[:1].lower() + what[1:]
    return BadRequest(f"{field or 'The body'}: {what}.", field=field or None)


def _in_words(types: str) -> str:
    return " or ".join(_NAMES.get(name, f"`{name}`") for name in types.split(" | "))
