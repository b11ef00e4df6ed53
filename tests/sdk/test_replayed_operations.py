"""What OpenAI's SDK reads of the endpoints beside chat is what it reads from the provider itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai
import pytest

from tests.recordings import Recording, each, needs_recordings, recording
from tests.sdk.conftest import MODEL, Sdks
from tests.sdk.reading import Reading, asked, check_error, model_of, read

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # newer values than its types know

FORMAT = "openai-chat"  # a provider of that format has the endpoints beside it
Ask = Callable[[openai.OpenAI, str], Any]


def both(recorded: Recording, sdks: Sdks, ask: Ask) -> tuple[Reading, Reading]:
    """Through AnyGPT, and directly."""
    url = sdks.play(FORMAT, recorded.name, model=model_of(recorded))
    direct = sdks.direct_openai(url)
    return (
        read(lambda: ask(sdks.openai, MODEL), openai.APIError),
        read(lambda: ask(direct, model_of(recorded)), openai.APIError),
    )


def check(recorded: Recording, sdks: Sdks, ask: Ask) -> None:
    got, expected = both(recorded, sdks, ask)
    if recorded.ok:
        assert (got.error, expected.error) == (None, None)
        assert repr(got.pieces) == repr(expected.pieces)  # nan, where bytes are read as numbers, equals nothing
        assert got.pieces
    else:
        check_error(got, expected, recorded)


@each(dialect="openai-completions")
def test_completions_read_the_same(recorded: Recording, sdks: Sdks) -> None:
    question = asked(recorded)
    prompt = question.pop("prompt", None) or "Hello."
    stream: Any = bool(question.pop("stream", False)) or recorded.stream
    if stream and recorded.content_type.startswith("application/json"):
        pytest.skip("this recording's headers are those of a whole answer")

    def ask(client: openai.OpenAI, model: str) -> Any:
        return client.completions.create(model=model, prompt=prompt, stream=stream, extra_body=question)

    if b'data: {"value":' in recorded.body:  # Writer's own: no choices, and no end that could be known from a cut
        got, expected = both(recorded, sdks, ask)
        assert got.pieces == expected.pieces
        assert isinstance(got.error, openai.APIError)
    else:
        check(recorded, sdks, ask)


@each(dialect="embeddings")
def test_vectors_read_the_same(recorded: Recording, sdks: Sdks) -> None:
    question = asked(recorded)
    if "/embeddings" not in recorded.path:
        return  # another provider's format
    texts = question.pop("input", "Hello.")
    encoding: Any = question.pop("encoding_format", None) or openai.omit

    def ask(client: openai.OpenAI, model: str) -> Any:
        return client.embeddings.create(model=model, input=texts, encoding_format=encoding, extra_body=question)

    check(recorded, sdks, ask)


@each(dialect="images")
def test_images_read_the_same(recorded: Recording, sdks: Sdks) -> None:
    question = asked(recorded) | {"images": None}
    prompt = question.pop("prompt", None) or "An owl."

    def ask(client: openai.OpenAI, model: str) -> Any:
        return client.images.generate(model=model, prompt=prompt, extra_body=question)

    check(recorded, sdks, ask)


@each(dialect="moderations")
def test_moderations_read_the_same(recorded: Recording, sdks: Sdks) -> None:
    def ask(client: openai.OpenAI, model: str) -> Any:
        return client.moderations.create(model=model, input=recorded.request["input"])

    check(recorded, sdks, ask)


@needs_recordings
def test_a_transcription_reads_the_same(sdks: Sdks) -> None:
    def ask(client: openai.OpenAI, model: str) -> Any:
        return client.audio.transcriptions.create(model=model, file=("a.wav", bytes(range(256)) * 9))

    check(recording("openai/audio__audio__na__01"), sdks, ask)


@needs_recordings
@pytest.mark.parametrize("sample", ["openai/chat", "mistral/audio__audio__voxtral-mini-tts-latest__01"])
def test_speech_is_the_same_bytes(sample: str, sdks: Sdks) -> None:
    direct = sdks.direct_openai(sdks.play(FORMAT, sample))
    spoken = [
        client.audio.speech.create(model=model, voice="alloy", input="Hello.").read()
        for client, model in ((sdks.openai, MODEL), (direct, "upstream-model"))
    ]
    assert spoken[0] == spoken[1]
    assert spoken[0]


def test_streams_of_speech_transcripts_and_pictures_read_the_same(sdks: Sdks) -> None:
    direct = sdks.direct_openai(sdks.play(FORMAT, "openai/chat"))
    asks: list[Ask] = [
        lambda client, model: client.audio.transcriptions.create(model=model, file=("a.wav", b"RIFF"), stream=True),
        lambda client, model: client.images.generate(model=model, prompt="An owl.", stream=True),
    ]
    for ask in asks:
        got, expected = (
            read(lambda: ask(client, model), openai.APIError)  # noqa: B023  read at once
            for client, model in ((sdks.openai, MODEL), (direct, "upstream-model"))
        )
        assert got == expected
        assert len(got.pieces) == 2
    for client, model in ((sdks.openai, MODEL), (direct, "upstream-model")):
        with client.audio.speech.with_streaming_response.create(
            model=model, voice="alloy", input="Hello.", stream_format="sse"
        ) as stream:
            assert stream.read().count(b"speech.audio.") == 4
