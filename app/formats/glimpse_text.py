"""What a glimpse of a request holds, and how its texts are cut out of JSON."""

from __future__ import annotations

import re

import msgspec

from app.formats.loose_json import mend_text

BEGIN = 1200  # characters that are kept of a text
END = 600  # and as many of its end, where it is longer

_BEGIN_BYTES = 4000  # of JSON, which hold as many characters in most scripts
_END_BYTES = 2000
_MOST_PARTS = 16  # of a message, whose text is kept
_TAGGED = re.compile(r"\s*<([\w-]+)>.*</\1>\s*", re.DOTALL)
_text = msgspec.json.Decoder(str)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_LONGEST_ESCAPE = 6
_SIGNS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


class Glimpse(msgspec.Struct, frozen=True, kw_only=True):
    """`first` is the first user message and `last` the last one, the same text where there is one; of a long one the
    beginning and the end. `images` and `files` are those attached to these two."""

    system: str = ""
    first: str = ""
    last: str = ""
    images: bool = False
    files: bool = False


def cut(text: str) -> str:
    return text if len(text) <= BEGIN + END else f"{text[:BEGIN]}\n{text[-END:]}"


def join_texts(texts: list[str]) -> str:
    """Of a message's parts. What a client puts beside a person's words is wrapped in a tag, `<context>…</context>`: it
    is left out."""
    own = [text for text in texts if text and not _TAGGED.fullmatch(text)] or texts
    half = _MOST_PARTS // 2
    return "\n".join(own if len(own) <= _MOST_PARTS else [*own[:half], *own[-half:]])


def read_string(quoted: bytes) -> str:
    """The ends of a JSON string, as it stands in a body with its quotes."""
    if len(quoted) <= _BEGIN_BYTES + _END_BYTES:
        try:
            return cut(_text.decode(quoted))
        except msgspec.DecodeError:  # half a character
            pass
    return read_piece(quoted[1:-1])


def read_piece(piece: bytes) -> str:
    """The ends of what stands in a JSON string, which may be cut anywhere."""
    if len(piece) <= _BEGIN_BYTES + _END_BYTES:
        return cut(_unescape(piece))
    return f"{_unescape(piece[:_BEGIN_BYTES])[:BEGIN]}\n{_unescape(piece[-_END_BYTES:])[-END:]}"


def _unescape(piece: bytes) -> str:
    """What was cut in two at an edge is left out, or stays as it is."""
    text = piece.decode("utf-8", "ignore")
    if "\\" not in text:
        return text
    for whole in (text, text[: text.rfind("\\", -_LONGEST_ESCAPE)]):
        try:
            return _text.decode(f'"{whole}"')
        except msgspec.DecodeError:
            continue
    return mend_text(_ESCAPE.sub(_character, text))


def _character(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else _SIGNS.get(found[2], found[2])
