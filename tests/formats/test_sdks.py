"""What our encoders write, the official SDKs read."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from typing import Any

import anthropic
import openai
import pydantic
import pytest

from app.core.chat import ChatResult, Choice, FinishReason, Text
from app.core.errors import BadRequest, UpstreamDown
from app.formats.base import Peek, WireFormat
from app.formats.models import ModelRow, anthropic_list, openai_list
from app.formats.registry import CLIENT_FORMATS
from tests.formats.samples import RESULTS, STREAMS
from tests.formats.test_recorded_answers import decoded, encoded
from tests.recordings import needs_recordings, recordings

SOURCES = [CLIENT_FORMATS[name] for name in STREAMS]
CHAT, CLAUDE, GEMINI = CLIENT_FORMATS["openai-chat"], CLIENT_FORMATS["anthropic-messages"], CLIENT_FORMATS["gemini"]
RESPONSES = CLIENT_FORMATS["openai-responses"]
every_source = pytest.mark.parametrize("source", SOURCES, ids=[wire.name for wire in SOURCES])


def answering(sdk: Any, content: bytes, kind: str, status: int) -> Any:
    """The SDK's own kind of HTTP client (httpx, or httpx2 in later ones), answering by itself."""
    found = (base.__module__.partition(".")[0] for base in sdk.DefaultHttpxClient.__mro__)
    http = importlib.import_module(next(name for name in found if name.startswith("httpx")))

    def respond(_: object) -> Any:
        return http.Response(status, content=content, headers={"content-type": kind})

    return http.Client(transport=http.MockTransport(respond))


def openai_client(content: bytes, kind: str = "application/json", status: int = 200) -> openai.OpenAI:
    return openai.OpenAI(
        api_key="k", base_url="http://test/v1", max_retries=0, http_client=answering(openai, content, kind, status)
    )


def anthropic_client(content: bytes, kind: str = "application/json", status: int = 200) -> anthropic.Anthropic:
    return anthropic.Anthropic(
        api_key="k", base_url="http://test", max_retries=0, http_client=answering(anthropic, content, kind, status)
    )


@every_source
def test_openais_sdk_reads_a_whole_answer(source: WireFormat) -> None:
    body = CHAT.encode_result(source.decode_result(RESULTS[source.name]))
    answer = openai_client(body).chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
    message = answer.choices[0].message
    assert message.content == "It rains."
    assert message.tool_calls is not None
    assert json.loads(message.tool_calls[0].function.arguments) == {"city": "Oslo"}  # type: ignore[union-attr]
    assert answer.choices[0].finish_reason == "tool_calls"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (20, 9, 29)


@every_source
def test_openais_sdk_reads_a_stream(source: WireFormat) -> None:
    body = encoded(CHAT, decoded(source, STREAMS[source.name]))
    client = openai_client(body, "text/event-stream")
    with client.chat.completions.stream(model="m", messages=[{"role": "user", "content": "hi"}]) as stream:
        answer = stream.get_final_completion()
    message = answer.choices[0].message
    assert message.content == "It rains."
    assert message.tool_calls is not None
    assert json.loads(message.tool_calls[0].function.arguments) == {"city": "Oslo"}
    assert answer.usage is not None
    assert answer.usage.total_tokens == 29


@every_source
def test_openais_sdk_reads_a_whole_response(source: WireFormat) -> None:
    body = RESPONSES.encode_result(source.decode_result(RESULTS[source.name]))
    answer = openai_client(body).responses.create(model="m", input="hi")
    assert answer.output_text == "It rains."
    assert [item.type for item in answer.output][:3] == ["reasoning", "message", "function_call"]
    call = next(item for item in answer.output if item.type == "function_call")
    assert (call.name, json.loads(call.arguments)) == ("weather", {"city": "Oslo"})
    assert answer.status == "completed"
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens) == (20, 9, 29)


@every_source
def test_openais_sdk_puts_a_streamed_response_together(source: WireFormat) -> None:
    body = encoded(RESPONSES, decoded(source, STREAMS[source.name]))
    client = openai_client(body, "text/event-stream")
    with client.responses.stream(model="m", input="hi") as stream:
        kinds = [event.type for event in stream]
        answer = stream.get_final_response()
    assert answer.output_text == "It rains."
    assert [item.type for item in answer.output][:3] == ["reasoning", "message", "function_call"]
    assert answer.usage is not None
    assert answer.usage.total_tokens == 29
    assert kinds[:3] == ["response.created", "response.in_progress", "response.output_item.added"]
    assert kinds[-1] == "response.completed"


def test_openais_sdk_parses_a_response_by_its_schema() -> None:
    class Weather(pydantic.BaseModel):
        sky: str

    result = ChatResult(id="x", model="m", choices=[Choice(parts=[Text('{"sky":"grey"}')], finish=FinishReason.STOP)])
    answer = openai_client(RESPONSES.encode_result(result)).responses.parse(model="m", input="hi", text_format=Weather)
    assert answer.output_parsed == Weather(sky="grey")


@every_source
def test_anthropics_sdk_reads_a_whole_answer(source: WireFormat) -> None:
    body = CLAUDE.encode_result(source.decode_result(RESULTS[source.name]))
    answer = anthropic_client(body).messages.create(
        model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}]
    )
    kinds = [block.type for block in answer.content]
    assert kinds[:3] == ["thinking", "text", "tool_use"]
    assert answer.content[2].input == {"city": "Oslo"}  # type: ignore[union-attr]
    assert answer.stop_reason == "tool_use"
    cached = (answer.usage.cache_read_input_tokens or 0) + (answer.usage.cache_creation_input_tokens or 0)
    assert (answer.usage.input_tokens + cached, answer.usage.output_tokens) == (20, 9)


@every_source
def test_anthropics_sdk_reads_a_stream(source: WireFormat) -> None:
    body = encoded(CLAUDE, decoded(source, STREAMS[source.name]))
    client = anthropic_client(body, "text/event-stream")
    with client.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}]) as stream:
        answer = stream.get_final_message()
    assert [block.text for block in answer.content if block.type == "text"] == ["It rains."]
    assert [block.input for block in answer.content if block.type == "tool_use"] == [{"city": "Oslo"}]
    assert next(block.thinking for block in answer.content if block.type == "thinking") == "Look outside."
    assert answer.stop_reason == "tool_use"


@every_source
def test_googles_sdk_reads_answers_and_streams(source: WireFormat) -> None:
    types = pytest.importorskip("google.genai.types")
    body = GEMINI.encode_result(source.decode_result(RESULTS[source.name]))
    assert types.GenerateContentResponse.model_validate_json(body).text == "It rains."
    stream = encoded(GEMINI, decoded(source, STREAMS[source.name]))
    lines = [line.removeprefix(b"data: ") for line in stream.split(b"\n\n") if line]
    answers = [types.GenerateContentResponse.model_validate_json(line) for line in lines]
    calls = [call for answer in answers for call in answer.function_calls or []]
    assert [(call.name, call.args) for call in calls] == [("weather", {"city": "Oslo"})]
    assert answers[-1].usage_metadata.total_token_count == 29


def test_the_sdks_raise_what_our_errors_say() -> None:
    error = BadRequest("temperature: expected a number, got a string.", field="temperature")
    with pytest.raises(openai.BadRequestError) as theirs:
        openai_client(CHAT.encode_error(error), status=400).models.list()
    assert (theirs.value.param, theirs.value.code) == ("temperature", "bad_request")
    with pytest.raises(anthropic.BadRequestError, match="temperature"):
        anthropic_client(CLAUDE.encode_error(error), status=400).models.list()


def test_the_sdks_raise_an_error_inside_a_stream() -> None:
    error = UpstreamDown("The provider broke off.")
    asked = Peek(model="m", stream=True)
    body = STREAMS["openai-chat"][:800].rpartition(b"\n\n")[0] + b"\n\n" + CHAT.encoder(asked).fail(error)
    with pytest.raises(openai.APIError, match="broke off"):
        _drain(lambda: openai_client(body, "text/event-stream").chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hi"}], stream=True
        ))  # fmt: skip
    begun = encoded(RESPONSES, decoded(CHAT, STREAMS["openai-chat"])).partition(b"event: response.output_item.done")[0]
    body = begun + RESPONSES.encoder(asked).fail(error)
    with pytest.raises(openai.APIError, match="broke off"):
        _drain(lambda: openai_client(body, "text/event-stream").responses.create(model="m", input="hi", stream=True))
    body = STREAMS["anthropic-messages"][:800].rpartition(b"\n\n")[0] + b"\n\n" + CLAUDE.encoder(asked).fail(error)
    with pytest.raises(anthropic.APIStatusError, match="broke off"):
        _drain(lambda: anthropic_client(body, "text/event-stream").messages.create(
            model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}], stream=True
        ))  # fmt: skip


def test_the_sdks_read_lists_of_models() -> None:
    rows = [ModelRow(id="a/b", created=1760000000, owned_by="a", context_window=1000), ModelRow(id="c")]
    assert [model.id for model in openai_client(openai_list(rows)).models.list()] == ["a/b", "c"]
    assert [model.id for model in anthropic_client(anthropic_list(rows)).models.list()] == ["a/b", "c"]


@needs_recordings
def test_the_sdks_read_every_recorded_stream_in_the_other_format() -> None:
    assert recordings()
    for recorded in recordings(dialect="anthropic-messages", stream=True):
        body = encoded(CHAT, decoded(CLAUDE, recorded.body))
        chunks = openai_client(body, "text/event-stream").chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hi"}], stream=True
        )
        assert list(chunks)[-1].usage is not None, recorded.name
    for recorded in recordings(dialect="openai-chat", stream=True):
        if "error" in recorded.scenario:
            continue
        body = encoded(CLAUDE, decoded(CHAT, recorded.body))
        client = anthropic_client(body, "text/event-stream")
        with client.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}]) as stream:
            assert stream.get_final_message().stop_reason, recorded.name
        body = encoded(RESPONSES, decoded(CHAT, recorded.body))
        with openai_client(body, "text/event-stream").responses.stream(model="m", input="hi") as stream:
            assert list(stream)[-1].type in ("response.completed", "response.incomplete"), recorded.name


def _drain(start: Callable[[], object]) -> None:
    for _ in start():  # type: ignore[attr-defined]
        pass
