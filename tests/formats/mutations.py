"""Exchanges as they might arrive broken: bytes changed, JSON values swapped for others, events lost, repeated, moved."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

_EVENT_END = re.compile(rb"(?<=\n\n)|(?<=\n\r\n)")
_LINE_END = re.compile(rb"(?<=\n)")
_DEEP = "[" * 3000 + "]" * 3000
_ODD_BYTES = [b"\x00", b"\xff", b"\xed\xa0\x80", b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\\u0000", b"\n"]
_ODD_BYTES += [b"\n\n", b"\r\n\r\n", b": note\n\n", b"event: error\n", b"data: ", b"data: [DONE]\n\n", b"-", b"e999"]
_FOREIGN_EVENTS = [b": \n\n", b"data: null\n\n", b"data: []\n\n", b"data: 5\n\n", b"data: {}\n\n", b"data: [DONE]\n\n"]
_FOREIGN_EVENTS += [b"event: ping\ndata: {}\n\n", b'data: {"error":{}}\n\n', b"id: 7\nretry: 1\n\n"]


class Raw(str):
    """JSON text to be written as it stands."""


class Twice(list[tuple[str, Any]]):
    """An object whose keys may stand more than once."""


ODD_VALUES: list[Any] = [
    None, True, False, 0, -1, 1.5, 10**25, -(10**25), math.nan, math.inf, "", "text", "7", "\0", "\ud800", "null",
    [], {}, [None], [[]], [{}], {"a": 1}, {"": None}, "x" * 70_000, Raw("1e999"), Raw("-1e-999"), Raw(_DEEP),
    Raw('"\\ud800\\u0000"'), Raw("-0"), Raw("9" * 400), Raw('{"error":"x","error":null}'), "data:image/png;base64,?",
]  # fmt: skip


@st.composite
def broken(draw: st.DrawFn, body: bytes) -> bytes:
    """A body after one to three accidents."""
    for _ in range(draw(st.integers(1, 3))):
        body = draw(st.sampled_from(_ACCIDENTS))(draw, body)
    return body


@st.composite
def pieces(draw: st.DrawFn, body: bytes) -> list[bytes]:
    """The body in chunks of one size, or cut in two."""
    size = draw(st.sampled_from([len(body) or 1, 1000, 7, 0]))
    if not size:
        cut = draw(st.integers(0, len(body)))
        return [body[:cut], body[cut:]]
    return [body[at : at + size] for at in range(0, len(body), size)]


def events_of(body: bytes) -> list[bytes]:
    """The events of a stream, each with what ends it: of SSE, of lines, or of Gemini's array."""
    if body.lstrip()[:1] == b"[":
        return [piece for piece in re.split(rb"(?<=\n,)", body.replace(b"\r\n", b"\n")) if piece]
    ends = _LINE_END if body.lstrip()[:1] == b"{" else _EVENT_END
    return [event for event in ends.split(body) if event]


def _bytes_change(draw: st.DrawFn, body: bytes) -> bytes:
    at = draw(st.integers(0, len(body)))
    match draw(st.sampled_from(["cut off", "lose", "flip", "insert", "repeat"])):
        case "cut off":
            return body[:at]
        case "lose":
            return body[:at] + body[at + draw(st.integers(1, 60)) :]
        case "flip":
            return body[:at] + bytes([draw(st.integers(0, 255))]) + body[at + 1 :]
        case "insert":
            return body[:at] + draw(st.sampled_from(_ODD_BYTES)) + body[at:]
        case _:
            return body[:at] + body[at : at + 80] + body[at:]


def _event_changes(draw: st.DrawFn, body: bytes) -> bytes:
    events = events_of(body)
    if not events:
        return body
    at, other = draw(st.integers(0, len(events) - 1)), draw(st.integers(0, len(events) - 1))
    match draw(st.sampled_from(["lose", "repeat", "move", "foreign", "turn", "no blank line"])):
        case "lose":
            del events[at]
        case "repeat":
            events.insert(other, events[at])
        case "move":
            events.insert(other, events.pop(at))
        case "foreign":
            events.insert(at, draw(st.sampled_from(_FOREIGN_EVENTS)))
        case "turn":
            events = events[at:] + events[:at]
        case _:
            events[at] = events[at].rstrip()
    return b"".join(events)


def _value_changes(draw: st.DrawFn, body: bytes) -> bytes:
    events = events_of(body)
    with_json = [number for number, event in enumerate(events) if b"{" in event]
    if not with_json:
        return body
    number = draw(st.sampled_from(with_json))
    start = events[number].index(b"{")
    head, text = events[number][:start], events[number][start:]
    try:
        value, end = json.JSONDecoder().raw_decode(text.decode())
    except (ValueError, RecursionError):
        return body
    places = _places(value)
    steps = places[draw(st.integers(0, len(places) - 1))]
    events[number] = head + _dump(_changed(draw, value, steps)) + text.decode()[end:].encode()
    return b"".join(events)


def _changed(draw: st.DrawFn, value: Any, steps: tuple[str | int, ...]) -> Any:
    """The value with the one that `steps` lead to changed."""
    if len(steps) > 1 or (steps and isinstance(value, list)):
        step = steps[0]
        inner = _changed(draw, value[step], steps[1:])
        if isinstance(value, dict):
            return {**value, step: inner}
        assert isinstance(step, int)
        return [*value[:step], inner, *value[step + 1 :]]
    odd = draw(st.sampled_from(ODD_VALUES))
    if not steps:
        return odd
    key = str(steps[0])
    match draw(st.sampled_from(["replace", "replace", "drop", "twice", "rename", "nest"])):
        case "replace":
            return {**value, key: odd}
        case "drop":
            return {name: item for name, item in value.items() if name != key}
        case "twice":
            again = [(key, odd), *value.items()] if draw(st.booleans()) else [*value.items(), (key, odd)]
            return Twice(again)
        case "rename":
            return {(f"{key}_" if name == key else name): item for name, item in value.items()}
        case _:
            return {**value, key: [value[key]]}


def _places(value: Any, before: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The way to every value inside, the whole itself included."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value[:50]))
    return [before, *(place for step, item in inner for place in _places(item, (*before, step)))]


def _dump(value: Any) -> bytes:
    return _text(value).encode("utf-8", "surrogatepass")


def _text(value: Any) -> str:
    match value:
        case Raw():
            return str(value)
        case Twice():
            return "{" + ",".join(f"{json.dumps(key)}:{_text(item)}" for key, item in value) + "}"
        case dict():
            return _text(Twice(value.items()))
        case list():
            return "[" + ",".join(map(_text, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


_ACCIDENTS: list[Callable[[st.DrawFn, bytes], bytes]] = [_bytes_change, _event_changes, _value_changes, _value_changes]
