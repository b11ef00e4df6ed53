"""OpenAI's own answers, which are passed on as they came, differ from its description only in known ways."""

from __future__ import annotations

import pytest

from tests.recordings import Recording, each, needs_recordings, recordings
from tests.spec.known import KNOWN, Known
from tests.spec.schema import complaints, needs_specification

pytestmark = needs_specification

# what a recording's answer is, by its dialect; all others that OpenAI gave are no JSON
FORMATS = {
    "openai-chat": "openai-chat",
    "openai-responses": "openai-responses",
    "openai-completions": "openai-completions",
    "embeddings": "openai-embeddings",
    "images": "images",
    "moderations": "moderations",
    "audio": "transcriptions",
    "models": "models",
}


def format_of(recorded: Recording) -> str:
    if not recorded.ok:
        return "error"
    return "model" if recorded.scenario == "models-get" else FORMATS[recorded.dialect]


def found_in(recorded: Recording) -> list[str]:
    if not recorded.body.lstrip().startswith((b"{", b"data:", b"event:")):
        return []  # a server in front of OpenAI's, in plain text
    return complaints(format_of(recorded), recorded.body, stream=recorded.stream)


@each(provider="openai")
def test_an_answer_is_as_described_or_different_in_a_known_way(recorded: Recording) -> None:
    format = format_of(recorded)
    assert [found for found in found_in(recorded) if not any(known.explains(format, found) for known in KNOWN)] == []


@needs_recordings
@pytest.mark.parametrize("known", KNOWN, ids=lambda known: f"{known.name}-{known.format}")
def test_every_known_difference_occurs(known: Known) -> None:
    own = recordings(provider="openai")
    assert any(known.explains(format_of(recorded), found) for recorded in own for found in found_in(recorded))


def test_what_is_wrong_is_found() -> None:
    """A validator that lets all pass would pass all of the above."""
    wrong = b'{"id": 1, "object": "chat.completion", "created": 1, "model": "m", "choices": [{"index": 0}]}'
    found = complaints("openai-chat", wrong)
    assert "id: 1 is not of type 'string'" in found
    assert "choices.[]: 'finish_reason' is a required property" in found
    wrong = b'{"type": "response.output_item.done", "sequence_number": 1, "output_index": 0, "item": {"type": "poem"}}'
    found = complaints("openai-responses", b"data: " + wrong + b"\n\n", stream=True)
    assert found == ["item: no branch of the union has the type 'poem'"]
    found = complaints("openai-responses", b'data: {"type": "response.poem"}\n\n', stream=True)
    assert found == ["type: there is no event response.poem"]
