"""Ollama's native chat: what is asked."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.errors import ClientError, Unsupported
from app.formats.registry import CLIENT_FORMATS, FORMATS
from tests.formats.samples import PICTURE, REQUESTS, SCHEMA
from tests.formats.upstream import NOW, TOOL, asked, asked_as, notes, said, twisted

OLLAMA = FORMATS["ollama"]


@pytest.mark.parametrize("client", ["openai-chat", "anthropic-messages", "gemini"])
def test_every_clients_question_is_said_in_ollamas_words(client: str) -> None:
    body = said("ollama", asked_as(client))
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert body["messages"][1] == {"role": "user", "content": "What is the weather there?", "images": [PICTURE]}
    call, result = body["messages"][2], body["messages"][3]
    assert call["tool_calls"][0]["function"] == {"name": "weather", "arguments": {"city": "Oslo"}}
    assert (result["role"], result["tool_name"]) == ("tool", "weather")
    assert "rain" in result["content"]
    assert result["tool_call_id"] == call["tool_calls"][0]["id"]
    assert body["tools"] == [TOOL]
    assert (body["model"], body["stream"]) == ("real", True)
    assert body["options"] == {"temperature": 0.5, "top_p": 0.9, "num_predict": 100, "stop": ["END"]}
    assert OLLAMA.encode_request(asked_as(client), "real").path == "/api/chat"


def test_all_sampling_has_its_option() -> None:
    options = said(
        "ollama",
        asked(
            top_k=5, seed=7, frequency_penalty=0.1, presence_penalty=-0.2, repetition_penalty=1.1, min_p=0.05, stop="a"
        ),
    )["options"]
    assert options == {
        "top_k": 5,
        "seed": 7,
        "frequency_penalty": 0.1,
        "presence_penalty": -0.2,
        "repeat_penalty": 1.1,
        "min_p": 0.05,
        "stop": ["a"],
    }
    assert "options" not in said("ollama", asked())
    assert said("ollama", asked())["stream"] is False


@pytest.mark.parametrize(
    ("wanted", "form"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, "json"),
        ({"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}, SCHEMA),
        ({"type": "json_schema", "json_schema": {"name": "a"}}, "json"),
    ],
)
def test_json_is_asked_for_by_format(wanted: Any, form: Any) -> None:
    assert said("ollama", asked(response_format=wanted)).get("format") == form


@pytest.mark.parametrize(
    ("model", "wish", "think", "exact"),
    [
        ("qwen3:8b", {}, None, True),
        ("qwen3:8b", {"reasoning_effort": "none"}, False, True),
        ("qwen3:8b", {"reasoning_effort": "low"}, True, False),
        ("qwen3:8b", {"reasoning": {"max_tokens": 0}}, False, True),
        ("qwen3:8b", {"reasoning": {"max_tokens": -1}}, True, True),
        ("gpt-oss:20b", {"reasoning_effort": "low"}, "low", True),
        ("gpt-oss:20b", {"reasoning_effort": "xhigh"}, "high", False),
        ("gpt-oss:20b", {"reasoning_effort": "none"}, "low", False),
        ("user/gpt-oss", {"reasoning": {"max_tokens": 8000}}, "medium", False),
    ],
)
def test_reasoning_is_asked_for_as_far_as_the_model_lets(model: str, wish: Any, think: Any, exact: bool) -> None:
    question = asked(**wish)
    assert said("ollama", question, model).get("think") == think
    assert (not notes("ollama", question, model)) is exact


def test_tool_choice_is_said_where_it_can_be() -> None:
    tools = [TOOL, NOW]
    assert len(said("ollama", asked(tools=tools, tool_choice="auto"))["tools"]) == 2
    assert "tools" not in said("ollama", asked(tools=tools, tool_choice="none"))
    allowed = {
        "type": "allowed_tools",
        "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "name": "now"}]},
    }
    offered = said("ollama", asked(tools=tools, tool_choice=allowed))["tools"]
    assert [tool["function"]["name"] for tool in offered] == ["now"]
    assert notes("ollama", asked(tools=tools, parallel_tool_calls=False)) == [
        "parallel_tool_calls: left out; Ollama's format cannot limit calls to one at a time."
    ]


def test_pictures_in_a_result_follow_it_and_errors_are_named() -> None:
    question = asked_as(
        "anthropic-messages",
        messages=[
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "look", "input": {}}]},
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "t",
                        "is_error": True,
                        "content": [
                            {"type": "text", "text": "blurred"},
                            {
                                "type": "image",
                                "source": {"type": "base64", "media_type": "image/png", "data": PICTURE},
                            },
                        ],
                    }
                ],
            },
        ],
    )
    written = said("ollama", question)["messages"]
    assert [message["role"] for message in written] == ["system", "assistant", "tool", "user"]
    assert written[2]["content"] == "Error: blurred"
    assert written[3]["images"] == [PICTURE]
    assert any("pictures follow" in note for note in notes("ollama", question))


def test_thoughts_go_back_within_a_round_of_tools_only_and_never_with_a_signature() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "now", "arguments": "{}"}}
    thought = {"role": "assistant", "content": "", "reasoning_content": "Hm.", "tool_calls": [call]}
    assert said("ollama", asked(messages=[thought]))["messages"][0]["thinking"] == "Hm."
    plain = {"role": "assistant", "content": "Yes.", "reasoning_content": "Hm."}
    assert "thinking" not in said("ollama", asked(messages=[plain]))["messages"][0]
    assert "thinking" not in said("ollama", asked_as("anthropic-messages"))["messages"][2]


def test_arguments_that_are_no_object_are_kept_as_text() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "now", "arguments": "not json"}}
    written = said("ollama", asked(messages=[{"role": "assistant", "tool_calls": [call]}]))["messages"][0]
    assert written["tool_calls"][0]["function"]["arguments"] == {"arguments": "not json"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"n": 2}, "n"),
        ({"logit_bias": {"1": -100}}, "logit_bias"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"tools": [TOOL], "tool_choice": "required"}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "weather"}}}, "tool_choice"),
        ({"tools": [{"type": "web_search"}]}, "tools[0]"),
    ],
)
def test_what_cannot_be_said_is_refused_and_named(change: Any, field: str) -> None:
    with pytest.raises(Unsupported) as refused:
        said("ollama", asked(**change))
    assert refused.value.field == field
    assert refused.value.message.endswith(".")


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}},
    ],
)
def test_media_that_cannot_be_said_names_its_message(part: Any) -> None:
    with pytest.raises(Unsupported) as refused:
        said("ollama", asked(messages=[{"role": "user", "content": [part]}]))
    assert refused.value.field == "messages[0]"


def test_a_text_file_is_said_as_text() -> None:
    part = {"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,aGVsbG8="}}
    written = said("ollama", asked(messages=[{"role": "user", "content": [{"type": "text", "text": "Read:"}, part]}]))
    assert written["messages"][0]["content"] == "Read:\nhello"


def test_advice_that_stays_behind_is_named() -> None:
    strict = {"type": "function", "function": {"name": "a", "strict": True}}
    question = asked(tools=[strict], user="u", service_tier="flex")
    assert [note.partition(":")[0] for note in notes("ollama", question)] == ["service_tier", "user", "tools[0].strict"]
    names = [note.partition(":")[0] for note in notes("ollama", asked_as("openai-chat"))]
    assert names == ["detail"]
    assert "cache_control" in [note.partition(":")[0] for note in notes("ollama", asked_as("anthropic-messages"))]
    assert notes("ollama", asked()) == []


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_odd_question_brings_anything_but_our_errors(data: st.DataObject) -> None:
    for name in ("openai-chat", "anthropic-messages", "gemini"):
        body = json.dumps(twisted(REQUESTS[name], data)).encode()
        with contextlib.suppress(ClientError):
            OLLAMA.encode_request(CLIENT_FORMATS[name].decode_request(body, "m", True), "m")
