"""Cohere's chat: what is asked of its second API."""

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

COHERE = FORMATS["cohere-chat"]
CALL = {"id": "weather_a", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}


@pytest.mark.parametrize("client", ["openai-chat", "anthropic-messages", "gemini"])
def test_every_clients_question_is_said_in_coheres_words(client: str) -> None:
    body = said("cohere-chat", asked_as(client))
    system, user, called, result = body["messages"]
    assert system == {"role": "system", "content": "Be brief."}
    assert user["content"][0] == {"type": "text", "text": "What is the weather there?"}
    assert user["content"][1]["image_url"]["url"] == f"data:image/png;base64,{PICTURE}"
    assert called["tool_calls"][0]["function"]["name"] == "weather"
    assert json.loads(called["tool_calls"][0]["function"]["arguments"]) == {"city": "Oslo"}
    assert (result["role"], result["tool_call_id"]) == ("tool", called["tool_calls"][0]["id"])
    assert "rain" in result["content"]
    assert body["tools"] == [TOOL]
    assert (body["model"], body["stream"], body["stop_sequences"]) == ("real", True, ["END"])
    assert (body["temperature"], body["p"], body["max_tokens"]) == (0.5, 0.9, 100)
    assert COHERE.encode_request(asked_as(client), "real").path == "/v2/chat"


def test_all_sampling_has_its_word() -> None:
    body = said("cohere-chat", asked(top_k=5, seed=7, frequency_penalty=0.1, presence_penalty=0.2, logprobs=True))
    assert (body["k"], body["seed"], body["frequency_penalty"], body["presence_penalty"]) == (5, 7, 0.1, 0.2)
    assert body["logprobs"] is True


def test_what_is_out_of_coheres_range_is_said_at_its_edge_and_named() -> None:
    question = asked(top_p=1.0, top_k=1000, frequency_penalty=-1, presence_penalty=2.0, seed=-1)
    body = said("cohere-chat", question)
    assert (body["p"], body["k"], body["frequency_penalty"], body["presence_penalty"]) == (0.99, 500, 0.0, 1.0)
    assert "seed" not in body
    named = [note.partition(":")[0] for note in notes("cohere-chat", question)]
    assert named == ["p", "k", "frequency_penalty", "presence_penalty", "seed"]


@pytest.mark.parametrize(
    ("wanted", "form"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, {"type": "json_object"}),
        (
            {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}},
            {"type": "json_object", "schema": SCHEMA},
        ),
    ],
)
def test_json_is_asked_for_by_response_format(wanted: Any, form: Any) -> None:
    assert said("cohere-chat", asked(response_format=wanted)).get("response_format") == form


@pytest.mark.parametrize(
    ("wish", "thinking", "exact"),
    [
        ({}, None, True),
        ({"reasoning_effort": "none"}, {"type": "disabled"}, True),
        ({"reasoning_effort": "low"}, {"type": "enabled", "token_budget": 1024}, False),
        ({"reasoning_effort": "xhigh"}, {"type": "enabled"}, False),
        ({"reasoning": {"max_tokens": 0}}, {"type": "disabled"}, True),
        ({"reasoning": {"max_tokens": -1}}, {"type": "enabled"}, True),
        ({"reasoning": {"max_tokens": 300}}, {"type": "enabled", "token_budget": 300}, True),
    ],
)
def test_reasoning_is_asked_for_by_its_budget(wish: Any, thinking: Any, exact: bool) -> None:
    question = asked(**wish)
    assert said("cohere-chat", question).get("thinking") == thinking
    assert (not notes("cohere-chat", question)) is exact


@pytest.mark.parametrize(
    ("choice", "word", "names", "noted"),
    [
        ("auto", None, ["weather", "now"], False),
        ("none", "NONE", ["weather", "now"], False),
        ("required", "REQUIRED", ["weather", "now"], False),
        ({"type": "function", "function": {"name": "now"}}, "REQUIRED", ["now"], True),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"name": "now"}]}},
            None,
            ["now"],
            True,
        ),
    ],
)
def test_every_tool_choice_is_said(choice: Any, word: str | None, names: list[str], noted: bool) -> None:
    question = asked(tools=[TOOL, NOW], tool_choice=choice)
    body = said("cohere-chat", question)
    assert body.get("tool_choice") == word
    assert [tool["function"]["name"] for tool in body["tools"]] == names
    assert bool(notes("cohere-chat", question)) is noted
    assert "tool_choice" not in said("cohere-chat", asked(tool_choice=choice))


def test_tools_are_held_to_their_schema_only_where_all_can_be() -> None:
    strict = {"type": "function", "function": TOOL["function"] | {"strict": True}}  # type: ignore[operator]
    assert said("cohere-chat", asked(tools=[strict]))["strict_tools"] is True
    assert notes("cohere-chat", asked(tools=[strict])) == []
    mixed = asked(tools=[strict, NOW])
    assert "strict_tools" not in said("cohere-chat", mixed)
    assert notes("cohere-chat", mixed)[0].startswith("tools.strict: left out")


def test_a_plain_thought_before_calls_goes_back_as_their_plan() -> None:
    message = {"role": "assistant", "content": "", "reasoning_content": "I will look.", "tool_calls": [CALL]}
    written = said("cohere-chat", asked(messages=[message]))["messages"][0]
    assert written["tool_plan"] == "I will look."
    assert "content" not in written
    assert "tool_plan" not in said("cohere-chat", asked_as("anthropic-messages"))["messages"][2]


def test_pictures_in_a_result_follow_all_results_of_the_message() -> None:
    image = {"type": "image", "source": {"type": "url", "url": "https://p.example/a.png"}}
    results = [
        {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "seen"}, image]},
        {"type": "tool_result", "tool_use_id": "b", "is_error": True, "content": "blind"},
    ]
    uses = [{"type": "tool_use", "id": name, "name": "look", "input": {}} for name in "ab"]
    messages = [{"role": "assistant", "content": uses}, {"role": "user", "content": results}]
    question = asked_as("anthropic-messages", messages=messages, system=None)
    written = said("cohere-chat", question)["messages"]
    assert [one["role"] for one in written] == ["assistant", "tool", "tool", "user"]
    assert [one["content"] for one in written[1:3]] == ["seen", "Error: blind"]
    assert written[3]["content"][1] == {"type": "image_url", "image_url": {"url": "https://p.example/a.png"}}
    assert any("pictures follow" in note for note in notes("cohere-chat", question))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"n": 2}, "n"),
        ({"stop": list("abcdef")}, "stop"),
        ({"logprobs": True, "top_logprobs": 2}, "top_logprobs"),
        ({"logit_bias": {"1": -100}}, "logit_bias"),
        ({"tools": [{"type": "web_search"}]}, "tools[0]"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "other"}}}, "tool_choice"),
        ({"messages": [{"role": "user", "content": [{"type": "video_url", "video_url": {}}]}]}, "messages[0]"),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AA"}}]}]},
            "messages[0]",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_data": "AAAA"}}]}]},
            "messages[0]",
        ),
        (
            {
                "messages": [
                    {"role": "system", "content": [{"type": "image_url", "image_url": {"url": "https://a.example"}}]}
                ]
            },
            "messages[0]",
        ),
    ],
)
def test_what_cannot_be_said_is_refused_and_named(change: Any, field: str) -> None:
    with pytest.raises(Unsupported) as refused:
        said("cohere-chat", asked(**change))
    assert refused.value.field == field
    assert refused.value.message.endswith(".")


def test_advice_that_stays_behind_is_named() -> None:
    question = asked(tools=[TOOL], user="u", service_tier="flex", parallel_tool_calls=False)
    named = [note.partition(":")[0] for note in notes("cohere-chat", question)]
    assert named == ["service_tier", "user", "parallel_tool_calls"]
    assert notes("cohere-chat", asked_as("openai-chat")) == []  # the picture's detail has its word


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_odd_question_brings_anything_but_our_errors(data: st.DataObject) -> None:
    for name in ("openai-chat", "anthropic-messages", "gemini"):
        body = json.dumps(twisted(REQUESTS[name], data)).encode()
        with contextlib.suppress(ClientError):
            COHERE.encode_request(CLIENT_FORMATS[name].decode_request(body, "m", True), "m")
