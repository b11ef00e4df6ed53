"""A glimpse of a body that is too large to read: of its beginning and its end, found by the marks of its structure.

A mark is a member's name with its colon, `"role":`. Inside of a JSON string every quote is escaped, so nothing there
can be mistaken for one; only a string that is cut at an edge can hide what it is.
"""

from __future__ import annotations

import re

import msgspec

from app.formats.glimpse_text import Glimpse, cut, join_texts, read_piece

EDGE = 32 * 1024  # bytes that are looked at, at each end

_MARK = re.compile(  # all begin with one quote, which the search skips to
    rb'"(?:role"\s*:\s*"(?P<role>\w{1,20})"'
    rb'|(?P<name>content|text|input|prompt|system|instructions|systemInstruction|system_instruction)"\s*:\s*'
    rb'(?:(?P<string>")|[\[{])'
    rb'|type"\s*:\s*"(?P<kind>\w{1,30})"|mime_?[tT]ype"\s*:\s*"(?P<media>\w{1,20})/)'
)
_FIRST_NAME = re.compile(rb'"(?:messages|contents|input)"\s*:\s*\[?\s*\{\s*"(role|content|parts)"\s*:')
_IN_MESSAGES = (b"content", b"text")
_OF_USER = (b"input", b"prompt")  # a string there is what the user says
_SYSTEM_ROLES = (b"system", b"developer")
_RESULTS = (b"tool_result", b"function_call_output")
_IMAGES = (b"image_url", b"image", b"input_image")  # by the part's type, or by the media type
_FILES = (b"file", b"document", b"input_file", b"document_url", b"application", b"text")
_MOST_TEXTS = 4  # of a message
_ENOUGH = 8000  # bytes of a text whose end is of no interest


class _Turn(msgspec.Struct):
    """Who speaks, and where at this edge the texts begin."""

    role: bytes
    texts: list[int] = []


class _Edge:
    """One end of a body: who says what, in order, and what is attached."""

    def __init__(self, data: bytes, role_first: bool) -> None:
        self.data = data
        self.turns = [_Turn(b"")]
        self.images = self.files = False
        for mark in _MARK.finditer(data):
            role, name, string, kind, media = mark.group("role", "name", "string", "kind", "media")
            if role is not None:
                self._speaks(role, role_first)
            elif name is not None:
                self._says(name, mark.end() if string else None)
            elif kind in _RESULTS:
                self.turns[-1].role = b"tool"
            else:
                self.images = self.images or (kind or media) in _IMAGES
                self.files = self.files or ((kind or media) in _FILES and kind != b"text")
        if not any(turn.role == b"user" for turn in self.turns):  # Gemini's messages may go without a role
            for turn in self.turns:
                turn.role = turn.role or b"user"

    def _speaks(self, role: bytes, role_first: bool) -> None:
        """A role stands before what is said, or after it, as in the first message."""
        if role_first:
            self.turns.append(_Turn(role))
        else:
            self.turns[-1].role = self.turns[-1].role or role
            self.turns.append(_Turn(b""))

    def _says(self, name: bytes, start: int | None) -> None:
        if name not in _IN_MESSAGES:
            self.turns.append(_Turn(b"system" if name not in _OF_USER else b"user" if start is not None else b""))
        if start is not None:
            self.turns[-1].texts.append(start)
            if name not in _IN_MESSAGES:
                self.turns.append(_Turn(b""))

    def first(self, *roles: bytes) -> list[bytes]:
        """The texts of the first turn that one of the roles has any in, only their beginnings where they are long."""
        turn = next((turn for turn in self.turns if turn.role in roles and turn.texts), _Turn(b""))
        return [_string(self.data[start : start + _ENOUGH]) for start in turn.texts[:_MOST_TEXTS]]

    def last(self) -> list[bytes]:
        """The texts of the last turn that the user has any in."""
        turn = next((turn for turn in reversed(self.turns) if turn.role == b"user" and turn.texts), _Turn(b""))
        return [_string(self.data[start:]) for start in turn.texts[-_MOST_TEXTS:]]


def glimpse_ends(body: bytes) -> Glimpse:
    named = _FIRST_NAME.search(body, 0, EDGE)
    role_first = named is None or named[1] == b"role"
    begin, end = _Edge(body[:EDGE], role_first), _Edge(body[-EDGE:], role_first)
    last = end.last()
    if not last:
        last = begin.last()
        if last and begin.data.endswith(last[-1]):  # one text from edge to edge
            last[-1] += b"\n" + _string(end.data)
    return Glimpse(
        system=_join(begin.first(*_SYSTEM_ROLES) or end.first(*_SYSTEM_ROLES)),
        first=_join(begin.first(b"user")),
        last=_join(last),
        images=begin.images or end.images,
        files=begin.files or end.files,
    )


def _string(data: bytes) -> bytes:
    """Up to the quote that closes the string, or all of it where none does."""
    closing = data.replace(b"\\\\", b"  ").replace(b'\\"', b"  ").find(b'"')  # what is escaped closes nothing
    return data if closing < 0 else data[:closing]


def _join(texts: list[bytes]) -> str:
    return cut(join_texts([read_piece(text) for text in texts]))
