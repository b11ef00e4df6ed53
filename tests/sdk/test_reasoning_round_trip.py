"""A second turn gives back what the first one gave: thoughts and signatures reach their maker as it wrote them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.genai import types

from tests.sdk.answers import FORMATS, SIGNATURE, Said, answer
from tests.sdk.conftest import MODEL, Sdks
from tests.sdk.scripted import ScriptedUpstream

THOUGHT, CALL = "Look outside.", ("get_weather", {"city": "Bern"})
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
SIGNED = ["anthropic-messages", "gemini", "openai-responses"]
signed = pytest.mark.parametrize("format", SIGNED)
whole_and_stream = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@pytest.fixture
def lined_up(sdks: Sdks, script: ScriptedUpstream, format: str, stream: bool) -> ScriptedUpstream:
    """A provider that thinks and calls a function, and then says so."""
    sdks.point(format, script.base_url(format))
    script.line_up(answer(format, Said(thought=THOUGHT, call=CALL), stream=stream))
    script.line_up(answer(format, Said("17 degrees."), stream=stream))
    return script


def check(format: str, second: dict[str, Any], thought: str = THOUGHT) -> None:
    """The provider's own format, in the provider's own words."""
    match format:
        case "anthropic-messages":
            block = next(message for message in second["messages"] if message["role"] == "assistant")["content"][0]
            assert block == {"type": "thinking", "thinking": thought, "signature": SIGNATURE}
        case "gemini":
            said = [content for content in second["contents"] if content["role"] == "model"]
            (call,) = (part for content in said for part in content["parts"] if "functionCall" in part)
            assert (call["functionCall"]["name"], call["thoughtSignature"]) == (CALL[0], SIGNATURE)
        case "openai-responses":
            (item,) = (item for item in second["input"] if item.get("type") == "reasoning")
            assert item["encrypted_content"] == SIGNATURE
    assert "17" in json.dumps(second), "the result of the function"


@signed
@whole_and_stream
def test_openais_chat_gives_it_back(sdks: Sdks, lined_up: ScriptedUpstream, format: str, stream: bool) -> None:
    messages: list[Any] = [{"role": "user", "content": "Weather in Bern?"}]
    tools: Any = [{"type": "function", "function": {"name": CALL[0], "parameters": SCHEMA}}]

    def turn() -> Any:
        if not stream:
            return sdks.openai.chat.completions.create(model=MODEL, messages=messages, tools=tools).choices[0].message
        with sdks.openai.chat.completions.stream(model=MODEL, messages=messages, tools=tools) as events:
            return events.get_final_completion().choices[0].message

    first = turn()
    assert first.reasoning_content == THOUGHT
    given_back = {k: v for k, v in first.to_dict().items() if k != "parsed"}
    messages += [given_back, {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "17"}]
    assert turn().content == "17 degrees."
    check(format, lined_up.seen[1])


@signed
@whole_and_stream
def test_openais_responses_give_it_back(sdks: Sdks, lined_up: ScriptedUpstream, format: str, stream: bool) -> None:
    items: list[Any] = [{"role": "user", "content": "Weather in Bern?"}]
    tools: Any = [{"type": "function", "name": CALL[0], "parameters": SCHEMA, "strict": False}]
    include: Any = ["reasoning.encrypted_content"]

    def turn() -> Any:
        asked = {"model": MODEL, "input": items, "tools": tools, "include": include, "store": False}
        if not stream:
            return sdks.openai.responses.create(**asked)
        with sdks.openai.responses.stream(**asked) as events:
            return events.get_final_response()

    first = turn()
    items += [item.to_dict() for item in first.output]
    items += [
        {"type": "function_call_output", "call_id": item.call_id, "output": "17"}
        for item in first.output
        if item.type == "function_call"
    ]
    assert turn().output_text == "17 degrees."
    check(format, lined_up.seen[1])


@signed
@whole_and_stream
def test_anthropics_messages_give_it_back(sdks: Sdks, lined_up: ScriptedUpstream, format: str, stream: bool) -> None:
    messages: list[Any] = [{"role": "user", "content": "Weather in Bern?"}]
    tools: Any = [{"name": CALL[0], "input_schema": SCHEMA}]

    def turn() -> Any:
        asked: dict[str, Any] = {"model": MODEL, "max_tokens": 5000, "messages": messages, "tools": tools}
        asked["thinking"] = {"type": "enabled", "budget_tokens": 2000}
        if not stream:
            return sdks.anthropic.messages.create(**asked)
        with sdks.anthropic.messages.stream(**asked) as events:
            return events.get_final_message()

    first = turn()
    call = next(block for block in first.content if block.type == "tool_use")
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "17"}
    messages += [{"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
    assert turn().content[0].text == "17 degrees."
    check(format, lined_up.seen[1])


@signed
@whole_and_stream
def test_googles_contents_give_it_back(sdks: Sdks, lined_up: ScriptedUpstream, format: str, stream: bool) -> None:
    def get_weather(city: str) -> str:
        """The weather in a city."""
        return "17"

    chat = sdks.google.chats.create(model=MODEL, config=types.GenerateContentConfig(tools=[get_weather]))
    if stream:
        text = "".join(piece.text or "" for piece in chat.send_message_stream("Weather in Bern?"))
    else:
        text = chat.send_message("Weather in Bern?").text or ""
    assert text == "17 degrees."
    # of a stream this SDK gives back the piece with the call alone; the signature stands for the thought
    check(format, lined_up.seen[1], "" if stream else THOUGHT)


@pytest.mark.parametrize("other", FORMATS)
@pytest.mark.parametrize(("format", "stream"), [("anthropic-messages", False)])
def test_a_signature_goes_to_no_other_maker(
    sdks: Sdks, lined_up: ScriptedUpstream, format: str, stream: bool, other: str
) -> None:
    """The first turn was answered by one provider, the second goes to another."""
    messages: list[Any] = [{"role": "user", "content": "Weather in Bern?"}]
    tools: Any = [{"name": CALL[0], "input_schema": SCHEMA}]
    ask: Any = sdks.anthropic.messages.create
    first = ask(model=MODEL, max_tokens=5000, messages=messages, tools=tools)
    call = next(block for block in first.content if block.type == "tool_use")
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "17"}
    messages += [{"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
    lined_up.clear()
    lined_up.line_up(answer(other, Said("17 degrees."), stream=False))
    sdks.point(other, lined_up.base_url(other))
    assert ask(model=MODEL, max_tokens=5000, messages=messages, tools=tools).content[0].text == "17 degrees."
    assert (SIGNATURE in json.dumps(lined_up.seen[0])) is (other == "anthropic-messages")
