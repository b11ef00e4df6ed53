"""Where each value of a TOML text stands: its line, by its path."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

Path = tuple[str | int, ...]

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BLANK = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""+'
    r"|'''.*?'''+"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_PLAIN = re.compile(r"[^,\]}\n#]*")


class Lines:
    """Of a text that `tomllib` reads without complaint: this looks only at its structure."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._ends = [match.start() for match in re.finditer("\n", text)]
        self._lines: dict[Path, int] = {(): 1}
        self._sizes: dict[Path, int] = {}  # how many tables an array of tables has so far
        self._read()

    def of(self, path: Path) -> int:
        """The line of a value; of what holds it, where it is not in the text."""
        while path not in self._lines:
            path = path[:-1]
        return self._lines[path]

    def _read(self) -> None:
        prefix: Path = ()
        while self._skip(_SPACE) < len(self._text):
            if self._text[self._at] == "[":
                prefix = self._header()
            else:
                self._pair(prefix)

    def _header(self) -> Path:
        start = self._at
        array = self._text.startswith("[[", self._at)
        self._at += 2 if array else 1
        key = self._key()
        self._at += 2 if array else 1
        path: Path = ()
        for part in key[:-1]:
            path = self._newest((*path, part))
            self._note(path, start)
        path = (*path, key[-1])
        self._note(path, start)
        if array:
            self._sizes[path] = self._sizes.get(path, 0) + 1
            path = self._newest(path)
        self._note(path, start)
        return path

    def _newest(self, path: Path) -> Path:
        return (*path, self._sizes[path] - 1) if path in self._sizes else path

    def _pair(self, prefix: Path) -> None:
        start = self._at
        path = prefix
        for part in self._key():
            path = (*path, part)
            self._note(path, start)
        self._at += 1  # the equals sign
        self._skip(_BLANK)
        self._value(path)

    def _key(self) -> list[str]:
        parts = []
        while True:
            self._skip(_BLANK)
            if match := _BARE_KEY.match(self._text, self._at):
                parts.append(match[0])
            else:
                match = _STRING.match(self._text, self._at)
                assert match is not None
                parts.append(str(tomllib.loads(f"key = {match[0]}")["key"]))
            self._at = match.end()
            self._skip(_BLANK)
            if not self._text.startswith(".", self._at):
                return parts
            self._at += 1

    def _value(self, path: Path) -> None:
        self._note(path, self._at)
        opening = self._text[self._at]
        if opening == "[":
            self._at += 1
            position = 0
            while self._next_is_not("]"):
                self._value((*path, position))
                position += 1
        elif opening == "{":
            self._at += 1
            while self._next_is_not("}"):
                self._pair(path)
        else:
            match = _STRING.match(self._text, self._at) or _PLAIN.match(self._text, self._at)
            assert match is not None
            self._at = match.end()

    def _next_is_not(self, closing: str) -> bool:
        """Steps over commas and comments; past the closing bracket at the end."""
        self._skip(_SPACE)
        if self._text.startswith(",", self._at):
            self._at += 1
            self._skip(_SPACE)
        if self._text.startswith(closing, self._at):
            self._at += 1
            return False
        return True

    def _skip(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self._text, self._at)
        assert match is not None
        self._at = match.end()
        return self._at

    def _note(self, path: Path, offset: int) -> None:
        self._lines.setdefault(path, bisect_right(self._ends, offset - 1) + 1)
