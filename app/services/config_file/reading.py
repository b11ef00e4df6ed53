"""Plain values of a file as typed ones. A fault names its field, what is accepted, and what was probably meant."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from difflib import get_close_matches
from typing import Any, Union, get_args, get_origin

import msgspec

from app.core.errors import BadRequest, ClientError
from app.routing.document import Rule
from app.services.config_file.lines import Path

NOT_IN_FILES = {(Rule, "id")}

_WORDS: dict[Any, str] = {
    str: "a text in quotes",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a table",
    datetime: "a time",
    date: "a date",
    time: "a time of day",
}


def read(kind: Any, value: Any, path: Path) -> Any:
    """The value as `kind`: a msgspec.Struct, list, dict, scalar, or one of several. Raises BadRequest."""
    if kind is Any:
        return value
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _read_one_of([each for each in get_args(kind) if each is not type(None)], value, path)
    if origin is list:
        if not isinstance(value, list):
            raise _expected("a list", value, path)
        return [read(get_args(kind)[0], each, (*path, position)) for position, each in enumerate(value)]
    if origin is dict:
        if not isinstance(value, dict):
            raise _expected("a table", value, path)
        return {name: read(get_args(kind)[1], each, (*path, name)) for name, each in value.items()}
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _read_struct(kind, value, path)
    if not _fits(kind, value):
        raise _expected(_WORDS[kind], value, path)
    return value


def show(path: Path) -> str:
    """`providers[0].models[1].price`"""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def path_of(field: str) -> Path:
    return tuple(int(number) if number else name for name, number in re.findall(r"([^.\[\]]+)|\[(\d+)\]", field))


def near(name: str, accepted: list[str]) -> str:
    close = get_close_matches(name.lower(), accepted, n=1)
    return f' Did you mean "{close[0]}"?' if close else ""


@contextmanager
def within(path: Path) -> Iterator[None]:
    """Faults of an item as faults of the file: their field begins at `path`."""
    try:
        yield
    except ClientError as error:
        field, message, where = error.field, error.message, show(path)
        if field is not None:
            where = f"{where}.{field}"
        if field is not None and message.startswith(field):
            message = where + message[len(field) :]
        else:
            message = f"{where}: {message}"
        raise BadRequest(message + _meant(message), field=where) from None


def _read_struct(kind: type[msgspec.Struct], value: Any, path: Path) -> msgspec.Struct:
    if not isinstance(value, dict):
        raise _expected("a table", value, path)
    fields = {field.name: field for field in msgspec.structs.fields(kind) if (kind, field.name) not in NOT_IN_FILES}
    for name in value:
        if name not in fields:
            raise unknown(name, list(fields), path)
    for name, field in fields.items():
        if field.required and name not in value:
            field_path = show((*path, name))
            raise BadRequest(f"{field_path} is missing: it takes {_accepted(field.type)}.", field=field_path)
    return kind(**{name: read(fields[name].type, each, (*path, name)) for name, each in value.items()})


def unknown(name: str, accepted: list[str], path: Path) -> BadRequest:
    field = show((*path, name))
    what = "field" if path else "table"
    return BadRequest(
        f"{field}: there is no such {what} here; known are {', '.join(accepted)}.{near(name, accepted)}", field=field
    )


def _read_one_of(kinds: list[Any], value: Any, path: Path) -> Any:
    if len(kinds) == 1:
        return read(kinds[0], value, path)
    for kind in kinds:
        if _fits(kind, value):
            return value
    raise _expected(" or ".join(dict.fromkeys(_WORDS[kind] for kind in kinds)), value, path)


def _fits(kind: Any, value: Any) -> bool:
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, int | float) if kind is float else isinstance(value, kind)


def _expected(words: str, value: Any, path: Path) -> BadRequest:
    given = next((text for kind, text in _WORDS.items() if _fits(kind, value)), "something else")
    return BadRequest(f"{show(path)}: it takes {words}, not {given}.", field=show(path))


def _accepted(kind: Any) -> str:
    for each in get_args(kind) or (kind,):
        if each in _WORDS:
            return _WORDS[each]
    return "a table" if isinstance(kind, type) else "a list"


def _meant(message: str) -> str:
    """The accepted word that is nearest to the quoted one, where a message lists what is accepted."""
    given = re.search(r'"([^"]*)"', message)
    listed = re.search(r"(?:one of|known are) (.+?)[.;](?:\s|$)", message)
    return near(given[1], listed[1].split(", ")) if given and listed and "Did you mean" not in message else ""
