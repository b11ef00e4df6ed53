"""OpenAI's SDK with providers of every format: text, tools in a loop, schemas, pictures, whole and as streams."""

from __future__ import annotations

import base64
import json
from typing import Any

import openai
import pydantic
import pytest

from tests.sdk.answers import FORMATS, Said, answer
from tests.sdk.conftest import MODEL, Sdks
from tests.sdk.scripted import ScriptedUpstream
from tests.upstream.samples import data_events, whole

TEXT = "Grüße vom Muster 🦉."
QUESTION: Any = [{"role": "user", "content": "Weather in Bern?"}]
PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()
each_format = pytest.mark.parametrize("format", FORMATS)
whole_and_stream = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


class Weather(pydantic.BaseModel):
    city: str
    degrees: int


class GetWeather(pydantic.BaseModel):
    """The weather in a city."""

    city: str


@pytest.fixture
def client(sdks: Sdks, script: ScriptedUpstream, format: str) -> openai.OpenAI:
    sdks.point(format, script.base_url(format))
    return sdks.openai


def chat(client: openai.OpenAI, stream: bool, **fields: Any) -> Any:
    """The message, put together by the SDK where it comes in pieces."""
    if not stream:
        return client.chat.completions.parse(model=MODEL, **fields).choices[0].message
    with client.chat.completions.stream(model=MODEL, **fields) as events:
        return events.get_final_completion().choices[0].message


def respond(client: openai.OpenAI, stream: bool, **fields: Any) -> Any:
    if not stream:
        return client.responses.parse(model=MODEL, **fields)
    with client.responses.stream(model=MODEL, **fields) as events:
        return events.get_final_response()


@each_format
@whole_and_stream
def test_chats_read_text_and_usage(client: openai.OpenAI, script: ScriptedUpstream, format: str, stream: bool) -> None:
    script.line_up(answer(format, Said(TEXT), stream=stream))
    if not stream:
        whole = client.chat.completions.create(model=MODEL, messages=QUESTION)
    else:
        asked: Any = {"stream_options": {"include_usage": True}}
        with client.chat.completions.stream(model=MODEL, messages=QUESTION, **asked) as events:
            whole = events.get_final_completion()
    assert (whole.choices[0].message.content, whole.choices[0].finish_reason) == (TEXT, "stop")
    assert whole.usage is not None
    assert (whole.usage.prompt_tokens, whole.usage.completion_tokens, whole.usage.total_tokens) == (9, 6, 15)


@each_format
@whole_and_stream
def test_responses_read_text_and_usage(
    client: openai.OpenAI, script: ScriptedUpstream, format: str, stream: bool
) -> None:
    script.line_up(answer(format, Said(TEXT, thought="Look outside."), stream=stream))
    whole = respond(client, stream, input="Weather in Bern?")
    assert (whole.output_text, whole.status) == (TEXT, "completed")
    assert whole.output[0].type == "reasoning"
    assert (whole.usage.input_tokens, whole.usage.output_tokens, whole.usage.total_tokens) == (9, 6, 15)


@each_format
@whole_and_stream
def test_a_chat_goes_on_after_its_tools(
    client: openai.OpenAI, script: ScriptedUpstream, format: str, stream: bool
) -> None:
    script.line_up(
        answer(format, Said(call=("GetWeather", {"city": "Bern"})), stream=stream),
        answer(format, Said(TEXT), stream=stream),
    )
    tools: Any = [openai.pydantic_function_tool(GetWeather)]
    messages: list[Any] = [*QUESTION]
    while (message := chat(client, stream, messages=messages, tools=tools)).tool_calls:
        messages.append(message.to_dict())
        for call in message.tool_calls:
            assert call.function.parsed_arguments == GetWeather(city="Bern")
            messages.append({"role": "tool", "tool_call_id": call.id, "content": "17 degrees"})
    assert message.content == TEXT
    assert "17 degrees" in json.dumps(script.seen[1])
    assert len(script.seen) == 2


@each_format
@whole_and_stream
def test_a_response_goes_on_after_its_tools(
    client: openai.OpenAI, script: ScriptedUpstream, format: str, stream: bool
) -> None:
    script.line_up(
        answer(format, Said(call=("GetWeather", {"city": "Bern"})), stream=stream),
        answer(format, Said(TEXT), stream=stream),
    )
    tools: Any = [openai.pydantic_function_tool(GetWeather)["function"] | {"type": "function"}]
    items: list[Any] = [*QUESTION]
    while True:
        found = respond(client, stream, input=items, tools=tools)
        calls = [item for item in found.output if item.type == "function_call"]
        if not calls:
            break
        items += [item.to_dict() for item in found.output]
        for call in calls:
            assert json.loads(call.arguments) == {"city": "Bern"}
            items.append({"type": "function_call_output", "call_id": call.call_id, "output": "17 degrees"})
    assert found.output_text == TEXT
    assert "17 degrees" in json.dumps(script.seen[1])


@each_format
@whole_and_stream
def test_chats_and_responses_are_parsed_by_a_schema(
    client: openai.OpenAI, script: ScriptedUpstream, format: str, stream: bool
) -> None:
    said = answer(format, Said('{"city": "Bern", "degrees": 17}'), stream=stream)
    script.line_up(said, said)
    message = chat(client, stream, messages=QUESTION, response_format=Weather)
    assert message.parsed == Weather(city="Bern", degrees=17)
    found = respond(client, stream, input="Weather in Bern?", text_format=Weather)
    assert found.output_parsed == Weather(city="Bern", degrees=17)
    assert all("degrees" in json.dumps(seen) for seen in script.seen), "the provider is told the schema"


@each_format
def test_a_picture_arrives_at_the_provider(client: openai.OpenAI, script: ScriptedUpstream, format: str) -> None:
    said = answer(format, Said(TEXT), stream=False)
    script.line_up(said, said)
    url = f"data:image/png;base64,{PICTURE}"
    content: Any = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": url}}]
    assert chat(client, False, messages=[{"role": "user", "content": content}]).content == TEXT
    content = [{"type": "input_text", "text": "What is it?"}, {"type": "input_image", "image_url": url}]
    assert respond(client, False, input=[{"role": "user", "content": content}]).output_text == TEXT
    assert all(PICTURE in json.dumps(seen) for seen in script.seen)


@each_format
async def test_the_asynchronous_client_reads_them_too(sdks: Sdks, script: ScriptedUpstream, format: str) -> None:
    sdks.point(format, script.base_url(format))
    script.line_up(*[answer(format, Said(TEXT, thought="Hm."), stream=True)] * 2)
    script.line_up(answer(format, Said(TEXT), stream=False))
    async with sdks.async_openai() as client:
        async with client.chat.completions.stream(model=MODEL, messages=QUESTION) as events:
            assert (await events.get_final_completion()).choices[0].message.content == TEXT
        async with client.responses.stream(model=MODEL, input="Weather?") as found:
            assert (await found.get_final_response()).output_text == TEXT
        whole = await client.chat.completions.create(model=MODEL, messages=QUESTION)
        assert whole.choices[0].message.content == TEXT


def test_pictures_that_come_one_by_one_are_put_together(sdks: Sdks, script: ScriptedUpstream) -> None:
    """The SDK joins the lists of deltas by the `index` of their entries, which the other format does not have."""
    sdks.point("gemini", script.base_url("gemini"))
    part = {"inlineData": {"mimeType": "image/png", "data": PICTURE}}
    pieces = [{"candidates": [{"content": {"role": "model", "parts": [part]}, "index": 0}]} for _ in range(2)]
    end = {"candidates": [{"content": {"role": "model", "parts": [{"text": "."}]}, "index": 0, "finishReason": "STOP"}]}
    script.line_up(data_events(*pieces, end))
    with sdks.openai.chat.completions.stream(model=MODEL, messages=QUESTION) as events:
        message: Any = events.get_final_completion().choices[0].message
    assert [picture["image_url"]["url"] for picture in message.images] == [f"data:image/png;base64,{PICTURE}"] * 2


@pytest.mark.parametrize("format", ["gemini", "ollama", "cohere-chat"])
def test_vectors_are_read_as_the_sdk_asks_for_them(
    client: openai.OpenAI, script: ScriptedUpstream, format: str
) -> None:
    """In base64, unless it is told otherwise."""
    answers = {
        "gemini": {"embeddings": [{"values": [0.5, -1]}, {"values": [0.25, 2]}]},
        "ollama": {"embeddings": [[0.5, -1], [0.25, 2]], "prompt_eval_count": 3},
        "cohere-chat": {"embeddings": {"float": [[0.5, -1], [0.25, 2]]}},
    }
    script.line_up(*[whole(answers[format])] * 2)
    for encoding in (openai.omit, "float"):
        made = client.embeddings.create(model=MODEL, input=["Hello.", "Goodbye."], encoding_format=encoding)  # type: ignore[arg-type]
        assert [vector.embedding for vector in made.data] == [[0.5, -1], [0.25, 2]]
