"""Answers that hold halves of characters and numbers that are none: read, translated and passed on all the same."""

from __future__ import annotations

import json

import pytest

from app.core.chat import TextDelta
from app.core.errors import UnreadableAnswer
from app.formats.halves import Halves
from app.formats.payload import dump
from app.formats.registry import CLIENT_FORMATS, FORMATS
from tests.formats.meaning import of_events
from tests.formats.samples import DONE, candidate, chunk, delta, named
from tests.formats.test_recorded_answers import decoded, encoded, tapped

FACE = "\U0001f600"
PIECES = ("Hi \ud83d", "\ude00 and \ud83d", "\ude00!")
STREAMS = {
    "openai-chat": delta(content="Oh, ") + b"".join(delta(content=piece) for piece in PIECES) + delta("stop") + DONE,
    "anthropic-messages": named("message_start", message={"id": "m", "model": "x"})
    + named("content_block_start", index=0, content_block={"type": "text", "text": "Oh, "})
    + b"".join(named("content_block_delta", index=0, delta={"type": "text_delta", "text": piece}) for piece in PIECES)
    + named("content_block_stop", index=0)
    + named("message_delta", delta={"stop_reason": "end_turn"})
    + named("message_stop"),
    "gemini": candidate([{"text": "Oh, "}])
    + b"".join(candidate([{"text": piece}]) for piece in PIECES)
    + candidate([{"text": ""}], "STOP"),
}
every_client = pytest.mark.parametrize("client", CLIENT_FORMATS)


@every_client
@pytest.mark.parametrize("provider", STREAMS)
def test_a_character_cut_in_two_is_whole_again_after_translation(provider: str, client: str) -> None:
    wire = CLIENT_FORMATS[client]
    assert b"\\ud83d" in STREAMS[provider]
    written = encoded(wire, decoded(FORMATS[provider], STREAMS[provider]))
    assert of_events(decoded(wire, written))["text"] == f"Oh, Hi {FACE} and {FACE}!"


@pytest.mark.parametrize("provider", STREAMS)
def test_a_character_cut_in_two_passes_through_as_it_came(provider: str) -> None:
    tap = FORMATS[provider].tap(strip_usage=False)  # type: ignore[attr-defined]
    out = tapped(tap, STREAMS[provider], 1000)
    assert out + tap.tail == STREAMS[provider]
    assert (tap.ended, tap.error) == (True, None)


def test_halves_of_arguments_and_of_several_answers_find_each_other() -> None:
    body = (
        chunk([{"index": 0, "delta": {"content": "a\ud83d"}}])
        + chunk([{"index": 1, "delta": {"content": "b"}}])
        + chunk([{"index": 0, "delta": {"content": "\ude00"}}])
        + delta(tool_calls=[{"index": 0, "id": "c", "function": {"name": "f", "arguments": '{"x":"\ud83d'}}])
        + delta(tool_calls=[{"index": 0, "function": {"arguments": '\ude00"}'}}])
        + chunk([{"index": 0, "delta": {}, "finish_reason": "stop"}, {"index": 1, "delta": {}, "finish_reason": "x"}])
    )
    events = decoded(FORMATS["openai-chat"], body)
    assert "".join(event.text for event in events if isinstance(event, TextDelta) and not event.index) == f"a{FACE}"
    assert of_events(events)["calls"] == [("c", "f", {"x": FACE})]


def test_a_half_that_stays_alone_can_still_be_written() -> None:
    halves = Halves()
    assert halves.read(b'{"a":"x\\ud83d"}') == {"a": "x"}
    assert halves.waiting
    assert halves.read(b'{"b":"y","a":""}') == {"b": "y", "a": ""}
    assert halves.read(b'{"a":"z"}') == {"a": "\ufffdz"}
    assert halves.read(b'{"a\\ud83d":["\\ude00","\\ud83d\\ude00"]}') == {"a\ufffd": ["\ufffd", FACE]}
    assert not halves.waiting
    for number in range(1000):
        dump(halves.read(b'{"%d":"x\\ud83d"}' % number))
    with pytest.raises(UnreadableAnswer):
        halves.read(b'["\\ud83d"]')
    with pytest.raises(UnreadableAnswer):
        halves.read(b'{"a":"\\ud83d"')


@every_client
@pytest.mark.parametrize("value", [b'"\\ud83d"', b"NaN", b"Infinity", b"-Infinity", b"1e999"])
def test_a_whole_answer_with_odd_values_is_relayed_and_translated(client: str, value: bytes) -> None:
    body = (
        b'{"id":"x","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":'
        b'"stop","logprobs":{"content":[{"token":"a","logprob":%b,"top_logprobs":[]}]}}],"usage":{"prompt_tokens":3,'
        b'"completion_tokens":1,"total_tokens":4}}' % value
    )
    usage, _ = CLIENT_FORMATS["openai-chat"].result_usage(body)
    assert usage is not None
    assert usage.input == 3
    wire = CLIENT_FORMATS[client]
    assert json.loads(wire.encode_result(FORMATS["openai-chat"].decode_result(body)))
