"""Ollama's native chat: what is answered, and what breaks."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.chat import Ended, FinishReason, Started, StreamFailed, ToolCallStart
from app.core.errors import UnreadableAnswer, UpstreamError
from app.formats.failures import read_error
from app.formats.registry import CLIENT_FORMATS, FORMATS
from tests.formats.meaning import of_events, of_result
from tests.formats.test_recorded_answers import decoded, encoded
from tests.formats.upstream import mutations, twisted

OLLAMA = FORMATS["ollama"]
CLIENTS = list(CLIENT_FORMATS.values())
fuzz = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))

HEAD = {"model": "small:1b", "created_at": "2026-01-02T03:04:05.678Z"}
CALLS = [
    {"function": {"name": "weather", "arguments": {"city": "Oslo"}}},
    {"id": "call_x", "function": {"index": 1, "name": "now", "arguments": {}}},
]
DONE = {"done": True, "done_reason": "stop", "total_duration": 1, "prompt_eval_count": 20, "eval_count": 9}
WHOLE = HEAD | {
    "message": {"role": "assistant", "content": "It rains.", "thinking": "Look outside.", "tool_calls": CALLS},
    **DONE,
}
PIECES: list[dict[str, Any]] = [
    HEAD | {"message": {"role": "assistant", "content": "", "thinking": "Look "}, "done": False},
    HEAD | {"message": {"role": "assistant", "content": "", "thinking": "outside."}, "done": False},
    HEAD | {"message": {"role": "assistant", "content": "It "}, "done": False},
    HEAD | {"message": {"role": "assistant", "content": "rains."}, "done": False},
    HEAD | {"message": {"role": "assistant", "content": "", "tool_calls": CALLS[:1]}, "done": False},
    HEAD | {"message": {"role": "assistant", "content": "", "tool_calls": CALLS[1:]}, "done": False},
    HEAD | {"message": {"role": "assistant", "content": ""}, **DONE},
]


def lines(*pieces: dict[str, Any], end: str = "\n") -> bytes:
    return b"".join(json.dumps(piece).encode() + end.encode() for piece in pieces)


STREAM = lines(*PIECES)


def whole(message: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    body = HEAD | {"message": {"role": "assistant", "content": "Hi"} | (message or {})} | DONE | more
    return of_result(OLLAMA.decode_result(json.dumps(body).encode()))


def test_a_whole_answer_says_the_same_to_every_client() -> None:
    result = OLLAMA.decode_result(json.dumps(WHOLE).encode())
    meaning = of_result(result)
    assert (meaning["text"], meaning["reasoning"]) == ("It rains.", "Look outside.")
    assert [call[1:] for call in meaning["calls"]] == [("weather", {"city": "Oslo"}), ("now", {})]
    assert (meaning["finish"], meaning["usage"]) == ("tool_calls", (20, 9, 0, 0))
    assert (result.model, result.created) == ("small:1b", 1767323045)
    for client in CLIENTS:
        assert _told(of_result(client.decode_result(client.encode_result(result)))) == _told(meaning)


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_a_stream_says_the_same_to_every_client_in_any_chunking(size: int, end: str) -> None:
    body = lines(*PIECES, end=end)
    events = decoded(OLLAMA, body, size)
    assert repr(events) == repr(decoded(OLLAMA, STREAM))
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Ended)
    meaning = of_events(events)
    assert meaning == of_result(OLLAMA.decode_result(json.dumps(WHOLE).encode()))
    for client in CLIENTS:
        assert _told(of_events(decoded(client, encoded(client, events)))) == _told(meaning)


def test_a_stream_that_comes_as_one_line_is_complete() -> None:
    events = decoded(OLLAMA, json.dumps(WHOLE).encode())
    assert of_events(events)["text"] == "It rains."
    assert isinstance(events[-1], Ended)


def test_made_ids_are_stable_within_an_answer_and_differ_between_answers() -> None:
    twice = {"tool_calls": [CALLS[0], CALLS[0]]}
    first = [call[0] for call in whole(twice)["calls"]]
    assert first == [call[0] for call in whole(twice)["calls"]]
    assert len(set(first)) == 2
    later = [call[0] for call in whole(twice, created_at="2026-01-02T03:04:06Z")["calls"]]
    assert not set(first) & set(later)


def test_an_id_given_twice_becomes_two() -> None:
    same = [{"id": "call_x", "function": {"name": "now", "arguments": {}}}] * 2
    ids = [call[0] for call in whole({"tool_calls": same})["calls"]]
    assert ids[0] == "call_x"
    assert len(set(ids)) == 2
    events = decoded(OLLAMA, lines(HEAD | {"message": {"tool_calls": same}, **DONE}))
    assert len({event.id for event in events if isinstance(event, ToolCallStart)}) == 2


@pytest.mark.parametrize(
    ("said_reason", "finish"),
    [
        ("stop", FinishReason.STOP),
        ("length", FinishReason.LENGTH),
        ("load", FinishReason.OTHER),
        ("unload", FinishReason.OTHER),
        ("new-one", FinishReason.OTHER),
        (None, FinishReason.STOP),
    ],
)
def test_every_reason_to_end_is_understood(said_reason: str | None, finish: FinishReason) -> None:
    assert whole(done_reason=said_reason)["finish"] is finish
    done = HEAD | DONE | {"done_reason": said_reason}  # the last line may lack its message
    assert of_events(decoded(OLLAMA, lines(PIECES[2], done)))["finish"] is finish


def test_a_prompt_that_goes_uncounted_is_marked_as_estimated() -> None:
    body = {key: value for key, value in WHOLE.items() if key != "prompt_eval_count"}
    usage = OLLAMA.decode_result(json.dumps(body).encode()).usage
    assert usage is not None
    assert (usage.input, usage.output, usage.estimated) == (0, 9, True)
    del body["eval_count"]
    assert OLLAMA.decode_result(json.dumps(body).encode()).usage is None


def test_the_text_of_the_older_endpoint_is_read_too() -> None:
    body = lines(HEAD | {"response": "It ", "done": False}, HEAD | {"response": "rains.", "done": False}, HEAD | DONE)
    assert of_events(decoded(OLLAMA, body))["text"] == "It rains."
    result = OLLAMA.decode_result(json.dumps(HEAD | {"response": "It rains."} | DONE).encode())
    assert of_result(result)["text"] == "It rains."


def test_log_probabilities_reach_an_openai_client() -> None:
    token = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": [{"token": "Ho", "logprob": -1.5}]}
    body = HEAD | {"message": {"content": "Hi"}, "logprobs": [token, {"token": "!", "logprob": -1}]} | DONE
    result = OLLAMA.decode_result(json.dumps(body).encode())
    written = json.loads(CLIENT_FORMATS["openai-chat"].encode_result(result))["choices"][0]["logprobs"]
    other = {"token": "Ho", "logprob": -1.5, "bytes": [72, 111]}
    assert written["content"][0] == token | {"top_logprobs": [other]}
    assert written["content"][1] == {"token": "!", "logprob": -1, "bytes": [33], "top_logprobs": []}


def test_a_picture_in_an_answer_gets_its_media_type_from_its_first_bytes() -> None:
    result = OLLAMA.decode_result(
        json.dumps(HEAD | {"message": {"content": "", "images": ["/9j/4AAQ"]}} | DONE).encode()
    )
    assert "image/jpeg" in repr(result.choices[0].parts)


@pytest.mark.parametrize("cut", range(0, len(STREAM) - len(json.dumps(PIECES[-1])) - 1, 41))
def test_a_stream_cut_before_its_done_never_looks_finished(cut: int) -> None:
    events = decoded(OLLAMA, STREAM[:cut])
    assert isinstance(events[-1], StreamFailed)
    assert not any(isinstance(event, Ended) for event in events)


def test_an_error_in_a_stream_ends_it() -> None:
    body = lines(PIECES[2], {"error": "an error was encountered while running the model"}, PIECES[-1])
    events = decoded(OLLAMA, body)
    assert isinstance(events[-1], StreamFailed)
    assert events[-1].error.message == "an error was encountered while running the model"
    with pytest.raises(UpstreamError, match="not found"):
        OLLAMA.decode_result(b'{"error":"model \'x\' not found"}')
    assert read_error(b'{"error":"model \'x\' not found"}') == ("model 'x' not found", None)


def test_what_follows_the_end_is_not_looked_at() -> None:
    assert repr(decoded(OLLAMA, STREAM + b"garbage\n{}\n")) == repr(decoded(OLLAMA, STREAM))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"{", b'{"message":7}', b'{"done":true}', b"\xff", STREAM])
def test_what_is_no_whole_answer_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        OLLAMA.decode_result(body)


@pytest.mark.parametrize("body", [b"garbage\n", b"[1]\n", b'"text"\n', b"{\n", b"\xff\xfe\n"])
def test_a_line_that_is_no_object_makes_the_stream_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        OLLAMA.decoder().feed(body)


@fuzz
@given(data=st.data())
def test_no_broken_bytes_bring_anything_but_our_errors(data: st.DataObject) -> None:
    body = data.draw(mutations(STREAM))
    with contextlib.suppress(UnreadableAnswer):
        for client in CLIENTS:
            encoded(client, decoded(OLLAMA, body, data.draw(st.integers(1, 400))))
    result = data.draw(mutations(json.dumps(WHOLE).encode()))
    read_error(result)
    with contextlib.suppress(UpstreamError):
        OLLAMA.decode_result(result)


@fuzz
@given(data=st.data())
def test_no_value_of_a_wrong_type_brings_anything_but_our_errors(data: st.DataObject) -> None:
    with contextlib.suppress(UpstreamError):
        result = OLLAMA.decode_result(json.dumps(twisted(WHOLE, data)).encode())
        for client in CLIENTS:
            client.encode_result(result)
    with contextlib.suppress(UnreadableAnswer):
        decoded(OLLAMA, b"".join(json.dumps(piece).encode() + b"\n" for piece in _list(twisted(PIECES, data))))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _told(meaning: dict[str, Any]) -> dict[str, Any]:
    """A client's format may mark thoughts so that they come back to it: that is no part of what was said."""
    return {key: value for key, value in meaning.items() if key != "signatures"}
