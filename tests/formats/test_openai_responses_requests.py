"""What clients of OpenAI's Responses ask, read and said again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.chat import (
    Audio,
    File,
    Foreign,
    Image,
    Message,
    Role,
    Text,
    Tool,
    ToolChoice,
    ToolResult,
)
from app.core.errors import BadRequest, Unsupported
from app.formats.registry import CLIENT_FORMATS
from tests.formats.samples import SCHEMA, SEALED, request

RESPONSES, CHAT = CLIENT_FORMATS["openai-responses"], CLIENT_FORMATS["openai-chat"]
CLAUDE, GEMINI = CLIENT_FORMATS["anthropic-messages"], CLIENT_FORMATS["gemini"]
OTHERS = pytest.mark.parametrize("other", [CHAT, CLAUDE, GEMINI], ids=lambda wire: wire.name)
SEARCH = {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "x"}}


def asked(**fields: Any) -> Any:
    return RESPONSES.decode_request(request("openai-responses", **fields))


def said(*items: dict[str, Any], **fields: Any) -> list[Message]:
    """The messages of a request with these items and no instructions."""
    messages: list[Message] = asked(input=list(items), instructions=None, **fields).messages
    return messages


def sent(question: Any, model: str = "gpt-4.1") -> dict[str, Any]:
    body: dict[str, Any] = json.loads(RESPONSES.encode_request(question, model).body)
    return body


def test_a_plain_string_is_a_message_of_the_user() -> None:
    question = asked(input="Hello", instructions="Be brief.")
    assert question.messages == [Message(Role.SYSTEM, [Text("Be brief.")]), Message(Role.USER, [Text("Hello")])]
    assert question.include_usage


def test_every_part_of_a_message_is_read() -> None:
    content = [
        {"type": "input_text", "text": "a"},
        {"type": "input_image", "image_url": "https://x.test/a.png", "detail": "high"},
        {"type": "input_image", "file_id": "file-1"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,QQ=="},
        {"type": "input_file", "file_url": "https://x.test/b.pdf"},
        {"type": "input_file", "file_id": "file-2"},
        {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "mp3"}},
    ]
    assert said({"role": "user", "content": content})[0].parts == [
        Text("a"),
        Image(url="https://x.test/a.png", detail="high"),
        Foreign("openai-responses", content[2]),
        File(data="QQ==", media_type="application/pdf", name="a.pdf"),
        File(url="https://x.test/b.pdf", media_type="application/pdf"),
        File(file_id="file-2"),
        Audio("QQ==", "audio/mp3"),
    ]
    again = sent(asked(input=[{"role": "user", "content": content}], instructions=None))["input"][0]["content"]
    assert again[1] == content[1]
    assert again[2:6] == content[2:6]
    assert again[6] == content[6]


def test_one_turn_of_the_assistant_is_one_message_with_all_its_calls() -> None:
    turn = [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": SEALED},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Let me look."}]},
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "b", "name": "g", "arguments": "{}"},
    ]
    results = [{"type": "function_call_output", "call_id": name, "output": "ok"} for name in ("a", "b")]
    messages = said({"role": "user", "content": "hi"}, *turn, *results)
    assert [message.role for message in messages] == [Role.USER, Role.ASSISTANT, Role.TOOL]
    body = json.loads(CHAT.encode_request(asked(input=[{"role": "user", "content": "hi"}, *turn, *results]), "m").body)
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "tool", "tool"]
    assert [call["id"] for call in body["messages"][2]["tool_calls"]] == ["a", "b"]
    assert messages[2].parts[1] == ToolResult("b", [Text("ok")], "g")


def test_two_messages_of_the_assistant_stay_two() -> None:
    messages = said({"role": "assistant", "content": "one"}, {"role": "assistant", "content": "two"})
    assert [message.parts for message in messages] == [[Text("one")], [Text("two")]]


def test_a_result_may_hold_pictures() -> None:
    output = [{"type": "input_text", "text": "see"}, {"type": "input_image", "image_url": "data:image/png;base64,QQ=="}]
    item = {"type": "function_call_output", "call_id": "a", "output": output}
    (message,) = said(item)
    assert message.parts == [ToolResult("a", [Text("see"), Image(data="QQ==", media_type="image/png")])]
    again = sent(asked(input=[item], instructions=None))["input"][0]
    assert again["output"] == [output[0], output[1] | {"detail": "auto"}]


@pytest.mark.parametrize(
    "item",
    [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": SEALED, "content": [], "status": None},
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}],
            "encrypted_content": SEALED,
        },
        {"id": "x", "type": "reasoning", "status": "completed", "content": [{"type": "reasoning_text", "text": "a"}]},
        {"type": "item_reference", "id": "msg_1"},
        {"id": "msg_1"},
        {"type": "custom_tool_call", "call_id": "c", "name": "sql", "input": "SELECT 1"},
        {"type": "custom_tool_call_output", "call_id": "c", "output": "1"},
        SEARCH,
    ],
    ids=lambda item: str(item.get("type")),
)
def test_an_item_of_this_format_alone_comes_back_as_it_came(item: dict[str, Any]) -> None:
    question = asked(input=[{"role": "user", "content": "hi"}, item], instructions=None)
    assert sent(question)["input"][1] == item
    if item.get("type") != "reasoning":
        for other in (CHAT, CLAUDE, GEMINI):
            with pytest.raises(Unsupported):
                other.encode_request(question, "m")


def test_the_bare_name_of_a_thought_goes_only_where_it_is_stored() -> None:
    items = [{"role": "user", "content": "hi"}, {"type": "reasoning", "id": "rs_1", "summary": []}]
    assert sent(asked(input=items, instructions=None, store=True))["input"] == items
    assert sent(asked(input=items, instructions=None))["input"] == items[:1]


def test_tools_of_this_format_alone_are_refused_by_all_others() -> None:
    for tool in ({"type": "web_search"}, {"type": "mcp", "server_label": "docs"}, {"type": "custom", "name": "sql"}):
        question = asked(tools=[tool], tool_choice="auto")
        assert question.tools == [Tool(question.tools[0].name, raw=tool, family="openai-responses")]
        assert sent(question)["tools"] == [tool]
        for other in (CHAT, CLAUDE, GEMINI):
            with pytest.raises(Unsupported) as refused:
                other.encode_request(question, "m")
            assert refused.value.field == "tools[0]"


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ({"type": "function", "name": "weather"}, ToolChoice("named", ["weather"])),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "weather"}]},
            ToolChoice("auto", ["weather"]),
        ),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "a"}, {"type": "x"}]},
            ToolChoice("named", ["a", "x"]),
        ),
        ({"type": "web_search_preview"}, ToolChoice("named", ["web_search_preview"])),
        ({"type": "mcp", "server_label": "docs"}, ToolChoice("named", ["docs"])),
        ({"type": "custom", "name": "sql"}, ToolChoice("named", ["sql"])),
    ],
)
def test_every_tool_choice_is_read_and_said_again(choice: Any, expected: ToolChoice) -> None:
    question = asked(tool_choice=choice)
    assert question.tool_choice == expected
    assert sent(question)["tool_choice"] == choice


def test_parallel_calls_are_a_part_of_the_choice() -> None:
    question = asked(tool_choice=None, parallel_tool_calls=False)
    assert question.tool_choice == ToolChoice("auto", parallel=False)
    assert sent(question)["parallel_tool_calls"] is False


def test_output_reasoning_and_verbosity_are_said_again() -> None:
    form = {"type": "json_schema", "name": "w", "schema": SCHEMA, "strict": True, "description": "d"}
    fields = {
        "text": {"format": form, "verbosity": "low"},
        "reasoning": {"effort": "high", "summary": "detailed"},
        "include": ["reasoning.encrypted_content", "message.output_text.logprobs"],
        "top_logprobs": 3,
        "service_tier": "flex",
        "store": True,
        "truncation": "auto",
        "metadata": {"a": "b"},
        "max_tool_calls": 3,
        "previous_response_id": "resp_0",
    }
    question = asked(**fields)
    assert question.output.schema == SCHEMA
    assert (question.reasoning.effort, question.reasoning.include) == ("high", True)
    assert (question.logprobs, question.top_logprobs) == (True, 3)
    body = sent(question)
    assert {key: body[key] for key in fields} == fields


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("previous_response_id", "resp_0"),
        ("conversation", "conv_1"),
        ("prompt", {"id": "pmpt_1"}),
        ("background", True),
    ],
)
@OTHERS
def test_what_is_stored_elsewhere_or_done_later_is_refused_by_others(other: Any, field: str, value: Any) -> None:
    with pytest.raises(Unsupported) as refused:
        other.encode_request(asked(**{field: value}), "m")
    assert refused.value.field == field


@OTHERS
def test_advice_stays_behind(other: Any) -> None:
    fields = {"store": False, "truncation": "auto", "prompt_cache_key": "k", "include": [], "background": False}
    body = other.encode_request(asked(**fields, service_tier="flex", safety_identifier="s"), "m").body
    assert not any(f'"{key}"'.encode() in body for key in [*fields, "safety_identifier", "service_tier"])


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": 5}, "input"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
    ],
)
def test_a_question_that_says_nothing_is_refused_at_once(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        RESPONSES.peek(request("openai-responses", **fields))
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"role": "user"}, "input[0].content"),
        ({"role": "robot", "content": "x"}, "input[0].role"),
        ({"content": "x"}, "input[0].type"),
        ({"type": "function_call", "name": "f"}, "input[0].call_id"),
        ({"type": "function_call_output", "call_id": "a"}, "input[0].output"),
        ({"role": "user", "content": [{"type": "input_image"}]}, "input[0].content[0].image_url"),
        ({"role": "user", "content": [{"type": "image_url"}]}, "input[0].content[0].type"),
    ],
)
def test_a_wrong_item_is_named_by_its_place(item: dict[str, Any], field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        said(item)
    assert refused.value.field == field


def test_peek_sees_what_a_model_must_be_able_to_do() -> None:
    content = [
        {"type": "input_file", "file_id": "x"},
        {"type": "input_audio", "input_audio": {"data": "A" * 90000, "format": "wav"}},
    ]
    seen = RESPONSES.peek(
        request(
            "openai-responses",
            input=[{"role": "user", "content": content}],
            tools=[{"type": "web_search"}],
            text={"format": {"type": "json_object"}},
            reasoning={"effort": "low"},
            previous_response_id="resp_0",
        )
    )
    assert seen.needs == {"files", "audio_in", "json", "reasoning"}
    assert seen.input_bytes < 2000
    assert seen.extensions == {"previous_response_id": "resp_0"}
    shot = {"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot", "image_url": "x"}}
    assert "vision" in RESPONSES.peek(request("openai-responses", input=[shot])).needs


def test_what_goes_on_needs_no_input_and_keeps_its_reference_when_relayed() -> None:
    body = b'{"model":"a","previous_response_id":"resp_0"}'
    call = RESPONSES.relay_request(body, "b", RESPONSES.peek(body), ask_usage=True)
    assert (call.path, call.body) == ("/responses", body.replace(b'"a"', b'"b"'))
    assert RESPONSES.decode_request(body).messages == []
