"""Strict reading of a client's request: a value of the wrong type is a BadRequest that names its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.core.errors import BadRequest
from app.formats.payload import kind

_QUOTED = 100  # characters of what a client sent


class Fields:
    """One object of a request with the place where it stands ("messages[2].content[0]")."""

    def __init__(self, value: dict[str, Any], place: str = "") -> None:
        self.value = value
        self.place = place

    def at(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key

    def get(self, key: str) -> Any:
        return self.value.get(key)

    def text(self, key: str) -> str | None:
        value = self.value.get(key)
        if value is None or isinstance(value, str):
            return value
        raise self.wrong(key, "a string")

    def needed_text(self, key: str) -> str:
        value = self.text(key)
        if value is None:
            raise BadRequest(f"{self.at(key)}: this field is missing; it takes a string.", field=self.at(key))
        return value

    def whole(self, key: str) -> int | None:
        value = self.value.get(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        if isinstance(value, float) and value.is_integer():
            return int(value)
        raise self.wrong(key, "a whole number")

    def number(self, key: str) -> float | None:
        value = self.value.get(key)
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool):
            try:
                return float(value)
            except OverflowError:
                raise self.wrong(key, "a number of usual size") from None
        raise self.wrong(key, "a number")

    def flag(self, key: str) -> bool | None:
        value = self.value.get(key)
        if value is None or isinstance(value, bool):
            return value
        raise self.wrong(key, "true or false")

    def object(self, key: str) -> Fields | None:
        value = self.value.get(key)
        if value is None:
            return None
        if isinstance(value, dict):
            return Fields(value, self.at(key))
        raise self.wrong(key, "an object")

    def plain(self, key: str) -> dict[str, Any] | None:
        """An object that is passed on and not looked into."""
        found = self.object(key)
        return found.value if found else None

    def objects(self, key: str) -> Iterator[Fields]:
        value = self.value.get(key)
        if value is None:
            return
        if not isinstance(value, list):
            raise self.wrong(key, "a list of objects")
        for number, item in enumerate(value):
            place = f"{self.at(key)}[{number}]"
            if not isinstance(item, dict):
                raise BadRequest(f"{place}: expected an object, got {kind(item)}.", field=place)
            yield Fields(item, place)

    def texts(self, key: str) -> list[str]:
        """A string or a list of strings."""
        value = self.value.get(key)
        if value is None:
            return []
        if isinstance(value, str):
            return [value]
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return list(value)
        raise self.wrong(key, "a string or a list of strings")

    def wrong(self, key: str, expected: str) -> BadRequest:
        place = self.at(key)
        return BadRequest(f"{place}: expected {expected}, got {kind(self.value.get(key))}.", field=place)

    def unknown(self, key: str, accepted: str) -> BadRequest:
        place = self.at(key)
        given = str(self.value.get(key))
        quoted = given if len(given) <= _QUOTED else f"{given[:_QUOTED]} …"
        return BadRequest(f'{place}: "{quoted}" is not known here; accepted are {accepted}.', field=place)


def check_model(model: str) -> None:
    if not model.strip() or len(model) > 300 or not model.isprintable():
        raise BadRequest(
            "model: give the name of a model, 1 to 300 printable characters; GET /v1/models lists them.", field="model"
        )


def check_list(raw: bytes, field: str) -> None:
    if not raw.startswith(b"["):
        raise BadRequest(f"{field}: expected a list of messages.", field=field)
    if raw[1:20].lstrip().startswith(b"]"):
        raise BadRequest(f"{field}: the list is empty; send at least one message.", field=field)
