"""Lines of JSON in any chunking."""

from __future__ import annotations

import pytest

from app.core.errors import UnreadableAnswer
from app.formats.ndjson import LineReader

BODY = b'\xef\xbb\xbf{"a":1}\r\n\r\n  \n{"b":"\xc3\xa9"}\n{"c":3}'


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_lines_are_the_same_in_any_chunking(size: int) -> None:
    reader = LineReader()
    lines = [line for at in range(0, len(BODY), size) for line in reader.feed(BODY[at : at + size])]
    assert lines == [b'{"a":1}', b'{"b":"\xc3\xa9"}']
    assert reader.close() == [b'{"c":3}']
    assert reader.close() == []


def test_nothing_and_blank_lines_are_no_lines() -> None:
    reader = LineReader()
    assert reader.feed(b"") == []
    assert reader.feed(b"\n\r\n \n") == []
    assert reader.close() == []


@pytest.mark.parametrize("size", [1, 10, 100])
def test_a_line_over_the_limit_is_refused_before_it_is_kept(size: int) -> None:
    reader = LineReader(limit=50)
    body = b"x" * 51 + b"\n"
    with pytest.raises(UnreadableAnswer):
        for at in range(0, len(body), size):
            reader.feed(body[at : at + size])


def test_many_short_lines_may_be_longer_than_the_limit_together() -> None:
    reader = LineReader(limit=50)
    assert len(reader.feed(b'{"a":1}\n' * 100)) == 100
