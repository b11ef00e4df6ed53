"""What Google's SDK reads through AnyGPT is what it reads from the provider itself."""

from __future__ import annotations

from typing import Any

from google.genai import errors

from tests.recordings import Recording, each, needs_recordings, recording
from tests.sdk.conftest import MODEL, Sdks
from tests.sdk.reading import Reading, asked, check_error, read

FORMAT = "gemini"
QUESTION = "Weather in Bern?"
HEADERS = ("sdk_http_response",)


def model_of(recorded: Recording) -> str:
    return recorded.path.partition("/models/")[2].partition(":")[0] or "some-model"


def ask(sdks: Sdks, recorded: Recording, model: str, options: dict[str, Any]) -> Reading:
    """`extra_body` takes the place of what the SDK has written."""
    config: Any = {"http_options": {"extra_body": asked(recorded), **options}}
    models = sdks.google.models
    call: Any = models.generate_content_stream if recorded.stream else models.generate_content
    # AttributeError: the SDK's own, over a reason to finish that is a number
    raised = (errors.APIError, errors.UnknownApiResponseError, AttributeError)
    return read(lambda: call(model=model, contents=QUESTION, config=config), raised, leave_out=HEADERS)


def both(recorded: Recording, sdks: Sdks) -> tuple[Reading, Reading]:
    """Through AnyGPT, and directly."""
    url = sdks.play(FORMAT, recorded.name, model=model_of(recorded))
    return ask(sdks, recorded, MODEL, {}), ask(sdks, recorded, model_of(recorded), sdks.google_at(url))


@each(dialect=FORMAT, ok=True)
def test_answers_read_the_same(recorded: Recording, sdks: Sdks) -> None:
    got, expected = both(recorded, sdks)
    assert got.pieces == expected.pieces
    if expected.error is None:
        assert got.error is None
        assert got.pieces
    else:  # a stream recorded as an array, or a number for a word: nothing that this SDK can read from anyone
        assert recorded.body.startswith(b"[") or b'"finishReason": 1' in recorded.body
        assert (type(got.error), str(got.error)) == (type(expected.error), str(expected.error))


@each(dialect=FORMAT, ok=False)
def test_errors_are_raised_the_same(recorded: Recording, sdks: Sdks) -> None:
    got, expected = both(recorded, sdks)
    check_error(got, expected, recorded)
    assert isinstance(got.error, errors.APIError)
    assert isinstance(expected.error, errors.APIError)
    if got.status == recorded.status != 429:
        assert got.error.details == expected.error.details


@each(dialect="gemini-count-tokens")
def test_tokens_are_counted_the_same(recorded: Recording, sdks: Sdks) -> None:
    url = sdks.play(FORMAT, recorded.name, model=model_of(recorded))

    def count(model: str, options: Any) -> Reading:
        return read(
            lambda: sdks.google.models.count_tokens(model=model, contents=QUESTION, config={"http_options": options}),
            errors.APIError,
        )

    got, expected = count(MODEL, {}), count(model_of(recorded), sdks.google_at(url))
    if recorded.ok:
        assert got.pieces[0]["total_tokens"] == expected.pieces[0]["total_tokens"]
    else:  # where the provider cannot say, the tokenizer does
        assert expected.status == 404
        assert got.error is not None or got.pieces[0]["total_tokens"] > 0


@each(dialect="embeddings")
def test_vectors_read_the_same(recorded: Recording, sdks: Sdks) -> None:
    if "mbedContent" not in recorded.path:
        return  # another provider's format
    url = sdks.play(FORMAT, recorded.name, model=model_of(recorded))

    def embed(model: str, options: Any) -> Reading:
        config: Any = {"http_options": options}
        return read(
            lambda: sdks.google.models.embed_content(model=model, contents=[QUESTION], config=config),
            errors.APIError,
            leave_out=HEADERS,
        )

    got, expected = embed(MODEL, {}), embed(model_of(recorded), sdks.google_at(url))
    if recorded.ok:
        assert got.pieces == expected.pieces
    else:
        check_error(got, expected, recorded)


@needs_recordings
def test_models_are_listed_in_the_shape_of_the_provider(sdks: Sdks) -> None:
    url = sdks.play(FORMAT, recording("gemini/models__models-list__na__02").name)
    (ours,) = (model.model_dump() for model in sdks.google.models.list() if model.name == f"models/{MODEL}")
    there: Any = {"http_options": sdks.google_at(url)}
    theirs = next(iter(sdks.google.models.list(config=there))).model_dump()
    assert {name for name, value in ours.items() if value is not None} <= {
        n for n, v in theirs.items() if v is not None
    }
    assert sdks.google.models.get(model=MODEL).name == f"models/{MODEL}"


async def test_the_asynchronous_client_reads_them_too(sdks: Sdks) -> None:
    sdks.play(FORMAT, "gemini/chat")
    whole = await sdks.google.aio.models.generate_content(model=MODEL, contents=QUESTION)
    assert whole.text == "Grüße vom Muster 🦉."
    stream = await sdks.google.aio.models.generate_content_stream(model=MODEL, contents=QUESTION)
    assert "".join([piece.text or "" async for piece in stream]) == "Grüße vom Muster 🦉."
