"""Google's SDK with providers of every format: text, functions called by itself, schemas, pictures, streams."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from google import genai
from google.genai import types

from tests.sdk.answers import Said, answer
from tests.sdk.conftest import MODEL, Sdks
from tests.sdk.scripted import ScriptedUpstream
from tests.sdk.test_translated_openai import PICTURE, TEXT, Weather, each_format, whole_and_stream
from tests.upstream.samples import whole

QUESTION = "Weather in Bern?"


@pytest.fixture
def client(sdks: Sdks, script: ScriptedUpstream, format: str) -> genai.Client:
    sdks.point(format, script.base_url(format))
    return sdks.google


def pieces(client: genai.Client, stream: bool, **fields: Any) -> list[types.GenerateContentResponse]:
    asked = {"model": MODEL, "contents": QUESTION, **fields}
    if stream:
        return list(client.models.generate_content_stream(**asked))
    return [client.models.generate_content(**asked)]


@each_format
@whole_and_stream
def test_contents_read_thoughts_text_and_usage(
    client: genai.Client, script: ScriptedUpstream, format: str, stream: bool
) -> None:
    script.line_up(answer(format, Said(TEXT, thought="Look outside."), stream=stream))
    found = pieces(client, stream)
    parts: list[Any] = [part for piece in found for part in piece.parts or []]
    assert "".join(part.text or "" for part in parts if part.thought) == "Look outside."
    assert "".join(part.text or "" for part in parts if not part.thought) == TEXT
    last: Any = found[-1]
    assert last.candidates[0].finish_reason == types.FinishReason.STOP
    usage = last.usage_metadata
    assert (usage.prompt_token_count, usage.candidates_token_count, usage.total_token_count) == (9, 6, 15)


@each_format
@whole_and_stream
def test_functions_are_called_by_the_sdk_itself(
    client: genai.Client, script: ScriptedUpstream, format: str, stream: bool
) -> None:
    script.line_up(
        answer(format, Said(call=("get_weather", {"city": "Bern"})), stream=stream),
        answer(format, Said(TEXT), stream=stream),
    )
    asked: list[str] = []

    def get_weather(city: str) -> str:
        """The weather in a city."""
        asked.append(city)
        return "17 degrees"

    found = pieces(client, stream, config=types.GenerateContentConfig(tools=[get_weather]))
    text = [part.text or "" for piece in found for part in piece.parts or []]
    assert "".join(text) == TEXT
    assert asked == ["Bern"]
    assert "17 degrees" in json.dumps(script.seen[1])


@each_format
def test_contents_are_parsed_by_a_schema(client: genai.Client, script: ScriptedUpstream, format: str) -> None:
    script.line_up(answer(format, Said('{"city": "Bern", "degrees": 17}'), stream=False))
    config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Weather)
    (found,) = pieces(client, False, config=config)
    assert found.parsed == Weather(city="Bern", degrees=17)
    assert "degrees" in json.dumps(script.seen[0]), "the provider is told the schema"


@each_format
def test_a_picture_arrives_at_the_provider(client: genai.Client, script: ScriptedUpstream, format: str) -> None:
    script.line_up(answer(format, Said(TEXT), stream=False))
    picture = types.Part.from_bytes(data=base64.b64decode(PICTURE), mime_type="image/png")
    (found,) = pieces(client, False, contents=["What is it?", picture])
    assert found.text == TEXT
    assert PICTURE in json.dumps(script.seen[0])


@each_format
async def test_the_asynchronous_client_reads_them_too(
    client: genai.Client, script: ScriptedUpstream, format: str
) -> None:
    script.line_up(answer(format, Said(TEXT), stream=True), answer(format, Said(TEXT), stream=False))
    stream = await client.aio.models.generate_content_stream(model=MODEL, contents=QUESTION)
    assert "".join([piece.text or "" async for piece in stream]) == TEXT
    assert (await client.aio.models.generate_content(model=MODEL, contents=QUESTION)).text == TEXT


def test_vectors_of_a_provider_of_openais_format(sdks: Sdks, script: ScriptedUpstream) -> None:
    sdks.point("openai-chat", script.base_url("openai-chat"))
    vectors = [{"object": "embedding", "index": number, "embedding": [0.5, -number]} for number in range(2)]
    usage = {"prompt_tokens": 4, "total_tokens": 4}
    script.line_up(whole({"object": "list", "model": "sample-model", "data": vectors, "usage": usage}))
    made = sdks.google.models.embed_content(model=MODEL, contents=["Hello.", "Goodbye."])
    assert [vector.values for vector in made.embeddings or []] == [[0.5, 0], [0.5, -1]]
