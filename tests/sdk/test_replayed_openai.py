"""What OpenAI's SDK reads through AnyGPT is what it reads from the provider itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai
import pytest

from tests.recordings import Recording, each
from tests.sdk.conftest import MODEL, Sdks

FORMAT = "openai-chat"
PASSED = (400, 404, 413, 422, 429)


def ask(client: openai.OpenAI, recorded: Recording, model: str) -> list[Any]:
    """All that the SDK gives: the answer, or the pieces of a stream, or the error that it raises at the end."""
    asked = dict(recorded.request) if isinstance(recorded.request, dict) else {}
    messages = asked.pop("messages", None) or [{"role": "user", "content": "Hello."}]
    stream = bool(asked.pop("stream", False)) or recorded.stream
    asked.pop("model", None)
    found: list[Any] = []
    try:
        answer: Any = client.chat.completions.create(model=model, messages=messages, stream=stream, extra_body=asked)
        if not stream:
            return [answer.model_dump()]
        found.extend(chunk.model_dump() for chunk in answer)
    except openai.APIError as error:
        found.append(error)
    return found


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # providers' own values in the SDK's types
@each(dialect=FORMAT, ok=True)
def test_answers_read_the_same(recorded: Recording, sdks: Sdks) -> None:
    name = (recorded.request or {}).get("model") or "some-model"
    direct_url = sdks.play(FORMAT, recorded.name, model=name)
    with openai.OpenAI(api_key="sk-test", base_url=direct_url, max_retries=0) as direct:
        expected = ask(direct, recorded, name)
    got = ask(sdks.openai, recorded, MODEL)
    if recorded.scenario == "error-with-http-200":
        assert isinstance(got[-1], openai.APIStatusError), "an error is one, whatever status it came under"
        return
    if isinstance(expected[-1], openai.APIError):
        assert isinstance(got[-1], openai.APIError)
        expected, got = expected[:-1], got[:-1]
        assert got in ([], expected), "an error before the first word is one of the whole request"
        return
    assert [type(piece) for piece in got] == [dict] * len(got)
    if _asked_for_usage(recorded):
        assert got == expected
    else:  # what the gateway asked for on its own account is left out again
        assert _without_usage(got) == _without_usage(expected)


@each(dialect=FORMAT, ok=False)
def test_errors_are_raised_the_same(recorded: Recording, sdks: Sdks) -> None:
    name = (recorded.request or {}).get("model") or "some-model"
    direct_url = sdks.play(FORMAT, recorded.name, model=name)
    with openai.OpenAI(api_key="sk-test", base_url=direct_url, max_retries=0) as direct:
        expected = ask(direct, recorded, name)[-1]
    got = ask(sdks.openai, recorded, MODEL)[-1]
    assert isinstance(expected, openai.APIStatusError)
    assert isinstance(got, openai.APIStatusError)
    if recorded.status in PASSED and got.status_code == recorded.status:
        assert type(got) is type(expected)
        if recorded.status != 429 and got.body != expected.body:
            assert str(expected.body) in got.message, "what is no JSON is put into the format's own shape"
    elif recorded.status == 403 and b"usage guidelines" in recorded.body:  # moderation: says nothing about the key
        assert got.status_code == 400
    else:  # the provider's own trouble, or its key's
        assert got.status_code == 502, got
        assert isinstance(got, openai.InternalServerError)


def _asked_for_usage(recorded: Recording) -> bool:
    options = (recorded.request or {}).get("stream_options") or {}
    return not recorded.stream or bool(options.get("include_usage"))


def _without_usage(pieces: list[Any]) -> list[Any]:
    return [{**piece, "usage": None} for piece in pieces if piece.get("choices")]


Ask = Callable[[openai.OpenAI], Any]
QUESTION: Any = [{"role": "user", "content": "Weather in Bern?"}]
TOOLS: Any = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}]


@pytest.mark.parametrize("format", ["openai-chat", "anthropic-messages"])
def test_the_stream_helper_reads_text_and_tools_from_either_kind_of_provider(sdks: Sdks, format: str) -> None:
    family = format.partition("-")[0]
    sdks.play(format, f"{family}/chat")
    with sdks.openai.chat.completions.stream(model=MODEL, messages=QUESTION) as stream:
        assert stream.get_final_completion().choices[0].message.content == "Grüße vom Muster 🦉."
    sdks.play(format, f"{family}/tools")
    with sdks.openai.chat.completions.stream(model=MODEL, messages=QUESTION, tools=TOOLS) as stream:
        message = stream.get_final_completion().choices[0].message
    assert message.tool_calls is not None
    assert message.tool_calls[0].function.parsed_arguments in ({"city": "Bern"}, None)
    assert message.tool_calls[0].function.arguments.replace(" ", "") == '{"city":"Bern"}'


async def test_the_asynchronous_client_reads_them_too(sdks: Sdks) -> None:
    sdks.play(FORMAT, "openai/chat")
    key, url = sdks.openai.api_key, sdks.openai.base_url
    async with openai.AsyncOpenAI(api_key=key, base_url=url, max_retries=0) as client:
        whole = await client.chat.completions.create(model=MODEL, messages=QUESTION)
        assert whole.choices[0].message.content == "Grüße vom Muster 🦉."
        text = ""
        async for chunk in await client.chat.completions.create(model=MODEL, messages=QUESTION, stream=True):
            text += chunk.choices[0].delta.content or ""
        assert text == "Grüße vom Muster 🦉."
        assert MODEL in [model.id async for model in client.models.list()]
        assert (await client.models.retrieve(MODEL)).id == MODEL


def test_our_own_errors_are_typed(sdks: Sdks) -> None:
    client = sdks.openai
    with pytest.raises(openai.NotFoundError, match="nothing"):
        client.chat.completions.create(model="nothing", messages=QUESTION)
    with pytest.raises(openai.AuthenticationError, match="not known"):
        client.with_options(api_key="gw_live_" + "x" * 43).chat.completions.create(model=MODEL, messages=QUESTION)
    with pytest.raises(openai.BadRequestError, match="max_tokens"):
        client.chat.completions.create(model=MODEL, messages=QUESTION, max_tokens=-1)
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nothing")


def test_the_sdk_waits_and_tries_again_as_it_is_told(sdks: Sdks, server: Any) -> None:
    sdks.play(FORMAT, "openai/chat")
    key = server.add_key(limits={"rps": 1})
    client = sdks.openai.with_options(api_key=key, max_retries=2)
    for _ in range(2):
        assert client.chat.completions.create(model=MODEL, messages=QUESTION).choices
