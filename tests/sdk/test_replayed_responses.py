"""What OpenAI's SDK reads of responses through AnyGPT is what it reads from the provider itself."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from tests.recordings import Recording, each
from tests.sdk.conftest import MODEL, Sdks
from tests.sdk.reading import Reading, asked, check_error, model_of, read

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # newer values than its types know

FORMAT = "openai-responses"
QUESTION = "Weather in Bern?"
ANEW = ("previous_response_id", "conversation")  # of answers that this installation has not given


def ask(client: openai.OpenAI, recorded: Recording, model: str) -> Reading:
    question = {name: value for name, value in asked(recorded).items() if name not in ANEW}
    items = question.pop("input", None) or QUESTION
    stream: Any = bool(question.pop("stream", False)) or recorded.stream
    return read(
        lambda: client.responses.create(model=model, input=items, stream=stream, extra_body=question), openai.APIError
    )


def both(recorded: Recording, sdks: Sdks) -> tuple[Reading, Reading]:
    """Through AnyGPT, and directly."""
    url = sdks.play(FORMAT, recorded.name, model=model_of(recorded))
    return ask(sdks.openai, recorded, MODEL), ask(sdks.direct_openai(url), recorded, model_of(recorded))


@each(dialect=FORMAT, ok=True)
def test_answers_read_the_same(recorded: Recording, sdks: Sdks) -> None:
    got, expected = both(recorded, sdks)
    if expected.error is not None or "error-with-http-200" in recorded.scenario:
        assert isinstance(got.error, openai.APIError)
        assert got.pieces in ([], expected.pieces), "an error before the first word is one of the whole request"
        return
    assert got.error is None
    assert got.pieces == expected.pieces


@each(dialect=FORMAT, ok=False)
def test_errors_are_raised_the_same(recorded: Recording, sdks: Sdks) -> None:
    got, expected = both(recorded, sdks)
    check_error(got, expected, recorded)
    assert isinstance(got.error, openai.APIStatusError)
    assert isinstance(expected.error, openai.APIStatusError)
    if got.status == recorded.status != 429:
        assert got.error.body == expected.error.body


@each(dialect=FORMAT, ok=True, stream=True)
def test_the_stream_helper_puts_the_same_answer_together(recorded: Recording, sdks: Sdks) -> None:
    url = sdks.play(FORMAT, recorded.name, model=model_of(recorded))

    def put_together(client: openai.OpenAI, model: str) -> Any:
        try:
            with client.responses.stream(model=model, input=QUESTION) as stream:
                return [event.model_dump() for event in stream], stream.get_final_response().model_dump()
        except Exception as error:  # noqa: BLE001  the helper's own, over what a provider sends: any kind
            return type(error)

    expected = put_together(sdks.direct_openai(url), model_of(recorded))
    got = put_together(sdks.openai, MODEL)
    if isinstance(expected, type) and issubclass(expected, openai.APIError):
        assert issubclass(got, openai.APIError)
    else:
        assert got == expected


async def test_the_asynchronous_client_reads_them_too(sdks: Sdks) -> None:
    sdks.play(FORMAT, "openai/chat")
    async with sdks.async_openai() as client:
        whole = await client.responses.create(model=MODEL, input=QUESTION)
        assert whole.output_text == "Grüße vom Muster 🦉."
        text = ""
        async for event in await client.responses.create(model=MODEL, input=QUESTION, stream=True):
            text += event.delta if event.type == "response.output_text.delta" else ""
        assert text == "Grüße vom Muster 🦉."
