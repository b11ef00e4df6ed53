"""Reading the commonest chunk in one step changes nothing but the time it takes."""

from __future__ import annotations

import pytest

from app.core.chat import Event, TextDelta
from app.formats.openai_chat.plain_chunk import MISSES, PlainChunks
from app.formats.openai_chat.stream_in import ChatStreamDecoder
from app.formats.payload import dump
from tests.recordings import Recording, each

PLAIN = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "usage": None}


def chunk(**choice: object) -> bytes:
    return dump(PLAIN | {"choices": [{"index": 0, "finish_reason": None} | choice]})


def events(body: bytes, *, one_step: bool) -> list[Event]:
    decoder = ChatStreamDecoder()
    if not one_step:
        assert decoder.feed(b'data: {"more":true}\n\n' * MISSES) == []
    return [*decoder.feed(body), *decoder.close()]


@each(dialect="openai-chat", stream=True)
def test_a_recorded_stream_says_the_same_either_way(recorded: Recording) -> None:
    assert repr(events(recorded.body, one_step=True)) == repr(events(recorded.body, one_step=False))


@pytest.mark.parametrize(
    "data",
    [
        chunk(delta={"content": ""}),
        chunk(delta={"content": "a", "tool_calls": [{"index": 0, "function": {"name": "f"}}]}),
        chunk(delta={"content": "a", "reasoning": "b"}),
        chunk(delta={"content": "a"}, finish_reason="stop"),
        chunk(delta={"content": "a"}, logprobs={"content": [{"token": "a", "logprob": -1.0, "bytes": [97]}]}),
        chunk(delta={"content": [{"type": "text", "text": "a"}]}),
        dump(PLAIN | {"choices": [{"delta": {"content": "a"}}], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}),
        dump(PLAIN | {"choices": [{"delta": {"content": "a"}}], "citations": ["https://example.org"]}),
        dump(PLAIN | {"choices": [{"delta": {"content": "a"}}], "error": {"message": "b"}}),
        dump(PLAIN | {"choices": []}),
        b"[DONE]",
        b'{"choices":[{"delta":{"content":"a\xff"}}]}',
        b'{"choices":[{"delta":{"content":"a"}}]',
    ],
)
def test_what_says_more_than_text_is_read_the_long_way(data: bytes) -> None:
    assert PlainChunks().text(data) is None


def test_text_is_read_with_the_number_of_its_choice() -> None:
    assert PlainChunks().text(chunk(index=2, delta={"content": "Grüße", "role": "assistant"})) == ("Grüße", 2)
    body = b"".join(b"data: %b\n\n" % chunk(delta={"content": word}) for word in ("One", " two", " three"))
    assert [event.text for event in events(body, one_step=True) if isinstance(event, TextDelta)] == [
        "One",
        " two",
        " three",
    ]


def test_a_provider_that_always_says_more_is_not_tried_for_ever() -> None:
    plain = PlainChunks()
    assert [plain.text(b"{}") for _ in range(MISSES)] == [None] * MISSES
    assert plain.text(chunk(delta={"content": "a"})) is None
