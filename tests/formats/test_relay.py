"""The tap beside relayed streams: what it holds back, strips and finds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.chat import FinishReason
from app.core.errors import BadCredential, RequestRefused, Throttled, UnreadableAnswer, UpstreamDown
from app.formats.base import ClientFormat, Tap
from app.formats.openai_chat.tap import ChatTap
from app.formats.registry import CLIENT_FORMATS, OPERATIONS
from tests.formats.samples import DONE, STREAMS, USAGE, candidate, chunk, delta, named

CHAT, CLAUDE, GEMINI = CLIENT_FORMATS["openai-chat"], CLIENT_FORMATS["anthropic-messages"], CLIENT_FORMATS["gemini"]
COMPLETIONS = OPERATIONS["openai-completions"]


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
        (b'data: {"object":"error","message":"EngineCore died","code":500}\n\n', UpstreamDown),
        (b'event: error\ndata: {"message":"m","code":429}\n\n', Throttled),
        (b'event:error\r\ndata: {"message":"m","code":400}\r\n\r\n', RequestRefused),
        (b"event: error\ndata: it broke\n\n", UpstreamDown),
        (chunk([], x_groq={"id": "r", "error": "over capacity"}), UpstreamDown),
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


def test_a_reason_that_is_an_error_counts_as_one_where_nothing_was_said() -> None:
    for word in ("insufficient_system_resource", "function_call_filter: MALFORMED_FUNCTION_CALL"):
        tap = chat_tap()
        tap.feed(delta(role="assistant", content="") + delta(word))
        assert isinstance(tap.error, UpstreamDown)
        assert word in tap.error.message
        tap = chat_tap()
        tap.feed(delta(content="x") + delta(word) + DONE)
        assert (tap.error, tap.finish, tap.ended) == (None, FinishReason.ERROR, True)


def test_anthropics_error_and_overload_are_told_apart() -> None:
    for kind, error in (("overloaded_error", UpstreamDown), ("rate_limit_error", Throttled)):
        tap = CLAUDE.tap(strip_usage=False)
        tap.feed(named("error", error={"type": kind, "message": "m"}))
        assert type(tap.error) is error


def test_words_of_the_protocol_inside_text_change_nothing() -> None:
    text = 'error event: error "error" [DONE] "finish_reason":"stop" "usage":{"x":1} message_stop message_delta "finishReason"'
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


class _SmallTap(ChatTap):
    max_event = 1000


def test_an_endless_event_is_unreadable() -> None:
    tap = _SmallTap()
    for _ in range(10):
        tap.feed(b"data: " + b"x" * 90)
    with pytest.raises(UnreadableAnswer, match="more than 1000 bytes"):
        tap.feed(b"x" * 41)


@pytest.mark.parametrize("wire", CLIENT_FORMATS.values(), ids=lambda wire: wire.name)
def test_an_event_may_be_as_large_as_a_picture(wire: ClientFormat) -> None:
    tap = wire.tap(strip_usage=False)
    piece = b"x" * 1_000_000
    assert tap.feed(b'data: {"new":"') == b""
    for _ in range(50):
        assert tap.feed(piece) == b""
    assert len(tap.feed(b'"}\n\n')) > 50_000_000


def test_a_picture_is_no_text_to_be_counted() -> None:
    picture = delta(images=[{"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 2_000_000}}])
    tap = chat_tap()
    out = tap.feed(delta(content="four") * 10)
    for body in (picture, delta(content="four") * 10 + picture, picture * 2):
        for at in range(0, len(body), 65_536):
            out += tap.feed(body[at : at + 65_536])
    out += tap.feed(picture)
    assert out.count(b"AAAA") == 5 * 500_000
    assert tap.text_rate(delta(content="four")) * len(out) < 1000
    assert tap.output_text == 80
    tap.feed(picture[:1_000_000])
    assert tap.text_rate(b"A" * 1000) * len(out) < 10_000, "in the middle of one, too"


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


def one_of(index: int, finish: str | None = None, **fields: Any) -> bytes:
    return chunk([{"index": index, "delta": fields, "finish_reason": finish}])


def one_candidate(index: int, text: str, finish: str | None = None) -> bytes:
    value = {"content": {"parts": [{"text": text}]}, "finishReason": finish, "index": index}
    return f"data: {json.dumps({'candidates': [value]})}\n\n".encode()


def one_text(index: int, text: str, finish: str | None = None) -> bytes:
    return chunk([{"index": index, "text": text, "finish_reason": finish}])


CHOICES = pytest.mark.parametrize(
    ("wire", "said", "first", "second"),
    [
        (CHAT, [one_of(n, content="x") for n in (0, 1)] * 20, one_of(0, "stop"), one_of(1, "length")),
        (
            GEMINI,
            [one_candidate(n, "x") for n in (0, 1)],
            one_candidate(0, "", "STOP"),
            one_candidate(1, "", "MAX_TOKENS"),
        ),
        (COMPLETIONS, [one_text(n, "x") for n in (0, 1)], one_text(0, "", "stop"), one_text(1, "", "length")),
    ],
    ids=["chat", "gemini", "completions"],
)


@CHOICES
def test_a_stream_is_whole_only_when_all_its_choices_are(
    wire: ClientFormat, said: list[bytes], first: bytes, second: bytes
) -> None:
    for ends, whole in (((first,), False), ((second,), False), ((first, second), True), ((second, first), True)):
        tap = wire.tap(strip_usage=False)
        out = b"".join(tap.feed(event) for event in [*said, *ends]) + tap.close()
        assert out + tap.tail == b"".join([*said, *ends])
        assert tap.ended is whole
        if whole:
            assert tap.finish is FinishReason.STOP, "the first choice's, whichever ended first"


@CHOICES
def test_a_choice_that_begins_late_is_waited_for(
    wire: ClientFormat, said: list[bytes], first: bytes, second: bytes
) -> None:
    tap = wire.tap(strip_usage=False)
    tap.feed(said[0] * 1000)  # more than the sample
    tap.feed(first)
    assert tap.feed(said[1]) == first + said[1]
    tap.close()
    assert not tap.ended


def test_a_message_beside_a_delta_is_not_said_again() -> None:
    tap = chat_tap()
    for n in range(3):
        fields = {"delta": {"content": "a"}, "message": {"role": "assistant", "content": "a" * (n + 1)}}
        tap.feed(chunk([{"index": 0, "finish_reason": None, **fields}]))
    tap.feed(chunk([{"index": 0, "finish_reason": "stop", "delta": {}, "message": {"content": "aaa"}}]))
    assert tap.output_text == 3
    tap = chat_tap()
    tap.feed(chunk([{"index": 0, "finish_reason": None, "delta": {}, "message": {"content": "aaa"}}]))
    assert not tap.content
    tap.feed(chunk([{"index": 0, "finish_reason": "stop", "message": {"content": "aaa"}}]))
    assert tap.content, "where there is no delta, the message speaks"


def test_nothing_behind_the_end_is_let_go_before_it() -> None:
    tap = CLAUDE.tap(strip_usage=False)
    body = STREAMS["anthropic-messages"]
    out = tap.feed(body)
    piece = named("content_block_delta", index=0, delta={"type": "text_delta", "text": "more"})
    assert tap.ended
    assert tap.feed(piece) == b""
    assert out + tap.tail == body + piece


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.custom_tool_call_input.delta", "delta": "*** Begin Patch"},
        {"type": "response.code_interpreter_call_code.delta", "delta": "print("},
        {"type": "response.mcp_call_arguments.delta", "delta": '{"a'},
        {"type": "response.image_generation_call.partial_image", "partial_image_b64": "AAAA", "partial_image_index": 0},
        {"type": "response.output_item.added", "item": {"type": "custom_tool_call", "name": "apply_patch"}},
        {"type": "response.output_item.done", "item": {"type": "custom_tool_call", "name": "f", "input": "x"}},
    ],
    ids=lambda event: f"{event['type']}",
)
def test_whatever_responses_says_first_goes_out_at_once(event: dict[str, Any]) -> None:
    tap = CLIENT_FORMATS["openai-responses"].tap(strip_usage=False)
    tap.feed(named("response.created", response={"id": "r", "object": "response"}))
    assert not tap.content
    tap.feed(named(event["type"], **{key: value for key, value in event.items() if key != "type"}))
    assert tap.content


def test_a_custom_call_that_comes_with_the_end_only_is_content_and_a_call() -> None:
    tap = CLIENT_FORMATS["openai-responses"].tap(strip_usage=False)
    output = [{"type": "custom_tool_call", "name": "f", "call_id": "c", "input": "x"}]
    tap.feed(named("response.completed", response={"id": "r", "status": "completed", "output": output}))
    assert (tap.content, tap.finish) == (True, FinishReason.TOOL_CALLS)


def test_what_a_long_stream_said_is_the_same_in_any_pieces() -> None:
    """Only its beginning is kept, and that ends with the same event however the bytes came."""
    events = [
        b'data: {"choices":[{"index":0,"delta":{"content":"word%d "},"finish_reason":null}]}\n\n' % number
        for number in range(400)
    ]
    body = b"".join(events)
    told = set()
    for pieces in ([body], events, [body[at : at + 1000] for at in range(0, len(body), 1000)]):
        tap = CLIENT_FORMATS["openai-chat"].tap(strip_usage=False)
        assert b"".join(tap.feed(piece) for piece in pieces) == body
        told.add((tap.said, tap.output_text))
    ((said, characters),) = told
    assert said.startswith("word0 word1 ")
    assert len(said) < characters == pytest.approx(sum(len(f"word{number} ") for number in range(400)), rel=0.15)
