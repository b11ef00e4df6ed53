"""What Anthropic's SDK reads through AnyGPT is what it reads from the provider itself."""

from __future__ import annotations

from typing import Any

import anthropic
import pytest

from tests.recordings import Recording, each
from tests.sdk.conftest import MODEL, Sdks

FORMAT = "anthropic-messages"
PASSED = (400, 404, 413, 422, 429)
QUESTION: Any = [{"role": "user", "content": "Weather in Bern?"}]
TOOLS: Any = [{"name": "get_weather", "input_schema": {"type": "object"}}]


def ask(client: anthropic.Anthropic, recorded: Recording, model: str) -> list[Any]:
    """All that the SDK gives: the answer, or the events of a stream, or the error that it raises at the end."""
    asked = dict(recorded.request) if isinstance(recorded.request, dict) else {}
    messages = asked.pop("messages", None) or QUESTION
    stream = bool(asked.pop("stream", False)) or recorded.stream
    limit = asked.pop("max_tokens", 100)
    asked.pop("model", None)
    found: list[Any] = []
    try:
        answer: Any = client.messages.create(
            model=model, messages=messages, max_tokens=limit, stream=stream, extra_body=asked, timeout=20
        )
        if not stream:
            return [answer.model_dump()]
        found.extend(event.model_dump() for event in answer)
    except anthropic.APIError as error:
        found.append(error)
    return found


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # newer values than the SDK's types know
@each(dialect=FORMAT, ok=True)
def test_answers_read_the_same(recorded: Recording, sdks: Sdks) -> None:
    name = (recorded.request or {}).get("model") or "some-model"
    direct_url = sdks.play(FORMAT, recorded.name, model=name)
    with anthropic.Anthropic(api_key="sk-test", base_url=direct_url, max_retries=0) as direct:
        expected = ask(direct, recorded, name)
    got = ask(sdks.anthropic, recorded, MODEL)
    assert [type(piece) for piece in got] == [dict] * len(got)
    assert got == expected


@each(dialect=FORMAT, ok=False)
def test_errors_are_raised_the_same(recorded: Recording, sdks: Sdks) -> None:
    name = (recorded.request or {}).get("model") or "some-model"
    direct_url = sdks.play(FORMAT, recorded.name, model=name)
    with anthropic.Anthropic(api_key="sk-test", base_url=direct_url, max_retries=0) as direct:
        expected = ask(direct, recorded, name)[-1]
    got = ask(sdks.anthropic, recorded, MODEL)[-1]
    assert isinstance(expected, anthropic.APIStatusError)
    assert isinstance(got, anthropic.APIStatusError)
    if recorded.status in PASSED and got.status_code == recorded.status:
        assert type(got) is type(expected)
        if recorded.status != 429:
            assert got.body == expected.body
    else:
        assert got.status_code == 502, got
        assert isinstance(got, anthropic.InternalServerError)


@pytest.mark.parametrize("format", ["openai-chat", "anthropic-messages"])
def test_the_stream_helper_reads_text_and_tools_from_either_kind_of_provider(sdks: Sdks, format: str) -> None:
    family = format.partition("-")[0]
    sdks.play(format, f"{family}/chat")
    with sdks.anthropic.messages.stream(model=MODEL, messages=QUESTION, max_tokens=100) as stream:
        assert "".join(stream.text_stream) == "Grüße vom Muster 🦉."
        final = stream.get_final_message()
    assert (final.stop_reason, final.usage.output_tokens) == ("end_turn", 6)
    sdks.play(format, f"{family}/tools")
    with sdks.anthropic.messages.stream(model=MODEL, messages=QUESTION, max_tokens=100, tools=TOOLS) as stream:
        block: Any = stream.get_final_message().content[-1]
    assert (block.type, block.name, block.input) == ("tool_use", "get_weather", {"city": "Bern"})


async def test_the_asynchronous_client_reads_them_too(sdks: Sdks) -> None:
    sdks.play(FORMAT, "anthropic/chat")
    key, url = sdks.anthropic.api_key, sdks.anthropic.base_url
    async with anthropic.AsyncAnthropic(api_key=key, base_url=url, max_retries=0) as client:
        whole: Any = await client.messages.create(model=MODEL, messages=QUESTION, max_tokens=100)
        assert whole.content[0].text == "Grüße vom Muster 🦉."
        async with client.messages.stream(model=MODEL, messages=QUESTION, max_tokens=100) as stream:
            assert "".join([text async for text in stream.text_stream]) == "Grüße vom Muster 🦉."


def test_our_own_errors_are_typed(sdks: Sdks) -> None:
    client = sdks.anthropic
    with pytest.raises(anthropic.NotFoundError, match="nothing"):
        client.messages.create(model="nothing", messages=QUESTION, max_tokens=1)
    with pytest.raises(anthropic.AuthenticationError, match="not known"):
        other = client.with_options(api_key="gw_live_" + "x" * 43)
        other.messages.create(model=MODEL, messages=QUESTION, max_tokens=1)
    with pytest.raises(anthropic.BadRequestError, match="max_tokens"):
        client.messages.create(model=MODEL, messages=QUESTION, max_tokens=0)
