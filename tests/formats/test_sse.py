"""Framing of server-sent events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import UnreadableAnswer
from app.formats.sse import Frame, SSEReader, parse_event, write_event


def read(*chunks: bytes) -> list[Frame]:
    reader = SSEReader()
    frames = [frame for chunk in chunks for frame in reader.feed(chunk)]
    return frames + reader.close()


@pytest.mark.parametrize(
    ("body", "frames"),
    [
        (b"data: {}\n\n", [Frame("", b"{}")]),
        (b"data:{}\n\n", [Frame("", b"{}")]),
        (b"data: {}\r\n\r\ndata: 1\r\n\r\n", [Frame("", b"{}"), Frame("", b"1")]),
        (b"data: {}\r\rdata: 1\r\r", [Frame("", b"{}"), Frame("", b"1")]),
        (b": comment\n\n: \n\ndata: 1\n\n", [Frame("", b"1")]),
        (b": comment\ndata: 1\n\n", [Frame("", b"1")]),
        (b"event: error\ndata: 1\nid: 5\nretry: 3\n\n", [Frame("error", b"1")]),
        (b"data: a\ndata: b\n\n", [Frame("", b"a\nb")]),
        (b"\xef\xbb\xbfdata: 1\n\n", [Frame("", b"1")]),
        (b"\n\n\ndata: 1\n\n\n\n\ndata: 2\n\n", [Frame("", b"1"), Frame("", b"2")]),
        (b"data: the last blank line is missing", [Frame("", b"the last blank line is missing")]),
        (b"data: x\n", [Frame("", b"x")]),
        (b"event: ping\n\n", []),
        (b"", []),
    ],
)
def test_events_are_read_in_every_spelling_and_chunking(body: bytes, frames: list[Frame]) -> None:
    assert read(body) == frames
    assert read(*[body[at : at + 1] for at in range(len(body))]) == frames


def test_a_body_that_is_plain_json_comes_out_whole_at_the_end() -> None:
    reader = SSEReader()
    assert reader.feed(b'  {"error":\n\n') == []
    assert reader.feed(b'"x"}') == []
    assert reader.close() == [Frame("", b'  {"error":\n\n"x"}')]


def test_an_event_beyond_the_limit_is_unreadable() -> None:
    reader = SSEReader(limit=100)
    reader.feed(b"data: " + b"0" * 94)
    with pytest.raises(UnreadableAnswer):
        reader.feed(b"0")


@given(st.lists(st.binary(min_size=1).filter(lambda data: not set(data) & {10, 13}), max_size=8), st.integers(1, 9))
def test_any_data_comes_through_in_any_chunking(payloads: list[bytes], size: int) -> None:
    body = b"".join(b"data: " + payload + b"\n\n" for payload in payloads)
    assert read(*[body[at : at + size] for at in range(0, len(body), size)]) == [Frame("", data) for data in payloads]


def test_written_events_read_back() -> None:
    assert parse_event(write_event({"a": 1}, "done").strip()) == Frame("done", b'{"a":1}')
    assert write_event({"a": 1}) == b'data: {"a":1}\n\n'
