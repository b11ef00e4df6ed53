"""A glimpse of a body that is too large to read: of its beginning and its end, found by the marks of its structure.

A mark is a member's name with its colon, `"role":`. Inside of a JSON string every quote is escaped, so none can be
mistaken for one; only a string that is cut at an edge can hide what it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from app.formats.glimpse_text import Glimpse, read_piece

EDGE = 64 * 1024  # bytes that are looked at, at each end

_STRING = rb'(?:[^"\\]++|\\.)*+'
_MARK = re.compile(
    rb'"(role|content|text|input|prompt|system|instructions|system_?[iI]nstruction)"\s*:\s*'
    rb'(?:"(' + _STRING + rb')("?)|[\[{])',
    re.DOTALL,
)
_REST = re.compile(_STRING, re.DOTALL)
_FIRST_NAME = re.compile(rb'\{\s*"(role|content|parts)"\s*:')
_IMAGE = re.compile(rb'"type"\s*:\s*"(?:image_url|image|input_image)"|"mime_?[tT]ype"\s*:\s*"image/')
_FILE = re.compile(
    rb'"type"\s*:\s*"(?:file|document|input_file|document_url)"|"mime_?[tT]ype"\s*:\s*"(?:application|text)/'
)
_ALONE = (b"input", b"prompt")  # a string there is what the user says
_OF_MESSAGES = (b"content", b"text")
_SYSTEM_ROLES = ("system", "developer")


class _Turn(msgspec.Struct):
    role: str
    texts: list[bytes] = []


def glimpse_ends(body: bytes) -> Glimpse:
    head, tail = body[:EDGE], body[-EDGE:]
    named = _FIRST_NAME.search(head)
    role_first = named is None or named[1] == b"role"
    begin, goes_on = _turns(head, role_first)
    end, _ = _turns(tail, role_first)
    last = _said(reversed(end), "user")
    if last is None:
        last = _said(reversed(begin), "user") or b""
        if goes_on and (rest := _REST.match(tail)):  # one message from edge to edge
            last = last[:EDGE] + b"\n" + rest[0]
    return Glimpse(
        system=read_piece(_said(begin, *_SYSTEM_ROLES) or _said(end, *_SYSTEM_ROLES) or b""),
        first=read_piece(_said(begin, "user") or b""),
        last=read_piece(last),
        images=bool(_IMAGE.search(head) or _IMAGE.search(tail)),
        files=bool(_FILE.search(head) or _FILE.search(tail)),
    )


def _said(turns: Iterable[_Turn], *roles: str) -> bytes | None:
    """The first of these turns that one of the roles has a text in."""
    return next((b"\n".join(turn.texts) for turn in turns if turn.role in roles and turn.texts), None)


def _turns(edge: bytes, role_first: bool) -> tuple[list[_Turn], bool]:
    """Who says what at this end, in order, and whether its last text goes on beyond the edge.

    A role stands before what is said, or after it where the first message has it so."""
    turns = [_Turn("")]
    goes_on = False
    for mark in _MARK.finditer(edge):
        name, text, closed = mark.groups()
        goes_on = text is not None and not closed
        if name == b"role":
            role = (text or b"").decode("ascii", "replace")
            if role_first:
                turns.append(_Turn(role))
            else:
                turns[-1].role = turns[-1].role or role
                turns.append(_Turn(""))
        elif name in _OF_MESSAGES:
            if text:
                turns[-1].texts.append(text)
        else:
            turns.append(_Turn("user" if name in _ALONE else "system", [text] if text else []))
            if text is not None and not role_first:
                turns.append(_Turn(""))
    if not any(turn.role == "user" for turn in turns):  # Gemini's messages may go without a role
        for turn in turns:
            turn.role = turn.role or "user"
    return turns, goes_on
