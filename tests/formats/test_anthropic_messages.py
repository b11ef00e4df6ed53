"""Anthropic's format, read from it and written to it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.chat import File, FinishReason, Foreign, ForeignDelta, Image, Reasoning, Text
from app.core.errors import BadRequest, UnreadableAnswer, Unsupported
from app.formats.anthropic_messages.words import merge_usage, read_usage, write_usage
from app.formats.base import Peek
from app.formats.registry import CLIENT_FORMATS
from tests.formats.meaning import of_events
from tests.formats.samples import RESULTS, STREAMS, named, request
from tests.formats.test_recorded_answers import decoded, encoded

CHAT, CLAUDE, GEMINI = CLIENT_FORMATS["openai-chat"], CLIENT_FORMATS["anthropic-messages"], CLIENT_FORMATS["gemini"]


def said(model: str = "claude-sonnet-4-5", **changes: Any) -> dict[str, Any]:
    """An OpenAI client's question as Anthropic gets it."""
    call = CLAUDE.encode_request(CHAT.decode_request(request("openai-chat", **changes)), model)
    assert call.headers == {"anthropic-version": "2023-06-01"}
    assert call.path == "/messages"
    body: dict[str, Any] = json.loads(call.body)
    return body


def test_usage_counts_the_cache_into_the_input() -> None:
    usage = read_usage(
        {
            "input_tokens": 3,
            "cache_read_input_tokens": 100,
            "cache_creation_input_tokens": 50,
            "cache_creation": {"ephemeral_1h_input_tokens": 20, "ephemeral_5m_input_tokens": 30},
            "output_tokens": 9,
            "output_tokens_details": {"thinking_tokens": 4},
        }
    )
    assert usage is not None
    assert (usage.input, usage.output, usage.cache_read, usage.cache_write, usage.cache_write_1h) == (
        153,
        9,
        100,
        50,
        20,
    )
    assert usage.reasoning == 4
    assert read_usage(write_usage(usage)) == usage


def test_later_usage_replaces_and_what_it_leaves_out_stays() -> None:
    merged = merge_usage({"input_tokens": 10, "cache_read_input_tokens": 5}, {"output_tokens": 7, "input_tokens": None})
    usage = read_usage(merged)
    assert usage is not None
    assert (usage.input, usage.output) == (15, 7)


def test_compaction_is_billed_beside_the_totals() -> None:
    steps = [{"type": "compaction", "input_tokens": 100, "output_tokens": 10}, {"type": "message", "input_tokens": 5}]
    usage = read_usage({"input_tokens": 5, "output_tokens": 2, "iterations": steps})
    assert usage is not None
    assert (usage.input, usage.output) == (105, 12)


def test_a_default_for_max_tokens_is_sent() -> None:
    assert said(max_tokens=None)["max_tokens"] == 4096
    assert said(max_tokens=7)["max_tokens"] == 7
    assert said(max_tokens=0)["max_tokens"] == 0  # reads the prompt into the cache, and answers nothing


def test_system_prompts_are_gathered_and_neighbours_joined() -> None:
    body = said(
        messages=[
            {"role": "system", "content": "A"},
            {"role": "user", "content": "one"},
            {"role": "developer", "content": "B"},
            {"role": "user", "content": "two"},
            {"role": "assistant", "content": "three "},
        ]
    )
    assert body["system"] == [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]
    assert [(entry["role"], len(entry["content"])) for entry in body["messages"]] == [("user", 2), ("assistant", 1)]
    assert body["messages"][-1]["content"][0]["text"] == "three"


def test_parallel_results_come_first_in_one_message() -> None:
    calls = [{"id": f"functions.f:{n}", "type": "function", "function": {"name": "f", "arguments": ""}} for n in (0, 1)]
    body = said(
        messages=[
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "tool_call_id": "functions.f:0", "content": "a"},
            {"role": "tool", "tool_call_id": "functions.f:1", "content": "b"},
            {"role": "user", "content": "and?"},
        ]
    )
    used = [block["id"] for block in body["messages"][1]["content"]]
    last = body["messages"][2]["content"]
    assert [block["type"] for block in last] == ["tool_result", "tool_result", "text"]
    assert [block["tool_use_id"] for block in last[:2]] == used
    assert all(call_id.replace("_", "").replace("-", "").isalnum() for call_id in used)
    assert len(set(used)) == 2


@pytest.mark.parametrize(
    ("model", "change", "thinking", "effort"),
    [
        ("claude-sonnet-4-5-20250929", {"reasoning_effort": "low", "max_tokens": None}, 2048, None),
        ("claude-3-7-sonnet-latest", {"reasoning_effort": "high", "max_tokens": 5000}, 4000, None),
        ("claude-sonnet-4-5", {"reasoning_effort": "high", "max_tokens": 500}, None, None),
        ("claude-sonnet-4-5", {"reasoning_effort": "none"}, None, None),
        ("claude-opus-4-6", {"reasoning_effort": "medium"}, "adaptive", "medium"),
        ("claude-sonnet-5", {"reasoning_effort": "xhigh"}, "adaptive", "max"),
        ("claude-sonnet-5", {"reasoning_effort": "high", "tool_choice": "required"}, None, None),
    ],
)
def test_reasoning_is_asked_for_as_each_model_wants_it(
    model: str, change: dict[str, Any], thinking: Any, effort: str | None
) -> None:
    body = said(model, messages=[{"role": "user", "content": "hm"}], **change)
    found = body.get("thinking", {})
    assert found.get("budget_tokens") == (thinking if isinstance(thinking, int) else None)
    assert (found.get("type") == "adaptive") is (thinking == "adaptive")
    assert body.get("output_config", {}).get("effort") == effort
    assert not (found and "temperature" in body)


def test_a_schema_becomes_an_output_format_and_the_temperature_is_capped() -> None:
    schema = {"name": "a", "schema": {"type": "object"}, "strict": True}
    body = said(response_format={"type": "json_schema", "json_schema": schema}, temperature=1.8)
    assert body["output_config"]["format"] == {"type": "json_schema", "schema": {"type": "object"}}
    assert body["temperature"] == 1.0


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (
            {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}},
            {"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}},
        ),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QQ=="}},
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "QQ=="},
                "title": "a.pdf",
            },
        ),
        (
            {"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,aGk="}},
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": "hi"},
                "title": "a.txt",
            },
        ),
    ],
)
def test_media_are_said_in_anthropics_blocks(part: dict[str, Any], block: dict[str, Any]) -> None:
    body = said(messages=[{"role": "user", "content": [part]}])
    assert body["messages"][0]["content"] == [block]
    back = CLAUDE.decode_request(json.dumps(body).encode()).messages[0].parts[0]
    assert isinstance(back, Image | File)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "wav"}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "image_url", "image_url": {"url": "data:image/tiff;base64,QQ=="}},
        {"type": "video_url", "video_url": {"url": "https://x.test"}},
    ],
)
def test_media_it_does_not_take_are_refused(part: dict[str, Any]) -> None:
    with pytest.raises(Unsupported) as refused:
        said(messages=[{"role": "user", "content": [part]}])
    assert refused.value.field == "messages[0]"


def test_what_only_anthropic_knows_stays_in_the_family() -> None:
    block = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}}
    tool = {"type": "web_search_20250305", "name": "web_search"}
    body = request(
        "anthropic-messages", messages=[{"role": "assistant", "content": [block]}], tools=[tool], mcp_servers=[{"x": 1}]
    )
    asked = CLAUDE.decode_request(body)
    assert asked.messages[1].parts == [Foreign("anthropic", block)]
    same = json.loads(CLAUDE.encode_request(asked, "m").body)
    assert same["messages"][0]["content"] == [block]
    assert same["tools"] == [tool]
    assert same["mcp_servers"] == [{"x": 1}]
    for other in (CHAT, GEMINI):
        with pytest.raises(Unsupported):
            other.encode_request(asked, "m")


def test_blocks_only_anthropic_knows_come_through_a_stream_whole() -> None:
    body = (
        named("message_start", message={"id": "m", "model": "x", "usage": {"input_tokens": 1}})
        + named(
            "content_block_start",
            index=0,
            content_block={"type": "server_tool_use", "id": "s", "name": "w", "input": {}},
        )
        + named("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": '{"q":'})
        + named("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": "1}"})
        + named("content_block_stop", index=0)
        + named("content_block_start", index=1, content_block={"type": "compaction", "content": None})
        + named("content_block_delta", index=1, delta={"type": "compaction_delta", "content": "summary"})
        + named("content_block_stop", index=1)
        + named("content_block_start", index=2, content_block={"type": "redacted_thinking", "data": "dat"})
        + named("content_block_stop", index=2)
        + named("message_delta", delta={"stop_reason": "pause_turn"}, usage={"output_tokens": 3})
        + named("message_stop")
    )
    events = decoded(CLAUDE, body)
    foreign = [event.value for event in events if isinstance(event, ForeignDelta)]
    assert foreign == [
        {"type": "server_tool_use", "id": "s", "name": "w", "input": {"q": 1}},
        {"type": "compaction", "content": "summary"},
    ]
    meaning = of_events(events)
    assert (meaning["finish"], meaning["signatures"]) == (FinishReason.PAUSE, ["dat"])
    again = decoded(CLAUDE, encoded(CLAUDE, events))
    assert [event.value for event in again if isinstance(event, ForeignDelta)] == foreign


def test_a_stream_needs_its_marker_to_be_complete() -> None:
    body = STREAMS["anthropic-messages"].removesuffix(named("message_stop"))
    assert of_events(decoded(CLAUDE, body))["failed"]
    tap = CLAUDE.tap(strip_usage=False)
    tap.feed(body)
    tap.close()
    assert not tap.ended


def test_pings_and_unknown_events_are_passed_over() -> None:
    body = named("ping") + b": hi\n\n" + named("novelty", x=1) + STREAMS["anthropic-messages"]
    assert repr(decoded(CLAUDE, body)) == repr(decoded(CLAUDE, STREAMS["anthropic-messages"]))


def test_the_stop_sequence_is_told() -> None:
    body = json.loads(RESULTS["anthropic-messages"]) | {"stop_reason": "stop_sequence", "stop_sequence": "END"}
    result = CLAUDE.decode_result(json.dumps(body).encode())
    again = json.loads(CLAUDE.encode_result(result))
    assert (again["stop_reason"], again["stop_sequence"]) == ("stop_sequence", "END")


def test_an_answer_without_content_is_unreadable() -> None:
    for body in (b"{}", b"[]", b"<html>", b'{"content":"x"}'):
        with pytest.raises(UnreadableAnswer):
            CLAUDE.decode_result(body)


def test_interleaved_arguments_find_their_block() -> None:
    chat_stream = b"".join(
        b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}).encode() + b"\n\n"
        for call in (
            {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}},
            {"index": 1, "id": "b", "function": {"name": "g", "arguments": "{"}},
            {"index": 0, "function": {"arguments": "}"}},
            {"index": 1, "function": {"arguments": "}"}},
        )
    )
    events = decoded(CHAT, chat_stream + b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n')
    encoder = CLAUDE.encoder(Peek(model="m"))
    out = b"".join(encoder.encode(event) for event in events) + encoder.end()
    assert b'"index":0,"delta":{"type":"input_json_delta","partial_json":"}"}' in out


@pytest.mark.parametrize("reason", ["pause_turn", "compaction"])
def test_a_break_keeps_its_reason_in_a_translation_of_its_own_format(reason: str) -> None:
    body = named("message_start", message={"id": "msg_1", "model": "m", "usage": {"input_tokens": 1}})
    body += named("message_delta", delta={"stop_reason": reason}, usage={"output_tokens": 3}) + named("message_stop")
    assert f'"stop_reason":"{reason}"'.encode() in encoded(CLAUDE, decoded(CLAUDE, body))
    assert b'"length"' in encoded(CHAT, decoded(CLAUDE, body))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": [{"type": 5}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "messages[0].content[0].source"),
        ({"thinking": {"type": "deep"}}, "thinking.type"),
        ({"tool_choice": {"type": "maybe"}}, "tool_choice.type"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"system": 5}, "system"),
        ({"tools": [{}]}, "tools[0].name"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, Any], field: str) -> None:
    body = request("anthropic-messages", **change)
    with pytest.raises(BadRequest) as refused:
        (CLAUDE.peek(body), CLAUDE.decode_request(body))
    assert refused.value.field == field


def test_unsigned_reasoning_is_not_sent_back() -> None:
    for part in ({"type": "thinking", "thinking": "x", "signature": ""}, {"type": "thinking", "thinking": "x"}):
        messages = [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": [part, {"type": "text", "text": "b"}]},
        ]
        asked = CLAUDE.decode_request(request("anthropic-messages", messages=messages))
        assert isinstance(asked.messages[-1].parts[0], Reasoning)
        body = json.loads(CLAUDE.encode_request(asked, "m").body)
        assert body["messages"][1]["content"] == [{"type": "text", "text": "b"}]


def test_peek_looks_into_results_and_documents() -> None:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 100_000}}
    content = [{"type": "tool_result", "tool_use_id": "a", "content": [picture]}]
    found = CLAUDE.peek(request("anthropic-messages", messages=[{"role": "user", "content": content}]))
    assert found.needs == {"tools", "vision"}
    assert found.input_bytes < 6000
    document = {"type": "document", "source": {"type": "url", "url": "https://x.test"}}
    found = CLAUDE.peek(
        request("anthropic-messages", messages=[{"role": "user", "content": [document]}], thinking={"type": "adaptive"})
    )
    assert found.needs == {"tools", "files", "reasoning"}


def test_text_parts_keep_their_cache_marks_in_the_family() -> None:
    asked = CLAUDE.decode_request(request("anthropic-messages"))
    assert asked.messages[0].parts == [Text("Be brief.", {"type": "ephemeral"})]
    body = json.loads(CLAUDE.encode_request(asked, "m").body)
    assert body["system"] == [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
