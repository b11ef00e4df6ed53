"""Streams cut after every event, in chunks of every size: what was said stays, and no cut stream looks finished."""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeVar

import pytest

from app.core.chat import Ended, Event, Started, StreamFailed, Usage, UsageReport, is_content
from app.formats.base import ClientFormat, StreamDecoder, Tap
from app.formats.registry import CLIENT_FORMATS, FORMATS, OPERATIONS
from tests.formats import samples, test_cohere_chat, test_ollama
from tests.formats.test_recorded_answers import decoded
from tests.recordings import recordings
from tests.upstream import operations
from tests.upstream import samples as upstream

T = TypeVar("T", StreamDecoder, Tap)
SIZES = (1, 7, 1000)
_EVENT = re.compile(rb"\n\r?\n")
_LINE = re.compile(rb"\n")
# From when on a stream may count as whole. Many of OpenAI's family say nothing after the finish, and Gemini never does.
_WHOLE = {
    "openai-chat": rb'"finish_reason"\s*:\s*"|\[DONE\]',
    "openai-completions": rb'"finish_reason"\s*:\s*"|\[DONE\]',
    "openai-responses": rb'"type"\s*:\s*"response\.(completed|incomplete)"',
    "anthropic-messages": rb'"type"\s*:\s*"message_stop"',
    "gemini": rb'"finishReason"|"blockReason"',
    "ollama": rb'"done"\s*:\s*true',
    "cohere-chat": rb'"type"\s*:\s*"message-end"|"is_finished"\s*:\s*true',
}


class Stream(NamedTuple):
    name: str
    format: str
    body: bytes

    @property
    def array(self) -> bool:
        return self.body.lstrip().startswith(b"[")

    def ends(self) -> list[int]:
        """Where its events end, in bytes."""
        if self.array:
            return list(_element_ends(self.body.decode()))
        end = _LINE if self.body.lstrip().startswith(b"{") else _EVENT
        return [match.end() for match in end.finditer(self.body)]

    def whole_at(self, cut: int) -> bool:
        return re.search(_WHOLE[self.format], self.body[:cut]) is not None


def _element_ends(text: str) -> Iterator[int]:
    at = text.index("{")
    while at >= 0:
        _, end = json.JSONDecoder().raw_decode(text, at)
        yield len(text[:end].encode())
        at = text.find("{", end)


def _streams() -> Iterator[Stream]:
    for name, body in samples.STREAMS.items():
        yield Stream(f"sample {name}", name, body)
    yield Stream("sample ollama", "ollama", test_ollama.STREAM)
    yield Stream("sample cohere-chat", "cohere-chat", test_cohere_chat.STREAM)
    yield Stream("sample gemini array", "gemini", upstream.GEMINI["stream-array"].body)
    for path in ("completions", "responses"):
        yield Stream(f"sample openai-{path}", f"openai-{path}", operations.OPERATIONS[path, True].body)
    for item in recordings(stream=True):
        if item.dialect in _WHOLE and "error-with-http-200" not in item.name:
            yield Stream(item.name, item.dialect, item.body)


STREAMS = list(_streams())
TAPPED: dict[str, ClientFormat] = {**CLIENT_FORMATS, **OPERATIONS}


def every(known: list[Stream]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("stream", known, ids=[stream.name for stream in known])


@every([stream for stream in STREAMS if stream.format in FORMATS])
def test_events_read_before_a_cut_stay_and_the_cut_is_told(stream: Stream) -> None:
    wire = FORMATS[stream.format]
    whole = decoded(wire, stream.body)
    told: dict[int, tuple[int, list[str]]] = {}
    for size in SIZES:
        for cut, decoder, fed in cuts(stream, wire.decoder(), size):
            events: list[Event] = [event for part in fed for event in part]
            assert len(events) <= len(whole)
            assert all(event == same or repr(event) == repr(same) for event, same in zip(events, whole, strict=False))
            last = decoder.close()
            result = (len(events), [repr(event) for event in last])
            assert told.setdefault(cut, result) == result, "the same in every chunking"
            end = [*events, *last][-1]
            if stream.whole_at(cut):
                assert isinstance(end, Ended | StreamFailed)
            else:
                assert isinstance(end, StreamFailed), cut
                assert not any(isinstance(event, Ended) for event in events)
                assert end.error.retry, "another provider may be asked, as long as nothing was said"
    assert told


@every([stream for stream in STREAMS if stream.format in TAPPED and not stream.array])
def test_bytes_passed_on_before_a_cut_are_as_they_came_and_no_end(stream: Stream) -> None:
    wire = TAPPED[stream.format]
    for size in SIZES:
        for cut, tap, fed in cuts(stream, wire.tap(strip_usage=False), size):
            out = b"".join(fed) + tap.close()
            assert out + tap.tail == stream.body[:cut]
            if not stream.whole_at(cut):
                assert not tap.ended, cut
                assert tap.error is None or stream.format == "openai-chat"
            if size == SIZES[-1] and stream.format in FORMATS:
                _agree(stream, cut, tap)


@every([stream for stream in STREAMS if stream.format in TAPPED and not stream.array])
def test_an_event_that_was_cut_itself_goes_to_nobody(stream: Stream) -> None:
    wire = TAPPED[stream.format]
    ends = [0, *stream.ends()]
    for before, end in itertools.pairwise(ends):
        cut = stream.body.find(b"{", before, end)
        if cut < 0:
            continue
        tap = wire.tap(strip_usage=False)
        out = tap.feed(stream.body[: cut + 5]) + tap.close()
        assert (out + tap.tail).rstrip() == stream.body[:before].rstrip()
        assert stream.whole_at(before) or not tap.ended


def cuts(stream: Stream, reader: T, size: int) -> Iterator[tuple[int, T, list[Any]]]:
    """At the end of each event: where it is, the reader as it stands there, and what came out of it until then."""
    fed: list[Any] = []
    ends = iter(stream.ends())
    end = next(ends)
    for start in range(0, len(stream.body), size):
        stop = start + size
        while end is not None and start < end <= stop:
            beside = copy.deepcopy(reader)
            yield end, beside, [*fed, beside.feed(stream.body[start:end])]
            end = next(ends, None)
        if end is None:
            return
        fed.append(reader.feed(stream.body[start:stop]))


def _agree(stream: Stream, cut: int, tap: Tap) -> None:
    """Who passes on saw the same content and the same usage as who translates."""
    events = decoded(FORMATS[stream.format], stream.body[:cut])
    said = any(is_content(event) for event in events)
    # a tool that runs at the provider is told to translators when it is whole
    assert tap.content is said or (tap.content and b'"server_tool_use"' in stream.body)
    assert tap.usage == _usage(events)


def _usage(events: list[Event]) -> Usage | None:
    found: Usage | None = None
    for event in events:
        if isinstance(event, UsageReport | Started) and event.usage is not None:
            found = event.usage
    return found
