"""Anthropic's SDK with providers of every format: text, tools in a loop, schemas, pictures, whole and as streams."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import pydantic
import pytest

from tests.sdk.answers import FORMATS, Said, answer
from tests.sdk.conftest import MODEL, Sdks
from tests.sdk.scripted import ScriptedUpstream
from tests.sdk.test_translated_openai import PICTURE, TEXT, Weather, each_format, whole_and_stream

ASK: dict[str, Any] = {
    "model": MODEL,
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Weather in Bern?"}],
}


@pytest.fixture
def client(sdks: Sdks, script: ScriptedUpstream, format: str) -> anthropic.Anthropic:
    sdks.point(format, script.base_url(format))
    return sdks.anthropic


@each_format
@whole_and_stream
def test_messages_read_thoughts_text_and_usage(
    client: anthropic.Anthropic, script: ScriptedUpstream, format: str, stream: bool
) -> None:
    script.line_up(answer(format, Said(TEXT, thought="Look outside."), stream=stream))
    if stream:
        with client.messages.stream(**ASK) as events:
            assert "".join(events.text_stream) == TEXT
            message = events.get_final_message()
    else:
        message = client.messages.create(**ASK)
    kinds: list[Any] = [(block.type, getattr(block, block.type)) for block in message.content]  # type: ignore[attr-defined]
    assert kinds == [("thinking", "Look outside."), ("text", TEXT)]
    assert (message.stop_reason, message.usage.input_tokens, message.usage.output_tokens) == ("end_turn", 9, 6)


@each_format
@whole_and_stream
def test_the_tool_runner_goes_on_after_its_tools(
    client: anthropic.Anthropic, script: ScriptedUpstream, format: str, stream: bool
) -> None:
    script.line_up(
        answer(format, Said(call=("get_weather", {"city": "Bern"})), stream=stream),
        answer(format, Said(TEXT), stream=stream),
    )

    @anthropic.beta_tool
    def get_weather(city: str) -> str:
        """The weather in a city.

        Args:
            city: Its name.
        """
        return f"17 degrees in {city}"

    runner: Any = client.beta.messages.tool_runner(**ASK, tools=[get_weather], stream=stream)
    if stream:
        messages = [events.get_final_message() for events in runner]
    else:
        messages = list(runner)
    assert [message.stop_reason for message in messages] == ["tool_use", "end_turn"]
    assert messages[-1].content[0].text == TEXT
    assert "17 degrees in Bern" in json.dumps(script.seen[1])
    if format != "anthropic-messages":  # whose provider may keep the thread itself
        assert "Weather in Bern?" in json.dumps(script.seen[1])


@each_format
@whole_and_stream
def test_messages_are_parsed_by_a_schema(
    client: anthropic.Anthropic, script: ScriptedUpstream, format: str, stream: bool
) -> None:
    script.line_up(answer(format, Said('{"city": "Bern", "degrees": 17}'), stream=stream))
    if stream:
        with client.messages.stream(**ASK, output_format=Weather) as events:
            found = events.get_final_message().parsed_output
    else:
        found = client.messages.parse(**ASK, output_format=Weather).parsed_output
    assert found == Weather(city="Bern", degrees=17)
    assert isinstance(found, pydantic.BaseModel)
    assert "degrees" in json.dumps(script.seen[0]), "the provider is told the schema"


@each_format
def test_a_picture_arrives_at_the_provider(client: anthropic.Anthropic, script: ScriptedUpstream, format: str) -> None:
    script.line_up(answer(format, Said(TEXT), stream=False))
    source = {"type": "base64", "media_type": "image/png", "data": PICTURE}
    content: Any = [{"type": "image", "source": source}, {"type": "text", "text": "What is it?"}]
    message: Any = client.messages.create(**{**ASK, "messages": [{"role": "user", "content": content}]})
    assert message.content[0].text == TEXT
    assert PICTURE in json.dumps(script.seen[0])


@pytest.mark.parametrize("format", [name for name in FORMATS if name not in ("anthropic-messages", "gemini")])
def test_tokens_are_counted_where_the_provider_has_no_count(client: anthropic.Anthropic) -> None:
    assert client.messages.count_tokens(model=MODEL, messages=ASK["messages"]).input_tokens > 3


@each_format
async def test_the_asynchronous_client_reads_them_too(sdks: Sdks, script: ScriptedUpstream, format: str) -> None:
    sdks.point(format, script.base_url(format))
    script.line_up(answer(format, Said(TEXT), stream=True), answer(format, Said(TEXT), stream=False))
    async with sdks.async_anthropic() as client:
        async with client.messages.stream(**ASK) as stream:
            assert "".join([text async for text in stream.text_stream]) == TEXT
        whole: Any = await client.messages.create(**ASK)
        assert whole.content[0].text == TEXT
