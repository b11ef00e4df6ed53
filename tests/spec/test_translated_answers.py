"""What AnyGPT writes in OpenAI's formats of other formats' answers is as OpenAI describes it, without exception."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core import errors
from app.core.chat import Ended, Finished, UsageReport
from app.core.embeddings import EmbeddingRequest
from app.core.errors import AnyGPTError, UpstreamError
from app.formats.base import Peek
from app.formats.embeddings.registry import EMBEDDING_CLIENT_FORMATS, EMBEDDING_FORMATS
from app.formats.registry import CLIENT_FORMATS, FORMATS, OPERATIONS
from tests.formats.comparison import chat_dialects, decoded, encoded
from tests.recordings import Recording, each, recordings
from tests.spec.known import KNOWN
from tests.spec.schema import complaints, events, needs_specification

pytestmark = needs_specification

COMPLETIONS = "openai-completions"  # which no provider is asked for on behalf of another format's client
CLIENTS = ("openai-chat", "openai-responses")
Case = tuple[Recording, str]
PAIRS = [(client, dialect) for client in CLIENTS for dialect in chat_dialects() if dialect != client]


def every_pair(**wanted: bool) -> pytest.MarkDecorator:
    """Each recording with each of OpenAI's formats that is not its own."""
    cases = [(item, client) for client, dialect in PAIRS for item in recordings(dialect=dialect, ok=True, **wanted)]
    if not cases:
        return each("case", dialect="none")
    return pytest.mark.parametrize("case", cases, ids=[f"{client}-{item.name}" for item, client in cases])


def every_answer(**wanted: bool) -> pytest.MarkDecorator:
    found = [item for dialect in chat_dialects() for item in recordings(dialect=dialect, ok=True, **wanted)]
    if not found:
        return each(dialect="none")
    return pytest.mark.parametrize("recorded", found, ids=[item.name for item in found])


@every_pair(stream=False)
def test_a_whole_answer_is_as_described(case: Case) -> None:
    recorded, client = case
    try:
        result = FORMATS[recorded.dialect].decode_result(recorded.body)
    except UpstreamError:
        assert "error-with-http-200" in recorded.name
        return
    assert complaints(client, CLIENT_FORMATS[client].encode_result(result)) == []


@every_pair(stream=True)
def test_every_event_of_a_stream_is_as_described(case: Case) -> None:
    recorded, client = case
    body = encoded(CLIENT_FORMATS[client], decoded(FORMATS[recorded.dialect], recorded.body))
    assert list(events(body))
    assert complaints(client, body, stream=True) == []


@every_pair(stream=True)
def test_the_events_of_a_broken_stream_are_as_described(case: Case) -> None:
    """It breaks in the middle of what the provider says."""
    recorded, client = case
    heard = [
        event
        for event in decoded(FORMATS[recorded.dialect], recorded.body)
        if not isinstance(event, Finished | UsageReport | Ended)
    ]
    encoder = CLIENT_FORMATS[client].encoder(Peek(model="m", stream=True))
    body = b"".join(encoder.encode(event) for event in heard[: len(heard) // 2 + 1])
    body += encoder.fail(errors.UpstreamDown("The provider broke off."))
    assert complaints(client, body, stream=True) == []


@every_answer(stream=False)
def test_a_completion_made_of_a_chat_is_as_described(recorded: Recording) -> None:
    try:
        result = FORMATS[recorded.dialect].decode_result(recorded.body)
    except UpstreamError:
        return
    assert complaints(COMPLETIONS, OPERATIONS[COMPLETIONS].encode_result(result)) == []


@every_answer(stream=True)
def test_a_stream_of_completions_made_of_a_chat_is_as_described(recorded: Recording) -> None:
    """But for its finish, which OpenAI's own pieces do not have either before the last."""
    wire: Any = OPERATIONS[COMPLETIONS]
    body = encoded(wire, decoded(FORMATS[recorded.dialect], recorded.body))
    found = complaints(COMPLETIONS, body, stream=True)
    assert [
        complaint for complaint in found if not any(known.explains(COMPLETIONS, complaint) for known in KNOWN)
    ] == []
    *_, last = (value for value in events(body) if value["choices"])
    assert complaints(COMPLETIONS, json.dumps(last).encode()) == []


@each(dialect="embeddings", ok=True)
def test_vectors_are_as_described(recorded: Recording) -> None:
    for wire in EMBEDDING_FORMATS.values():
        try:
            result = wire.decode_result(recorded.body)
        except AnyGPTError:
            continue  # another provider's format
        asked = EmbeddingRequest(model="m", inputs=["Hello."] * len(result.vectors))
        body = EMBEDDING_CLIENT_FORMATS["openai-embeddings"].encode_result(result, asked)
        assert complaints("openai-embeddings", body) == []
        return
    pytest.fail("no format reads this answer")


def kinds_of_error(of: type[AnyGPTError] = AnyGPTError) -> list[type[AnyGPTError]]:
    return [of, *(kind for below in of.__subclasses__() for kind in kinds_of_error(below))]


@pytest.mark.parametrize("kind", dict.fromkeys(kinds_of_error()), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("client", CLIENTS)
def test_every_error_of_the_tree_is_as_described(kind: type[AnyGPTError], client: str) -> None:
    wire, error = CLIENT_FORMATS[client], kind("It did not work.")
    assert complaints("error", wire.encode_error(error)) == []
    assert complaints(client, wire.stream_error(error), stream=True) == []
    assert complaints(client, wire.encoder(Peek(model="m", stream=True)).fail(error), stream=True) == []
