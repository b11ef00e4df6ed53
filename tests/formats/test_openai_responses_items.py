"""Streams of Responses whose events say too little, or the wrong thing, about the item that they belong to."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.chat import StreamFailed, TextDelta, ToolCallDelta, ToolCallStart, UsageReport
from app.formats.registry import FORMATS
from tests.formats.samples import named
from tests.formats.test_recorded_answers import decoded

RESPONSES = FORMATS["openai-responses"]
START = named("response.created", response={"id": "resp_1", "object": "response", "model": "m"})


def end(kind: str = "response.completed", **fields: Any) -> bytes:
    return named(kind, response={"id": "resp_1", "status": kind.partition(".")[2], "output": [], **fields})


def call(letter: str, arguments: str = "", **fields: Any) -> dict[str, Any]:
    return {"type": "function_call", "call_id": f"call_{letter}", "name": letter, "arguments": arguments, **fields}


def added(item: dict[str, Any], **fields: Any) -> bytes:
    return named("response.output_item.added", item=item, **fields)


def done(item: dict[str, Any], **fields: Any) -> bytes:
    return named("response.output_item.done", item=item, **fields)


def text(piece: str, **fields: Any) -> bytes:
    return named("response.output_text.delta", delta=piece, **fields)


def arguments(piece: str, **fields: Any) -> bytes:
    return named("response.function_call_arguments.delta", delta=piece, **fields)


def said(*events: bytes) -> tuple[str, dict[str, str]]:
    """All text, and each call's arguments by its id."""
    words, calls, ids = "", {}, {}
    for event in decoded(RESPONSES, START + b"".join(events) + end()):
        match event:
            case TextDelta():
                words += event.text
            case ToolCallStart():
                assert event.id not in calls, "a call starts once"
                ids[event.position], calls[event.id] = event.id, ""
            case ToolCallDelta():
                calls[ids[event.position]] += event.arguments
    return words, calls


MESSAGE: dict[str, Any] = {"type": "message", "role": "assistant", "content": []}
WHOLE = {**MESSAGE, "content": [{"type": "output_text", "text": "Hm."}]}
A, B = call("a", '{"x":1}'), call("b", '{"y":2}')
PLACES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "no index, ids": ({"item_id": "m"}, {"item_id": "fa"}, {"item_id": "fb"}),
    "no index, the call's id in place of the item's": ({"item_id": "m"}, {"item_id": "call_a"}, {"item_id": "call_b"}),
    "always the first place": tuple({"output_index": 0, "item_id": name} for name in ("m", "fa", "fb")),
    "places without ids": tuple({"output_index": place} for place in range(3)),
    "ids that differ in each event": tuple({"output_index": place, "item_id": f"?{place}"} for place in range(3)),
    "the same id for all": tuple({"output_index": place, "item_id": "same"} for place in range(3)),
    "nothing": ({}, {}, {}),
}


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("deltas", [True, False])
def test_each_item_gets_its_own(name: str, deltas: bool) -> None:
    at = PLACES[name]
    events: list[bytes] = []
    for place, whole, piece in ((at[0], WHOLE, text), (at[1], A, arguments), (at[2], B, arguments)):
        index = {key: value for key, value in place.items() if key == "output_index"}
        own = {} if name.endswith(("place of the item's", "each event")) else {"id": place.get("item_id", "")}
        empty = {**whole, "content": []} if whole is WHOLE else {**whole, "arguments": ""}
        events.append(added({**empty, **own}, **index))
        if deltas:
            full = "Hm." if whole is WHOLE else whole["arguments"]
            events += [piece(full[:2], **place), piece(full[2:], **place)]
        events.append(done({**whole, **own}, **index))
    assert said(*events) == ("Hm.", {"call_a": '{"x":1}', "call_b": '{"y":2}'})


def test_arguments_of_two_calls_in_turns_are_told_apart_by_their_ids() -> None:
    events = [added(call("a", id="fa")), added(call("b", id="fb"))]
    for piece_a, piece_b in (('{"x"', '{"y"'), (":1}", ":2}")):
        events += [arguments(piece_a, item_id="fa"), arguments(piece_b, item_id="fb")]
    events += [done({**A, "id": "fa"}), done({**B, "id": "fb"})]
    assert said(*events) == ("", {"call_a": '{"x":1}', "call_b": '{"y":2}'})


def test_an_item_that_is_said_to_be_done_twice_is_said_once() -> None:
    for place in ({"output_index": 0}, {}):
        events = [added(call("a", id="fa"), **place), *[done({**A, "id": "fa"}, **place)] * 2]
        assert said(*events) == ("", {"call_a": '{"x":1}'})
        message = {**WHOLE, "id": "m"}
        assert said(text("Hm.", item_id="m", **place), *[done(message, **place)] * 2) == ("Hm.", {})


def test_a_call_whose_beginning_is_missing_comes_whole() -> None:
    assert said(arguments('{"x"', output_index=0), done(A, output_index=0)) == ("", {"call_a": '{"x":1}'})
    assert said(done(A), done(B)) == ("", {"call_a": '{"x":1}', "call_b": '{"y":2}'})


def test_a_failed_answer_says_what_it_cost() -> None:
    usage = {"input_tokens": 9, "output_tokens": 6, "total_tokens": 15}
    error = {"code": "server_error", "message": "It broke."}
    events = decoded(RESPONSES, START + text("Hm.") + end("response.failed", error=error, usage=usage))
    report, failed = events[-2:]
    assert isinstance(report, UsageReport)
    assert (report.usage.input, report.usage.output) == (9, 6)
    assert isinstance(failed, StreamFailed)
    assert failed.error.message == "It broke."
