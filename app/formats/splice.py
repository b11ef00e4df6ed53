"""Edits in the raw bytes of a JSON object: one value changes, every other byte stays.

Decoding and encoding again would change large integers, floats, key order and unknown fields."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

import msgspec

from app.core.errors import BadRequest
from app.formats.payload import dump

_MODEL = re.compile(rb'"model"\s*+:\s*+("(?:[^"\\]|\\.)*+")', re.DOTALL)
_SPACE = re.compile(rb"[ \t\n\r]*+")
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_SCALAR = re.compile(rb"[-+.0-9a-zA-Z]++")
_ESCAPED_LETTER = re.compile(rb"\\u00[4-7]")
_TO_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+([\[\]{}])', re.DOTALL)
_key = msgspec.json.Decoder(str)
MAX_DEPTH = 1000  # deeper than any parser upstream would read

Edit = tuple[int, int, bytes]  # from, to, new bytes


class Member(NamedTuple):
    """One member of an object: its decoded key, and where its bytes stand."""

    key: str
    start: int  # the key's opening quote
    value: int
    end: int  # after the value


def relay_body(
    body: bytes,
    *,
    model: str | None = None,
    include_usage: bool = False,
    remove: Collection[str] = (),
    named: bool = True,
) -> bytes:
    """The client's body for a provider: its model name, OpenAI's `stream_options.include_usage` set to true, and the
    members that are meant for the gateway taken out. Raises BadRequest where the body is no JSON object. `named` says
    that the body is known to name a model itself.

    A key that stands twice is changed in both places: parsers differ in which one they read."""
    fast = _fast(body, model, include_usage, remove) if named else None
    if fast is not None:
        return fast
    found = members(body)
    edits = _removals(found, remove) if remove else []
    kept = any(member.key not in remove for member in found)
    if model is not None:
        new = dump(model)
        # some parsers take "Model" for the same key, and what it names was not admitted
        models = [member for member in found if member.key.lower() == "model"]
        edits += [(member.value, member.end, new) for member in models]
        if not any(member.key == "model" for member in models):
            edits.append(_insertion(body, kept, b'"model":' + new))
    if include_usage:
        edits += _ask_usage(body, found, kept)
    return _apply(body, edits)


def set_member(body: bytes, key: str, value: bytes, each_of: str = "") -> bytes:
    """The body with this top-level member's value replaced, wherever it stands and in whatever case its key (lower
    case here) is written; unchanged where it is absent. Likewise in each object of the list `each_of`."""
    found = members(body)
    lists = [
        member.value for member in found if member.key == each_of and body[member.value : member.value + 1] == b"["
    ]
    inner = [members(body, start) for place in lists for start in _objects(body, place)]
    every = [member for one in (found, *inner) for member in one]
    return _apply(body, [(member.value, member.end, value) for member in every if member.key.lower() == key])


def may_name(body: bytes, key: str) -> bool:
    """Whether a key (lower case) may stand in a body, in any case and however it is escaped: a quick look first."""
    return b'"%b"' % key.encode() in body.lower() or _ESCAPED_LETTER.search(body) is not None


def members(body: bytes, start: int = 0) -> list[Member]:
    """The members of the object that begins at `start`, in one pass over its bytes."""
    at = _skip(body, start)
    if body[at : at + 1] != b"{":
        raise _malformed(at)
    at = _skip(body, at + 1)
    found: list[Member] = []
    if body[at : at + 1] == b"}":
        return found
    while True:
        key = _STRING.match(body, at)
        if key is None:
            raise _malformed(at)
        colon = _skip(body, key.end())
        if body[colon : colon + 1] != b":":
            raise _malformed(colon)
        value = _skip(body, colon + 1)
        end = _value_end(body, value)
        found.append(Member(_decoded(key[0], at), key.start(), value, end))
        at = _skip(body, end)
        match body[at : at + 1]:
            case b",":
                at = _skip(body, at + 1)
            case b"}":
                return found
            case _:
                raise _malformed(at)


def _objects(body: bytes, start: int) -> list[int]:
    """Where the objects of the list that begins at `start` begin."""
    found: list[int] = []
    at = _skip(body, start + 1)
    while body[at : at + 1] not in (b"]", b""):
        if body[at : at + 1] == b"{":
            found.append(at)
        at = _skip(body, _value_end(body, at))
        if body[at : at + 1] == b",":
            at = _skip(body, at + 1)
    return found


def _fast(body: bytes, model: str | None, include_usage: bool, remove: Collection[str]) -> bytes | None:
    # A quote inside a string is escaped, so `"model":` can only be a key. Where it stands once, and no key can be
    # hidden behind \u00.. escapes, it is the top-level one that the peek has seen.
    if b"\\u00" in body:
        return None
    for key in remove:
        if _quoted(key) in body:
            return None
    start = end = 0
    if model is not None:
        match = _MODEL.search(body)
        if match is None or body.lower().count(b'"model"') != 1 or body[match.start() - 1 : match.start()] == b"\\":
            return None
        start, end = match.span(1)
    if not include_usage:
        return body if model is None else body[:start] + dump(model) + body[end:]
    close = body.rfind(b"}")
    if b'"stream_options"' in body or model is None or close < end:
        return None
    return body[:start] + dump(model) + body[end:close] + b',"stream_options":{"include_usage":true}' + body[close:]


@lru_cache(64)
def _quoted(key: str) -> bytes:
    return b'"%b"' % key.encode()


def _ask_usage(body: bytes, found: list[Member], kept: bool) -> list[Edit]:
    options = [member for member in found if member.key == "stream_options"]
    if not options:
        return [_insertion(body, kept, b'"stream_options":{"include_usage":true}')]
    edits: list[Edit] = []
    for option in options:
        if body[option.value : option.value + 1] != b"{":
            edits.append((option.value, option.end, b'{"include_usage":true}'))
            continue
        inner = members(body, option.value)
        asked = [member for member in inner if member.key == "include_usage"]
        edits += [(member.value, member.end, b"true") for member in asked]
        if not asked:
            edits.append((option.value + 1, option.value + 1, b'"include_usage":true' + (b"," if inner else b"")))
    return edits


def _insertion(body: bytes, kept: bool, text: bytes) -> Edit:
    # at the front, where it cannot meet the removal of a last member
    at = body.index(b"{") + 1
    return at, at, text + (b"," if kept else b"")


def _removals(found: list[Member], keys: Collection[str]) -> list[Edit]:
    kept = [number for number, member in enumerate(found) if member.key not in keys]
    if len(kept) == len(found):
        return []
    if not kept:
        return [(found[0].start, found[-1].end, b"")]
    edits: list[Edit] = []
    number = 0
    while number < len(found):
        if found[number].key not in keys:
            number += 1
            continue
        first = number
        while number < len(found) and found[number].key in keys:
            number += 1
        if number < len(found):
            edits.append((found[first].start, found[number].start, b""))
        else:
            edits.append((found[first - 1].end, found[-1].end, b""))
    return edits


def _apply(body: bytes, edits: list[Edit]) -> bytes:
    pieces: list[bytes] = []
    at = 0
    for start, end, new in sorted(edits, key=itemgetter(0, 1)):
        pieces += (body[at:start], new)
        at = end
    pieces.append(body[at:])
    return b"".join(pieces)


def _value_end(body: bytes, at: int) -> int:
    first = body[at : at + 1]
    if first == b'"':
        string = _STRING.match(body, at)
        if string is None:
            raise _malformed(at)
        return string.end()
    if first not in (b"{", b"["):
        scalar = _SCALAR.match(body, at)
        if scalar is None:
            raise _malformed(at)
        return scalar.end()
    closers: list[bytes] = []
    while True:
        bracket = _TO_BRACKET.match(body, at)
        if bracket is None:
            raise _malformed(at)
        at = bracket.end()
        match bracket[1]:
            case b"{":
                closers.append(b"}")
            case b"[":
                closers.append(b"]")
            case closer:
                if closers.pop() != closer:
                    raise _malformed(at)
                if not closers:
                    return at
        if len(closers) > MAX_DEPTH:
            raise BadRequest(f"The body is nested too deeply; at most {MAX_DEPTH} levels are passed on.")


def _skip(body: bytes, at: int) -> int:
    space = _SPACE.match(body, at)
    return space.end() if space else at


def _decoded(raw: bytes, at: int) -> str:
    try:
        return raw[1:-1].decode() if b"\\" not in raw else _key.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _malformed(at) from None


def _malformed(at: int) -> BadRequest:
    return BadRequest(f"The body is not valid JSON (byte {at}); send one JSON object.")
