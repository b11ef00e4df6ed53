"""OpenAI's chat format as its many speakers write it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.chat import (
    Audio,
    Event,
    File,
    Finished,
    FinishReason,
    Image,
    Reasoning,
    ReasoningDelta,
    Refusal,
    RefusalDelta,
    Role,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStart,
    ToolResult,
)
from app.core.errors import BadRequest, ContentPolicy, UpstreamDown
from app.formats.base import Peek
from app.formats.openai_chat.words import read_usage, write_usage
from app.formats.registry import CLIENT_FORMATS
from tests.formats.meaning import of_events
from tests.formats.samples import DONE, USAGE, chunk, delta, request
from tests.formats.test_recorded_answers import decoded

CHAT = CLIENT_FORMATS["openai-chat"]


def message(**fields: Any) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", **fields}, "finish_reason": "stop"}
    return json.dumps({"id": "x", "model": "m", "choices": [choice]}).encode()


def parts(**fields: Any) -> list[Any]:
    return CHAT.decode_result(message(**fields)).choices[0].parts


def asked(*messages: dict[str, Any], **fields: Any) -> Any:
    return CHAT.decode_request(request("openai-chat", messages=list(messages), **fields))


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}, (10, 5, 0, 0)),
        # xAI leaves reasoning out of the completion
        (
            {
                "prompt_tokens": 165,
                "completion_tokens": 2,
                "total_tokens": 296,
                "completion_tokens_details": {"reasoning_tokens": 129},
            },
            (165, 131, 0, 129),
        ),
        # so does Gemini's OpenAI endpoint, without saying it
        ({"prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 109}, (35, 74, 0, 62)),
        # Mistral counts sound beside the prompt
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 201,
                "total_tokens": 585,
                "prompt_tokens_details": {"audio_tokens": 375},
            },
            (384, 201, 0, 0),
        ),
        ({"prompt_tokens": 9, "completion_tokens": 1, "prompt_cache_hit_tokens": 8}, (9, 1, 8, 0)),
        ({"prompt_tokens": 9, "completion_tokens": 1, "cached_tokens": 7}, (9, 1, 7, 0)),
        ({"prompt_tokens": None, "completion_tokens": -1}, (0, 0, 0, 0)),
    ],
)
def test_usage_is_normalised(usage: dict[str, Any], expected: tuple[int, ...]) -> None:
    found = read_usage(usage)
    assert found is not None
    assert (found.input, found.output, found.cache_read, found.reasoning) == expected
    assert read_usage(write_usage(found)) == found


@pytest.mark.parametrize("usage", [None, {}, [], "x", {"queue_time": 1}])
def test_no_usage_is_none_and_not_zero(usage: Any) -> None:
    assert read_usage(usage) is None


@pytest.mark.parametrize(
    ("usage", "nano"),
    [
        ({"cost": 0.0006095}, 609_500),
        ({"cost": "0.002187"}, 2_187_000),
        ({"cost": {"total_cost": 0.005}}, 5_000_000),
        ({"cost_in_usd_ticks": 739000}, 73_900),
        ({"cost": True}, None),
        ({"cost": -1}, None),
        ({}, None),
    ],
)
def test_what_a_provider_says_it_charged(usage: dict[str, Any], nano: int | None) -> None:
    found = read_usage(USAGE | usage)
    assert found is not None
    assert found.cost == nano


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"content": "hi"}, [Text("hi")]),
        ({"content": None, "refusal": "no"}, [Refusal("no")]),
        ({"content": "hi", "reasoning": "hm"}, [Reasoning("hm", family="openai"), Text("hi")]),
        ({"content": "hi", "reasoning_content": "hm"}, [Reasoning("hm", family="openai"), Text("hi")]),
        (
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                    {"type": "text", "text": "hi"},
                ]
            },
            [Reasoning("hm", family="openai"), Text("hi")],
        ),
        (
            {
                "reasoning": "hm",
                "reasoning_details": [
                    {"type": "reasoning.text", "text": "hm", "signature": "s", "format": "anthropic-claude-v1"},
                    {"type": "reasoning.encrypted", "data": "d", "format": "google-gemini-v1"},
                ],
            },
            [Reasoning("hm", "s", family="anthropic"), Reasoning(redacted="d", family="gemini")],
        ),
        (
            {"tool_calls": [{"id": "a", "function": {"name": "f", "arguments": {"x": 1}}}]},
            [ToolCall("a", "f", '{"x":1}')],
        ),
    ],
)
def test_an_answers_parts_in_every_spelling(fields: dict[str, Any], expected: list[Any]) -> None:
    assert parts(**fields) == expected


def test_an_error_in_a_200_is_an_error() -> None:
    with pytest.raises(ContentPolicy):
        CHAT.decode_result(b'{"error":{"message":"filtered","code":"content_filter","status":400}}')
    with pytest.raises(UpstreamDown) as failed:
        CHAT.result_usage(b'{"error":{"message":"upstream","code":502}}')
    assert failed.value.upstream_status == 502


def call(**fields: Any) -> bytes:
    return delta(tool_calls=[fields])


@pytest.mark.parametrize(
    "pieces",
    [
        # whole calls, one a chunk
        [
            call(index=0, id="a", type="function", function={"name": "f", "arguments": "{}"}),
            call(index=1, id="b", type="function", function={"name": "g", "arguments": "{}"}),
        ],
        # no index
        [
            call(id="a", function={"name": "f", "arguments": "{}"}),
            call(id="b", function={"name": "g", "arguments": "{}"}),
        ],
        # all numbered 0
        [
            call(index=0, id="a", function={"name": "f", "arguments": "{}"}),
            call(index=0, id="b", function={"name": "g", "arguments": "{}"}),
        ],
        # follow-ups with a null id, an empty one, a repeated type, a repeated id
        [
            call(index=0, id="a", type="function", function={"name": "f", "arguments": ""}),
            call(index=0, id=None, type="function", function={"arguments": "{"}),
            call(index=0, id="a", type="function", function={"name": None, "arguments": "}"}),
            call(index=1, id="b", type="function", function={"name": "g"}),
            call(index=1, id="", type="function", function={"name": "", "arguments": "{}"}),
        ],
        # both at once, interleaved afterwards
        [
            delta(
                tool_calls=[
                    {"index": 0, "id": "a", "function": {"name": "f"}},
                    {"index": 1, "id": "b", "function": {"name": "g"}},
                ]
            ),
            call(index=1, function={"arguments": "{"}),
            call(index=0, function={"arguments": "{}"}),
            call(index=1, function={"arguments": "}"}),
        ],
    ],
)
def test_streamed_calls_are_told_apart(pieces: list[bytes]) -> None:
    meaning = of_events(decoded(CHAT, b"".join(pieces) + delta("stop") + DONE))
    assert meaning["calls"] == [("a", "f", {}), ("b", "g", {})]
    assert meaning["finish"] is FinishReason.TOOL_CALLS


def test_a_call_without_an_id_gets_the_same_one_every_time() -> None:
    body = call(index=0, function={"name": "f", "arguments": "{}"}) + delta("tool_calls") + DONE
    first, second = decoded(CHAT, body), decoded(CHAT, body, 3)
    assert [event.id for event in first if isinstance(event, ToolCallStart)][0].startswith("call_")  # noqa: RUF015
    assert repr(first) == repr(second)


def test_azures_first_chunk_is_no_start() -> None:
    first = b'data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[]}\n\n'
    events = decoded(CHAT, first + delta(content="hi") + delta("stop") + DONE)
    assert repr(events[0]) == "Started(id='chatcmpl-1', model='small-1', created=1, usage=None)"


def test_a_stream_that_never_says_why_it_ended_ends_with_its_marker() -> None:
    events = decoded(CHAT, delta(content="hi") + DONE)
    assert Finished(FinishReason.STOP) in events
    assert not of_events(events)["failed"]
    assert of_events(decoded(CHAT, DONE))["failed"]


def test_a_provider_that_ignored_stream_is_understood() -> None:
    meaning = of_events(decoded(CHAT, message(content="hi", tool_calls=[{"id": "a", "function": {"name": "f"}}])))
    assert (meaning["text"], meaning["calls"], meaning["failed"]) == ("hi", [("a", "f", {})], False)


def test_several_choices_are_kept_apart() -> None:
    two = chunk([{"index": 0, "delta": {"content": "a"}}, {"index": 1, "delta": {"content": "b"}}])
    end = chunk(
        [{"index": 0, "delta": {}, "finish_reason": "stop"}, {"index": 1, "delta": {}, "finish_reason": "length"}]
    )
    events = decoded(CHAT, two + end + DONE)
    assert TextDelta("b", 1) in events
    encoder = CHAT.encoder(Peek(model="m"))
    out = b"".join(encoder.encode(event) for event in events) + encoder.end()
    assert repr(decoded(CHAT, out)[1:]) == repr(events[1:])


def test_usage_goes_out_only_if_it_was_asked_for() -> None:
    events = decoded(CHAT, delta(content="hi") + delta("stop") + chunk([], usage=USAGE) + DONE)
    for asked_for in (True, False):
        encoder = CHAT.encoder(Peek(model="m", include_usage=asked_for))
        out = b"".join(encoder.encode(event) for event in events) + encoder.end({"anygpt": {}})
        assert (b'"usage"' in out) is asked_for
        assert out.count(b'"anygpt"') == 1


def test_refusals_and_reasoning_are_streamed() -> None:
    events: list[Event] = [RefusalDelta("no"), ReasoningDelta("hm"), ToolCallStart(0, "a", "f"), ToolCallDelta(0, "{}")]
    encoder = CHAT.encoder(Peek(model="m"))
    out = b"".join(encoder.encode(event) for event in events) + encoder.end()
    found = decoded(CHAT, out)
    assert [event for event in found if isinstance(event, RefusalDelta)] == [RefusalDelta("no")]
    assert of_events(found)["reasoning"] == "hm"


def test_every_kind_of_part_is_read() -> None:
    user = asked(
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "a"},
                {"type": "image_url", "image_url": {"url": "https://x.test/a.png", "detail": "high"}},
                {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,QQ=="}},
                {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "mp3"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QQ=="}},
                {"type": "file", "file": {"file_id": "file-1"}},
            ],
        }
    )
    assert user.messages[0].parts == [
        Text("a"),
        Image(url="https://x.test/a.png", detail="high"),
        Image(data="QQ==", media_type="image/jpeg"),
        Audio("QQ==", "audio/mp3"),
        File(data="QQ==", media_type="application/pdf", name="a.pdf"),
        File(file_id="file-1"),
    ]
    again = CHAT.decode_request(CHAT.encode_request(asked(json.loads(request("openai-chat"))["messages"][1]), "m").body)
    assert again.messages[0].parts[1] == Image(data="iVBORw0KGgo=", media_type="image/png", detail="low")


def test_results_know_their_calls_name() -> None:
    found = CHAT.decode_request(request("openai-chat"))
    assert found.messages[-1].role is Role.TOOL
    assert found.messages[-1].parts == [ToolResult("call_a", [Text("rain")], "weather")]


def test_legacy_functions_become_tools() -> None:
    found = asked(
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "1"},
        tools=None,
        tool_choice=None,
        functions=[{"name": "f"}],
        function_call={"name": "f"},
    )
    assert found.tools[0].name == "f"
    assert found.tool_choice.names == ["f"]
    assert found.messages[0].parts[0].id == found.messages[1].parts[0].call_id


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"temperature": "hot"}, "temperature"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"n": 0}, "n"),
        ({"model": ""}, "model"),
        ({"model": "a\nb"}, "model"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": ["x"]}, "messages[0]"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "smell"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"tool_choice": "maybe"}, "tool_choice"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"stop": 5}, "stop"),
        ({"stream": "yes"}, "stream"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, Any], field: str) -> None:
    body = request("openai-chat", **change)
    with pytest.raises(BadRequest) as refused:
        (CHAT.peek(body), CHAT.decode_request(body))
    assert refused.value.field == field
    assert json.loads(CHAT.encode_error(refused.value))["error"]["param"] == field


@pytest.mark.parametrize(
    ("change", "needs"),
    [
        ({"tools": None}, set()),
        ({"tools": []}, set()),
        ({"response_format": {"type": "json_object"}}, {"json", "tools"}),
        ({"response_format": {"type": "text"}}, {"tools"}),
        ({"reasoning_effort": "high"}, {"reasoning", "tools"}),
        ({"reasoning_effort": "none"}, {"tools"}),
        ({"messages": [{"role": "user", "content": "about \"image_url\" and \\\"file\\\""}]}, {"tools"}),
        ({"messages": [{"role": "user", "content": "image_url"}]}, {"tools"}),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "QQ"}}]}]},
            {"audio_in", "tools"},
        ),
        ({"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}]}, {"files", "tools"}),
    ],
)  # fmt: skip
def test_peek_sees_what_the_model_must_know(change: dict[str, Any], needs: set[str]) -> None:
    body = request("openai-chat", **({"messages": [{"role": "user", "content": "x"}]} | change))
    assert CHAT.peek(body).needs == needs


def test_peek_reads_limits_and_openrouters_extras() -> None:
    found = CHAT.peek(
        request("openai-chat", max_tokens=7, max_completion_tokens=50, n=2, models=["b"], provider={"only": ["x"]})
    )
    assert found.max_tokens == 100
    assert found.extensions == {"models": ["b"], "provider": {"only": ["x"]}}
    relayed = CHAT.relay_request(request("openai-chat", models=["b"], provider={}), "m", found, True)
    assert not {"models", "provider"} & set(json.loads(relayed.body))
