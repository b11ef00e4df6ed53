"""What Anthropic's SDK reads through AnyGPT is what it reads from the provider itself."""

from __future__ import annotations

from typing import Any

import anthropic
import pytest

from tests.recordings import Recording, each, needs_recordings, recording
from tests.sdk.conftest import MODEL, Sdks
from tests.sdk.reading import Reading, asked, check_error, model_of, read

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # newer values than its types know

FORMAT = "anthropic-messages"
QUESTION: Any = [{"role": "user", "content": "Weather in Bern?"}]


def ask(client: anthropic.Anthropic, recorded: Recording, model: str) -> Reading:
    question = asked(recorded)
    messages = question.pop("messages", None) or QUESTION
    stream: Any = bool(question.pop("stream", False)) or recorded.stream
    limit = question.pop("max_tokens", 100)
    question.pop("anthropic_version", None)  # Vertex has it in the body
    return read(
        lambda: client.messages.create(
            model=model, messages=messages, max_tokens=limit, stream=stream, extra_body=question, timeout=20
        ),
        anthropic.APIError,
    )


def both(recorded: Recording, sdks: Sdks) -> tuple[Reading, Reading]:
    """Through AnyGPT, and directly."""
    url = sdks.play(FORMAT, recorded.name, model=model_of(recorded))
    return ask(sdks.anthropic, recorded, MODEL), ask(sdks.direct_anthropic(url), recorded, model_of(recorded))


@each(dialect=FORMAT, ok=True)
def test_answers_read_the_same(recorded: Recording, sdks: Sdks) -> None:
    got, expected = both(recorded, sdks)
    assert (got.error, expected.error) == (None, None)
    assert got.pieces == expected.pieces


@each(dialect=FORMAT, ok=False)
def test_errors_are_raised_the_same(recorded: Recording, sdks: Sdks) -> None:
    got, expected = both(recorded, sdks)
    check_error(got, expected, recorded)
    assert isinstance(got.error, anthropic.APIStatusError)
    assert isinstance(expected.error, anthropic.APIStatusError)
    if got.status == recorded.status != 429:
        assert got.error.body == expected.error.body


@each(dialect=FORMAT, ok=True, stream=True)
def test_the_stream_helper_puts_the_same_message_together(recorded: Recording, sdks: Sdks) -> None:
    url = sdks.play(FORMAT, recorded.name, model=model_of(recorded))

    def put_together(client: anthropic.Anthropic, model: str) -> Any:
        with client.messages.stream(model=model, messages=QUESTION, max_tokens=100) as stream:
            return [event.model_dump() for event in stream], stream.get_final_message().model_dump()

    assert put_together(sdks.anthropic, MODEL) == put_together(sdks.direct_anthropic(url), model_of(recorded))


@each(dialect="anthropic-count-tokens")
def test_tokens_are_counted_the_same(recorded: Recording, sdks: Sdks) -> None:
    url = sdks.play(FORMAT, recorded.name, model=model_of(recorded))

    def count(client: anthropic.Anthropic, model: str) -> Reading:
        return read(lambda: client.messages.count_tokens(model=model, messages=QUESTION), anthropic.APIError)

    got, expected = count(sdks.anthropic, MODEL), count(sdks.direct_anthropic(url), model_of(recorded))
    if recorded.ok:
        assert got.pieces == expected.pieces
        assert got.pieces[0]["input_tokens"] > 0
    else:  # where the provider cannot say, the tokenizer does
        assert isinstance(expected.error, anthropic.NotFoundError)
        assert got.error is not None or got.pieces[0]["input_tokens"] > 0


@needs_recordings
def test_models_are_listed_in_the_shape_of_the_provider(sdks: Sdks) -> None:
    recorded = recording("anthropic/models__models-list__na__01")
    url = sdks.play(FORMAT, recorded.name)
    (ours,) = (model.model_dump() for model in sdks.anthropic.models.list() if model.id == MODEL)
    theirs = next(iter(sdks.direct_anthropic(url).models.list())).model_dump()
    assert {name for name, value in ours.items() if value is not None} <= set(theirs)
    assert (ours["type"], type(ours["created_at"])) == (theirs["type"], type(theirs["created_at"]))
    assert sdks.anthropic.models.retrieve(MODEL).model_dump() == ours


async def test_the_asynchronous_client_reads_them_too(sdks: Sdks) -> None:
    sdks.play(FORMAT, "anthropic/chat")
    async with sdks.async_anthropic() as client:
        whole: Any = await client.messages.create(model=MODEL, messages=QUESTION, max_tokens=100)
        assert whole.content[0].text == "Grüße vom Muster 🦉."
        async with client.messages.stream(model=MODEL, messages=QUESTION, max_tokens=100) as stream:
            assert "".join([text async for text in stream.text_stream]) == "Grüße vom Muster 🦉."
