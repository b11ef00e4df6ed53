"""Positions in TOML, whatever its spelling."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from app.services.config_file.lines import Lines, Path

TEXT = '''\
top = 1 # a [comment]
dotted."quoted key".deep = "x"

[table]
text = "a # no comment ]"
many = """
first [
"quotes\\"""
"""
literal = \'\'\'
[no.header]
\'\'\'
list = [
  1,  # one
  [2, 3],
  { a = "}", b = [ "]" ] },
]
day = 2027-01-01 10:00:00

[[items]]
name = "one"
  [[items.parts]]
  id = 1
  [[items.parts]]
  id = 2
  [items.parts.more]
  deep = true
[[items]]
name = "two"
[[items.parts]]
id = 3
[after]
z = {}
'''

EXPECTED: dict[Path, int] = {
    ("top",): 1,
    ("dotted", "quoted key", "deep"): 2,
    ("table",): 4,
    ("table", "text"): 5,
    ("table", "many"): 6,
    ("table", "literal"): 10,
    ("table", "list"): 13,
    ("table", "list", 0): 14,
    ("table", "list", 1, 1): 15,
    ("table", "list", 2, "b", 0): 16,
    ("table", "day"): 18,
    ("items", 0): 20,
    ("items", 0, "parts", 0, "id"): 23,
    ("items", 0, "parts", 1): 24,
    ("items", 0, "parts", 1, "more", "deep"): 27,
    ("items", 1, "name"): 29,
    ("items", 1, "parts", 0, "id"): 31,
    ("after", "z"): 33,
}


@pytest.mark.parametrize("path", EXPECTED)
def test_each_value_has_its_line(path: Path) -> None:
    assert Lines(TEXT).of(path) == EXPECTED[path]


def test_every_value_that_tomllib_reads_has_a_line_of_its_own() -> None:
    lines = Lines(TEXT)
    for path in _paths(tomllib.loads(TEXT), ()):
        assert path in lines._lines, path


def test_a_value_that_is_not_there_has_the_line_of_what_would_hold_it() -> None:
    assert Lines(TEXT).of(("items", 1, "missing", "deeper")) == 28
    assert Lines(TEXT).of(("nowhere",)) == 1
    assert Lines("").of(("nowhere",)) == 1


def _paths(value: Any, path: Path) -> list[Path]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for name, child in children for found in _paths(child, (*path, name)))]
