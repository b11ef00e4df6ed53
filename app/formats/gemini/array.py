"""Gemini's stream without `alt=sse`: one JSON array. Upstream it is only read; for clients it is made from events."""

from __future__ import annotations

import re

from app.core.errors import UnreadableAnswer
from app.formats.sse import MAX_EVENT, SSEReader

_MARK = re.compile(rb'["\\\[\]{}]')


class ArrayReader:
    """Bytes in any chunking → the elements of the array, each as it becomes complete."""

    def __init__(self, limit: int = MAX_EVENT) -> None:
        self._limit = limit
        self._element = bytearray()
        self._depth = 0  # 1: inside the array, between elements
        self._in_string = False
        self._escaped = False
        self.closed = False

    def feed(self, chunk: bytes) -> list[bytes]:
        elements: list[bytes] = []
        begun = 0  # where the running element's bytes begin in this chunk
        at = 0
        if self._escaped and chunk:
            self._escaped = False
            at = 1
        while match := _MARK.search(chunk, at):
            mark, at = match[0], match.end()
            if mark == b"\\":
                if self._in_string:
                    if at == len(chunk):
                        self._escaped = True
                    at += 1
            elif mark == b'"':
                self._in_string = not self._in_string
            elif self._in_string:
                continue
            elif mark in b"[{":
                self._depth += 1
                if self._depth == 2:
                    begun = match.start()
            else:
                self._depth -= 1
                if self._depth == 1:
                    elements.append(bytes(self._element) + chunk[begun:at])
                    self._element.clear()
                elif self._depth <= 0:
                    self.closed = True
                    return elements
        if self._depth > 1:
            self._element += chunk[begun:]
            if len(self._element) > self._limit:
                raise UnreadableAnswer(f"The provider sent an element of more than {self._limit} bytes.")
        return elements


class ArrayWriter:
    """A stream of events → the same as one JSON array: for a client that did not ask for `alt=sse`. Whitespace (the
    keep-alive) passes as it is."""

    def __init__(self) -> None:
        self._reader = SSEReader()
        self._begun = False

    def feed(self, events: bytes) -> bytes:
        if not events.strip():
            return events
        return b"".join(self._element(frame.data) for frame in self._reader.feed(events))

    def close(self) -> bytes:
        rest = b"".join(self._element(frame.data) for frame in self._reader.close())
        return rest + (b"]" if self._begun else b"[]")

    def _element(self, data: bytes) -> bytes:
        head = b",\r\n" if self._begun else b"["
        self._begun = True
        return head + data.strip()
