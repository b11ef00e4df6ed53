"""What OpenAI's SDK reads of chats through AnyGPT is what it reads from the provider itself."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from tests.recordings import Recording, each
from tests.sdk.conftest import MODEL, Sdks
from tests.sdk.reading import Reading, asked, check_error, model_of, read

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # providers' own values in its types

FORMAT = "openai-chat"
QUESTION: Any = [{"role": "user", "content": "Weather in Bern?"}]


def ask(client: openai.OpenAI, recorded: Recording, model: str) -> Reading:
    question = asked(recorded)
    messages = question.pop("messages", None) or QUESTION
    stream: Any = bool(question.pop("stream", False)) or recorded.stream
    return read(
        lambda: client.chat.completions.create(model=model, messages=messages, stream=stream, extra_body=question),
        openai.APIError,
    )


def both(recorded: Recording, sdks: Sdks) -> tuple[Reading, Reading]:
    """Through AnyGPT, and directly."""
    url = sdks.play(FORMAT, recorded.name, model=model_of(recorded))
    return ask(sdks.openai, recorded, MODEL), ask(sdks.direct_openai(url), recorded, model_of(recorded))


@each(dialect=FORMAT, ok=True)
def test_answers_read_the_same(recorded: Recording, sdks: Sdks) -> None:
    got, expected = both(recorded, sdks)
    if recorded.scenario == "error-with-http-200":
        assert isinstance(got.error, openai.APIStatusError), "an error is one, whatever status it came under"
        return
    if expected.error is not None:
        assert isinstance(got.error, openai.APIError)
        assert got.pieces in ([], expected.pieces), "an error before the first word is one of the whole request"
        return
    assert got.error is None
    if _asked_for_usage(recorded):
        assert got.pieces == expected.pieces
    else:  # what the gateway asked for on its own account is left out again
        assert _without_usage(got) == _without_usage(expected)


@each(dialect=FORMAT, ok=False)
def test_errors_are_raised_the_same(recorded: Recording, sdks: Sdks) -> None:
    got, expected = both(recorded, sdks)
    check_error(got, expected, recorded)
    assert isinstance(got.error, openai.APIStatusError)
    assert isinstance(expected.error, openai.APIStatusError)
    if got.status == recorded.status != 429 and got.error.body != expected.error.body:
        assert str(expected.error.body) in got.error.message, "what is no JSON is put into the format's own shape"


@each(dialect=FORMAT, ok=True, stream=True)
def test_the_stream_helper_puts_the_same_answer_together(recorded: Recording, sdks: Sdks) -> None:
    """The helper checks what a single chunk may say; it must find no more to say about ours than about theirs."""
    url = sdks.play(FORMAT, recorded.name, model=model_of(recorded))
    options: Any = {"messages": QUESTION, "stream_options": {"include_usage": True}}

    def put_together(client: openai.OpenAI, model: str) -> Any:
        try:
            with client.chat.completions.stream(model=model, **options) as stream:
                return stream.get_final_completion().model_dump(warnings=False)
        except Exception as error:  # noqa: BLE001  the helper's own, over what a provider sends: any kind
            return type(error)

    expected = put_together(sdks.direct_openai(url), model_of(recorded))
    got = put_together(sdks.openai, MODEL)
    if isinstance(expected, type) and issubclass(expected, openai.APIError):
        assert issubclass(got, openai.APIError), "an error before the first word is one of the whole request"
    else:
        assert got == expected


async def test_the_asynchronous_client_reads_them_too(sdks: Sdks) -> None:
    sdks.play(FORMAT, "openai/chat")
    async with sdks.async_openai() as client:
        whole = await client.chat.completions.create(model=MODEL, messages=QUESTION)
        assert whole.choices[0].message.content == "Grüße vom Muster 🦉."
        text = ""
        async for chunk in await client.chat.completions.create(model=MODEL, messages=QUESTION, stream=True):
            text += chunk.choices[0].delta.content or ""
        assert text == "Grüße vom Muster 🦉."
        assert MODEL in [model.id async for model in client.models.list()]
        assert (await client.models.retrieve(MODEL)).id == MODEL


def _asked_for_usage(recorded: Recording) -> bool:
    options = asked(recorded).get("stream_options") or {}
    return not recorded.stream or bool(options.get("include_usage"))


def _without_usage(reading: Reading) -> list[Any]:
    return [{**piece, "usage": None} for piece in reading.pieces if piece.get("choices")]
