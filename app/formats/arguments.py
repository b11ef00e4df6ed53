"""A call's arguments, gathered piece by piece: whether they are one whole object yet."""

from __future__ import annotations

import re

_MARK = re.compile(r'\\.?|["{}\[\]]', re.DOTALL)


class Arguments:
    """Each piece is looked through once, and only when somebody asks."""

    __slots__ = ("_depth", "_escaped", "_pieces", "_quoted", "_seen", "_whole")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._seen = 0  # pieces looked through
        self._depth = 0
        self._quoted = False
        self._escaped = False  # the last piece ended in a backslash
        self._whole = False

    def add(self, piece: str) -> None:
        if piece:
            self._pieces.append(piece)

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    @property
    def whole(self) -> bool:
        """The object that they began with is closed."""
        while self._seen < len(self._pieces) and not self._whole:
            self._look(self._pieces[self._seen])
            self._seen += 1
        return self._whole

    def _look(self, piece: str) -> None:
        start, self._escaped = int(self._escaped), False
        for match in _MARK.finditer(piece, start):
            mark = match[0]
            if mark[0] == "\\":
                self._escaped = len(mark) == 1
            elif mark == '"':
                self._quoted = not self._quoted
            elif not self._quoted:
                self._depth += 1 if mark in "{[" else -1
                if self._depth <= 0:
                    self._whole = True
                    return
