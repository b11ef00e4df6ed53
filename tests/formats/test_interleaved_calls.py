"""Calls whose parts do not come one after the other: text, logprobs or another call in between."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.chat import Event, Finished, FinishReason, Started, TextDelta, ToolCallDelta, ToolCallStart
from app.formats.arguments import Arguments
from app.formats.base import Peek
from app.formats.registry import CLIENT_FORMATS, FORMATS
from app.formats.sse import SSEReader
from tests.formats.meaning import full, read_events
from tests.formats.samples import DONE, chunk, delta, named
from tests.formats.test_recorded_answers import decoded, encoded

CHAT, CLAUDE = CLIENT_FORMATS["openai-chat"], CLIENT_FORMATS["anthropic-messages"]
ARGUMENTS = '{"city":"Rome"}'
LOGPROBS = {"content": [{"token": "{", "logprob": -0.1, "bytes": [123], "top_logprobs": []}], "refusal": None}

every_client = pytest.mark.parametrize("client", CLIENT_FORMATS)


def call(arguments: str = "", *, index: int | None = 0, **fields: Any) -> dict[str, Any]:
    name = {"name": fields.pop("name")} if "name" in fields else {}
    place = {} if index is None else {"index": index}
    return {**place, **fields, "function": name | {"arguments": arguments}}


def calls_of(body: bytes) -> list[Any]:
    found: list[Any] = full(read_events(decoded(CHAT, body)))["calls"]
    return found


def through(client: str, body: bytes) -> dict[str, Any]:
    """What a client of this format reads of a stream of chat completion chunks."""
    wire = CLIENT_FORMATS[client]
    return full(read_events(decoded(wire, encoded(wire, decoded(CHAT, body)))))


def frames(*events: Event) -> list[dict[str, Any]]:
    """What Anthropic's clients get."""
    encoder = CLAUDE.encoder(Peek(model="m", stream=True))
    body = b"".join(encoder.encode(event) for event in events) + encoder.end()
    return [json.loads(frame.data) for frame in SSEReader().feed(body)]


def blocks(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Kind and content of each block; fails where one is not started, filled and stopped in its turn."""
    done: list[tuple[str, str]] = []
    open_block: list[str] | None = None
    for value in found:
        match value["type"]:
            case "content_block_start":
                assert open_block is None
                assert value["index"] == len(done)
                open_block = [value["content_block"]["type"]]
            case "content_block_delta":
                assert open_block is not None
                assert value["index"] == len(done)
                open_block += [text for key, text in value["delta"].items() if key in ("text", "partial_json")]
            case "content_block_stop":
                assert open_block is not None
                assert value["index"] == len(done)
                done.append((open_block[0], "".join(open_block[1:])))
                open_block = None
    assert open_block is None
    return done


@every_client
def test_text_between_a_call_and_its_arguments_loses_neither(client: str) -> None:
    body = (
        delta(tool_calls=[call(id="call_1", type="function", name="weather")])
        + delta(content="\n")
        + delta(tool_calls=[call('{"city":')])
        + delta(content="Look: ")
        + delta(tool_calls=[call('"Rome"}')])
        + delta("tool_calls")
        + DONE
    )
    found = through(client, body)
    assert found["calls"] == [("call_1", "weather", {"city": "Rome"})]
    assert found["text"] == "\nLook: "
    assert found["finish"] is FinishReason.TOOL_CALLS


@every_client
def test_logprobs_beside_a_call_do_not_come_between_it_and_its_arguments(client: str) -> None:
    def scored(*calls: dict[str, Any]) -> bytes:
        return chunk([{"index": 0, "delta": {"tool_calls": list(calls)}, "logprobs": LOGPROBS}])

    body = scored(call(id="call_1", type="function", name="weather"))
    body += scored(call('{"city":')) + scored(call('"Rome"}')) + delta("tool_calls") + DONE
    assert not any(isinstance(event, TextDelta) for event in decoded(CHAT, body))
    assert through(client, body)["calls"] == [("call_1", "weather", {"city": "Rome"})]


@every_client
def test_the_arguments_of_parallel_calls_may_come_interleaved(client: str) -> None:
    body = (
        delta(tool_calls=[call(id="call_1", name="a")])
        + delta(tool_calls=[call(id="call_2", name="b", index=1)])
        + delta(tool_calls=[call('{"x":'), call('{"y":', index=1)])
        + delta(tool_calls=[call("[2]}", index=1), call("[1]}")])
        + delta(content="Both.")
        + delta("tool_calls")
        + DONE
    )
    found = through(client, body)
    assert found["calls"] == [("call_1", "a", {"x": [1]}), ("call_2", "b", {"y": [2]})]
    assert found["text"] == "Both."


def test_anthropics_blocks_come_one_at_a_time_and_in_order() -> None:
    found = frames(
        Started("m", "x"),
        ToolCallStart(0, "c0", "a"),
        ToolCallStart(1, "c1", "b"),
        ToolCallStart(2, "c2", "c"),
        TextDelta("So."),
        ToolCallDelta(2, '{"z":1}'),
        ToolCallDelta(1, '{"y":'),
        ToolCallDelta(0, '{"x":"}"'),
        ToolCallDelta(0, "}"),
        ToolCallDelta(1, "1}"),
        TextDelta(" Done."),
        Finished(FinishReason.TOOL_CALLS),
    )
    assert blocks(found) == [
        ("tool_use", '{"x":"}"}'),
        ("tool_use", '{"y":1}'),
        ("tool_use", '{"z":1}'),
        ("text", "So. Done."),
    ]


def test_a_call_that_is_never_whole_holds_nothing_back_for_ever() -> None:
    found = frames(
        ToolCallStart(0, "c0", "a"),
        TextDelta("So."),
        ToolCallStart(1, "c1", "b"),
        ToolCallDelta(1, '{"y":1}'),
        ToolCallDelta(0, '{"x":'),
    )
    assert blocks(found) == [("tool_use", '{"x":'), ("text", "So."), ("tool_use", '{"y":1}')]


def test_the_arguments_of_the_open_call_go_out_as_they_come() -> None:
    encoder = CLAUDE.encoder(Peek(model="m", stream=True))
    encoder.encode(ToolCallStart(0, "c0", "a"))
    assert b'{\\"x\\":' in encoder.encode(ToolCallDelta(0, '{"x":'))
    assert encoder.encode(ToolCallStart(1, "c1", "b")) == b""
    assert encoder.encode(ToolCallDelta(1, '{"y":')) == b""
    out = encoder.encode(ToolCallDelta(0, "1}"))
    assert out.index(b"1}") < out.index(b"content_block_stop") < out.index(b'"b"') < out.index(b'{\\"y\\":')
    assert b"1}" in encoder.encode(ToolCallDelta(1, "1}"))
    assert b"content_block_start" in encoder.encode(TextDelta("So."))


@pytest.mark.parametrize("call_id", [{}, {"id": ""}, {"id": None}], ids=["no id", "empty id", "null id"])
@pytest.mark.parametrize("together", [True, False], ids=["one chunk", "two chunks"])
@pytest.mark.parametrize(("second", "arguments"), [("b", '{"y":2}'), ("a", '{"x":1}')])
def test_calls_of_one_number_without_ids_stay_apart(
    call_id: dict[str, Any], together: bool, second: str, arguments: str
) -> None:
    calls = [call('{"x":1}', name="a", **call_id), call(arguments, name=second, **call_id)]
    chunks = [calls] if together else [[calls[0]], [calls[1]]]
    body = b"".join(delta(tool_calls=each) for each in chunks) + delta("tool_calls") + DONE
    found = calls_of(body)
    assert [(name, value) for _, name, value in found] == [("a", {"x": 1}), (second, json.loads(arguments))]
    assert len({made for made, _, _ in found}) == 2


def test_a_name_in_every_chunk_is_still_one_call() -> None:
    pieces = ["", '{"x":', "1}", "", " "]
    body = b"".join(delta(tool_calls=[call(piece, name="a")]) for piece in pieces) + delta("tool_calls") + DONE
    assert [value for _, _, value in calls_of(body)] == [{"x": 1}]
    body = delta(tool_calls=[call(name="a")]) + delta(tool_calls=[call("{}", id="late", name="a")])
    assert len(calls_of(body + delta("tool_calls") + DONE)) == 1


def test_a_call_without_arguments_has_empty_ones_for_clients_of_openai() -> None:
    body = (
        named("message_start", message={"id": "m", "model": "x"})
        + named("content_block_start", index=0, content_block={"type": "tool_use", "id": "t", "name": "n", "input": {}})
        + named("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": ""})
        + named("content_block_stop", index=0)
        + named("message_delta", delta={"stop_reason": "tool_use"})
        + named("message_stop")
    )
    assert _arguments(decoded(FORMATS["anthropic-messages"], body)) == {0: "{}"}
    starts: list[Event] = [ToolCallStart(0, "c0", "a"), ToolCallStart(1, "c1", "b"), ToolCallStart(2, "c2", "c")]
    rest: list[Event] = [ToolCallDelta(1, ARGUMENTS), ToolCallDelta(2, " "), Finished(FinishReason.TOOL_CALLS)]
    assert _arguments(starts + rest) == {0: "{}", 1: ARGUMENTS, 2: " {}"}


def _arguments(events: list[Event]) -> dict[int, str]:
    """What a client of OpenAI's chat format puts together, by the number of the call."""
    found: dict[int, str] = {}
    finished = False
    for frame in SSEReader().feed(encoded(CHAT, events)):
        for choice in json.loads(frame.data)["choices"] if frame.data != b"[DONE]" else []:
            for each in choice["delta"].get("tool_calls", []):
                assert not finished
                found[each["index"]] = found.get(each["index"], "") + each["function"]["arguments"]
            finished = finished or choice["finish_reason"] is not None
    return found


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("{}", True),
        (' {"a":{"b":[1,"}"]}}', True),
        ('{"a":"\\"}"}', True),
        ('{"a":"\\\\"}\n', True),
        ('{"a":"\\"}', False),
        ('{"a":{}', False),
        ('{"a":"}"', False),
        ('"{}"', False),
        ("", False),
        ("null", False),
    ],
)
def test_arguments_are_whole_when_their_object_is_closed(text: str, whole: bool) -> None:
    for size in (1, 2, 100):
        arguments = Arguments()
        for start in range(0, len(text), size):
            assert not arguments.whole or not text[start:].strip()
            arguments.add(text[start : start + size])
        assert arguments.whole is whole
        assert arguments.text == text
