"""Characters cut in two: some providers split text by UTF-16 units, and each event holds one half, escaped."""

from __future__ import annotations

from typing import Any

from app.formats.loose_json import mend, mend_text
from app.formats.payload import as_object, read_answer, read_loose

MOST = 64
Path = tuple[str | int, ...]


class Halves:
    """Reads the events of one stream. Half a character at the end of a string waits for the next string in the same
    place; one whose other half never comes is left out, or U+FFFD."""

    __slots__ = ("waiting",)

    def __init__(self) -> None:
        self.waiting: dict[Path, str] = {}  # by the place of their string

    def read(self, data: bytes) -> dict[str, Any]:
        """The object in an event. Raises UnreadableAnswer."""
        if not self.waiting and b"\\ud" not in data and b"\\uD" not in data:
            return read_answer(data)
        found: dict[str, Any] = self._joined(as_object(read_loose(data), data), ())
        return found

    def _joined(self, value: Any, path: Path) -> Any:
        if isinstance(value, str):
            return self._text(value, path) if value else value
        if isinstance(value, dict):
            return {mend_text(key): self._joined(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self._joined(item, (*path, _number(item, place))) for place, item in enumerate(value)]
        return mend(value)

    def _text(self, text: str, path: Path) -> str:
        text = self.waiting.pop(path, "") + text
        if "\ud800" <= text[-1] <= "\udbff" and len(self.waiting) < MOST:
            self.waiting[path] = text[-1]
            text = text[:-1]
        return mend_text(text)


def _number(item: Any, place: int) -> int:
    """Choices and calls come alone in their lists, each with its number."""
    index = item.get("index") if isinstance(item, dict) else None
    return index if isinstance(index, int) else place
