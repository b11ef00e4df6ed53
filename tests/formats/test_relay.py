"""The tap beside relayed streams: what it holds back, strips and finds."""

from __future__ import annotations

import json

import pytest

from app.core.chat import FinishReason
from app.core.errors import BadCredential, RequestRefused, Throttled, UnreadableAnswer, UpstreamDown
from app.formats.base import Tap
from app.formats.registry import CLIENT_FORMATS
from tests.formats.samples import DONE, STREAMS, USAGE, candidate, chunk, delta, named

CHAT, CLAUDE, GEMINI = CLIENT_FORMATS["openai-chat"], CLIENT_FORMATS["anthropic-messages"], CLIENT_FORMATS["gemini"]


def chat_tap(strip_usage: bool = False) -> Tap:
    return CHAT.tap(strip_usage=strip_usage)


def test_content_goes_out_at_once_and_the_finish_waits() -> None:
    tap = chat_tap()
    assert tap.feed(delta(role="assistant", content="")) != b""
    assert not tap.content
    assert tap.feed(delta(content="hi")) == delta(content="hi")
    assert tap.content
    assert tap.feed(delta("stop")) == b""
    assert tap.feed(chunk([], usage=USAGE)) == b""
    assert not tap.ended
    assert tap.feed(DONE) == b""
    assert tap.ended
    assert tap.tail == delta("stop") + chunk([], usage=USAGE) + DONE


def test_content_after_a_finish_lets_it_go() -> None:
    tap = chat_tap()
    tap.feed(delta(content="one"))
    other = chunk([{"index": 1, "delta": {"content": "two"}, "finish_reason": None}])
    assert tap.feed(delta("stop")) == b""
    assert tap.feed(other) == delta("stop") + other
    assert tap.tail == b""


def test_the_extra_usage_chunk_is_stripped_if_the_client_did_not_ask() -> None:
    body = STREAMS["openai-chat"]
    tap = chat_tap(strip_usage=True)
    out = tap.feed(body) + tap.close()
    assert out + tap.tail == body.replace(chunk([], usage=USAGE), b"")
    assert tap.usage is not None
    assert tap.ended
    assert json.loads(tap.tail_with({"anygpt": 1}).split(b"\n")[0][6:])["anygpt"] == 1


def test_usage_in_every_chunk_is_not_summed_and_holds_nothing_back() -> None:
    pieces = [
        chunk([{"index": 0, "delta": {"content": "x"}, "finish_reason": None}], usage=USAGE | {"completion_tokens": n})
        for n in (1, 2, 9)
    ]
    tap = chat_tap()
    assert b"".join(tap.feed(piece) for piece in pieces) == b"".join(pieces)
    assert tap.usage is not None
    assert tap.usage.output == 9


def test_a_stream_without_a_marker_is_complete_once_it_said_why_it_ends() -> None:
    tap = chat_tap()
    tap.feed(delta(content="x") + delta("length"))
    assert not tap.ended
    tap.close()
    assert (tap.ended, tap.finish) == (True, FinishReason.LENGTH)


def test_a_last_event_without_its_blank_line_counts() -> None:
    tap = chat_tap()
    body = delta(content="x") + delta("stop") + DONE.strip()
    out = tap.feed(body) + tap.close()
    assert out + tap.tail == body
    assert tap.ended


def test_a_cut_event_is_left_out_so_that_an_error_can_follow() -> None:
    tap = chat_tap()
    out = tap.feed(delta(content="x") + b'data: {"choices":[{"del') + tap.close()
    assert out == delta(content="x")
    assert not tap.ended


@pytest.mark.parametrize(
    ("event", "error"),
    [
        (
            b'event: error\ndata: {"error":{"message":"m","type":"invalid_request_error","status_code":400}}\n\n',
            RequestRefused,
        ),
        (b'data: {"error":{"message":"m","code":502}}\n\n', UpstreamDown),
        (b'data: {"error":{"message":"m","code":"429"}}\n\n', Throttled),
        (b'data: {"error":"m","code":"x"}\n\n', UpstreamDown),
        (
            chunk([{"index": 0, "delta": {}, "error": {"message": "m", "code": 401}, "finish_reason": "error"}]),
            BadCredential,
        ),
        (delta("error"), UpstreamDown),
    ],
)
def test_an_error_inside_a_stream_is_seen_and_held_back(event: bytes, error: type[Exception]) -> None:
    for before in (b"", delta(content="x")):
        tap = chat_tap()
        out = tap.feed(before + event + chunk([], usage=USAGE)) + tap.close()
        assert out == before
        assert tap.tail == event + chunk([], usage=USAGE)
        assert type(tap.error) is error
        assert tap.usage is not None
        assert not tap.ended


def test_anthropics_error_and_overload_are_told_apart() -> None:
    for kind, error in (("overloaded_error", UpstreamDown), ("rate_limit_error", Throttled)):
        tap = CLAUDE.tap(strip_usage=False)
        tap.feed(named("error", error={"type": kind, "message": "m"}))
        assert type(tap.error) is error


def test_words_of_the_protocol_inside_text_change_nothing() -> None:
    text = '"error" [DONE] "finish_reason":"stop" "usage":{"x":1} message_stop message_delta "finishReason"'
    tap = chat_tap()
    tap.feed(delta(content="a"))
    assert tap.feed(delta(content=text)) == delta(content=text)
    assert (tap.error, tap.finish, tap.tail, tap.ended) == (None, None, b"", False)
    claude = CLAUDE.tap(strip_usage=False)
    piece = named("content_block_delta", index=0, delta={"type": "text_delta", "text": text})
    assert claude.feed(piece + piece) == piece + piece
    assert (claude.error, claude.finish, claude.tail, claude.ended) == (None, None, b"", False)
    gemini = GEMINI.tap(strip_usage=False)
    assert gemini.feed(candidate([{"text": text}]) * 2) == candidate([{"text": text}]) * 2
    assert (gemini.error, gemini.finish, gemini.tail) == (None, None, b"")


def test_gemini_saying_stop_in_every_event_is_still_passed_on() -> None:
    tap = GEMINI.tap(strip_usage=False)
    first, second = candidate([{"text": "a"}], "STOP"), candidate([{"text": "b"}], "STOP")
    assert tap.feed(first) == b""
    assert tap.feed(second) == first
    tap.close()
    assert tap.ended
    assert tap.tail == second


def test_a_stream_that_is_no_json_is_unreadable_before_any_content() -> None:
    for wire in (CHAT, CLAUDE, GEMINI):
        with pytest.raises(UnreadableAnswer):
            wire.tap(strip_usage=False).feed(b"data: <html>\n\n")


def test_an_endless_event_is_unreadable() -> None:
    tap = chat_tap()
    for _ in range(40):
        tap.feed(b"data: " + b"x" * 100_000)
    with pytest.raises(UnreadableAnswer):
        tap.feed(b"x" * 1_000_000)


def test_characters_are_counted_exactly_at_first_and_at_the_same_rate_later() -> None:
    tap = chat_tap()
    for _ in range(100):
        tap.feed(delta(content="four"))
    assert tap.output_text == 400
    for _ in range(4900):
        tap.feed(delta(content="four"))
    assert tap.output_text == pytest.approx(20_000, rel=0.01)


def test_an_error_body_in_place_of_a_stream_is_an_error() -> None:
    tap = chat_tap()
    body = b'{"error": {"message": "no", "code": 502}}'
    assert tap.feed(body) + tap.close() == b""
    assert isinstance(tap.error, UpstreamDown)
    assert tap.tail == body
