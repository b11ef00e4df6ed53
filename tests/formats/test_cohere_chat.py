"""Cohere's chat: what both of its APIs answer, and what breaks."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.chat import CitationDelta, Ended, FinishReason, Started, StreamFailed, Text, UsageReport
from app.core.errors import ContextTooLong, UnreadableAnswer, UpstreamDown, UpstreamError, UpstreamTimeout
from app.formats.failures import read_error
from app.formats.registry import CLIENT_FORMATS, FORMATS
from tests.formats.meaning import of_events, of_result
from tests.formats.test_recorded_answers import decoded, encoded
from tests.formats.upstream import mutations, twisted

COHERE = FORMATS["cohere-chat"]
CLIENTS = list(CLIENT_FORMATS.values())
fuzz = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))

CALLS = [
    {"id": "weather_a", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}},
    {"id": "now_b", "type": "function", "function": {"name": "now", "arguments": "{}"}},
]
USAGE = {
    "billed_units": {"input_tokens": 5, "output_tokens": 3},
    "tokens": {"input_tokens": 20, "output_tokens": 9, "reasoning_tokens": 4},
    "cached_tokens": 8,
}
WHOLE = {
    "id": "answer-1",
    "message": {
        "role": "assistant",
        "content": [{"type": "thinking", "thinking": "Look outside."}, {"type": "text", "text": "It rains."}],
        "tool_calls": CALLS,
    },
    "finish_reason": "TOOL_CALL",
    "usage": USAGE,
}


def event(kind: str, index: int | None = None, **message: Any) -> dict[str, Any]:
    value: dict[str, Any] = {"type": kind, "delta": {"message": message}}
    return value if index is None else value | {"index": index}


def call(arguments: str) -> dict[str, Any]:
    return {"function": {"arguments": arguments}}


END = {"type": "message-end", "delta": {"finish_reason": "TOOL_CALL", "usage": USAGE}}
EVENTS: list[dict[str, Any]] = [
    event("message-start", role="assistant", content=[], tool_plan="", tool_calls=[], citations=[])
    | {"id": "answer-1"},
    event("content-start", 0, content={"type": "thinking", "thinking": ""}),
    event("content-delta", 0, content={"thinking": "Look "}),
    event("content-delta", 0, content={"thinking": "outside."}),
    {"type": "content-end", "index": 0},
    event("content-start", 1, content={"type": "text", "text": ""}),
    event("content-delta", 1, content={"text": "It "}),
    event("content-delta", 1, content={"text": "rains."}),
    {"type": "content-end", "index": 1},
    event("tool-call-start", 0, tool_calls=CALLS[0] | {"function": {"name": "weather", "arguments": ""}}),
    event("tool-call-delta", 0, tool_calls=call('{"city":')),
    event("tool-call-delta", 0, tool_calls=call('"Oslo"}')),
    {"type": "tool-call-end", "index": 0},
    event("tool-call-start", 1, tool_calls=CALLS[1] | {"function": {"name": "now", "arguments": ""}}),
    {"type": "tool-call-end", "index": 1},
    {"type": "debug", "prompt": "…"},
    END,
]
FIRST: list[dict[str, Any]] = [  # the first API's
    {"is_finished": False, "event_type": "stream-start", "generation_id": "answer-1"},
    {"is_finished": False, "event_type": "text-generation", "text": "It "},
    {"is_finished": False, "event_type": "text-generation", "text": "rains."},
    {
        "is_finished": True,
        "event_type": "stream-end",
        "finish_reason": "COMPLETE",
        "response": {"text": "It rains.", "finish_reason": "COMPLETE", "meta": USAGE},
    },
]


def sse(*events: dict[str, Any], end: str = "\n") -> bytes:
    written = "".join(f"event: {one.get('type')}{end}data: {json.dumps(one)}{end}{end}" for one in events)
    return written.encode()


def lines(*events: dict[str, Any], end: str = "\n") -> bytes:
    return "".join(json.dumps(one) + end for one in events).encode()


STREAM = sse(*EVENTS) + b"data: [DONE]\n\n"


def whole(**changes: Any) -> dict[str, Any]:
    return of_result(COHERE.decode_result(json.dumps(WHOLE | changes).encode()))


def test_a_whole_answer_says_the_same_to_every_client() -> None:
    meaning = whole()
    assert (meaning["text"], meaning["reasoning"]) == ("It rains.", "Look outside.")
    assert meaning["calls"] == [("weather_a", "weather", {"city": "Oslo"}), ("now_b", "now", {})]
    assert (meaning["finish"], meaning["usage"]) == ("tool_calls", (20, 9, 8, 4))
    result = COHERE.decode_result(json.dumps(WHOLE).encode())
    for client in CLIENTS:
        assert _told(of_result(client.decode_result(client.encode_result(result)))) == _told(meaning)


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_stream_says_the_same_to_every_client_in_any_chunking(size: int, end: str) -> None:
    events = decoded(COHERE, sse(*EVENTS, end=end), size)
    assert repr(events) == repr(decoded(COHERE, STREAM))
    assert events[0] == Started("answer-1", "")
    assert isinstance(events[-1], Ended)
    meaning = of_events(events)
    assert meaning == whole()
    for client in CLIENTS:
        assert _told(of_events(decoded(client, encoded(client, events)))) == _told(meaning)


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_the_first_apis_lines_are_read(size: int, end: str) -> None:
    events = decoded(COHERE, lines(*FIRST, end=end), size)
    meaning = of_events(events)
    assert (meaning["text"], meaning["finish"], meaning["usage"]) == ("It rains.", "stop", (20, 9, 8, 4))
    assert isinstance(events[-1], Ended)
    framed = sse(*(one | {"type": one["event_type"]} for one in FIRST))
    assert repr(decoded(COHERE, framed)) == repr(events)


def test_the_first_apis_calls_come_whole_with_made_ids() -> None:
    pieces = [
        FIRST[0],
        {"event_type": "tool-calls-chunk", "text": "I will look."},
        {"event_type": "tool-calls-chunk", "tool_call_delta": {"index": 0, "name": "weather", "parameters": '{"ci'}},
        {
            "event_type": "tool-calls-generation",
            "text": "I will look.",
            "tool_calls": [{"name": "weather", "parameters": {"city": "Oslo"}}, {"name": "now", "parameters": {}}],
        },
        FIRST[-1],
    ]
    meaning = of_events(decoded(COHERE, lines(*pieces)))
    assert meaning["reasoning"] == "I will look."
    assert [one[1:] for one in meaning["calls"]] == [("weather", {"city": "Oslo"}), ("now", {})]
    assert meaning["finish"] == "tool_calls"
    answer = {
        "generation_id": "answer-1",
        "text": "I will look.",
        "tool_calls": pieces[3]["tool_calls"],
        "finish_reason": "COMPLETE",
        "meta": USAGE,
    }
    result = of_result(COHERE.decode_result(json.dumps(answer).encode()))
    assert result == meaning
    at_the_end = [FIRST[0], FIRST[-1] | {"response": answer}]
    assert of_events(decoded(COHERE, lines(*at_the_end)))["calls"] == meaning["calls"]


def test_an_answer_that_ignored_stream_is_read() -> None:
    events = decoded(COHERE, json.dumps(WHOLE).encode() + b"\n")
    assert of_events(events) == whole()
    assert isinstance(events[-1], Ended)


def test_the_plan_before_calls_is_reasoning() -> None:
    message = {"role": "assistant", "tool_plan": "I will look.", "tool_calls": CALLS}
    assert whole(message=message)["reasoning"] == "I will look."
    body = sse(
        EVENTS[0], event("tool-plan-delta", tool_plan="I will "), event("tool-plan-delta", tool_plan="look."), END
    )
    assert of_events(decoded(COHERE, body))["reasoning"] == "I will look."


CITATION = {
    "start": 3,
    "end": 8,
    "text": "rains",
    "sources": [{"type": "document", "id": "d", "document": {"id": "d", "url": "https://w.example", "title": "W"}}],
    "type": "TEXT_CONTENT",
}


def test_citations_of_documents_with_an_address_reach_an_openai_client() -> None:
    expected = {
        "type": "url_citation",
        "url_citation": {"url": "https://w.example", "title": "W", "start_index": 3, "end_index": 8},
    }
    bare = CITATION | {"sources": [{"type": "tool", "id": "t:0", "tool_output": {"a": "b"}}]}
    message = {"role": "assistant", "content": [{"type": "text", "text": "It rains."}], "citations": [CITATION, bare]}
    result = COHERE.decode_result(json.dumps(WHOLE | {"message": message}).encode())
    text = result.choices[0].parts[0]
    assert isinstance(text, Text)
    assert text.citations == [expected, bare]
    assert json.loads(CLIENT_FORMATS["openai-chat"].encode_result(result))["choices"][0]["message"]["annotations"] == [
        expected
    ]
    body = sse(EVENTS[0], EVENTS[6], event("citation-start", 0, citations=CITATION), {"type": "citation-end"}, END)
    found = [one.value for one in decoded(COHERE, body) if isinstance(one, CitationDelta)]
    assert found == [expected]
    first = {"event_type": "citation-generation", "citations": [{"start": 3, "end": 8, "document_ids": ["d", "x"]}]}
    documents = {"event_type": "search-results", "documents": [CITATION["sources"][0]["document"]]}  # type: ignore[index]
    events = decoded(COHERE, lines(FIRST[0], documents, FIRST[1], first, FIRST[-1]))
    assert [one.value for one in events if isinstance(one, CitationDelta)] == [expected]


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("COMPLETE", FinishReason.STOP),
        ("STOP_SEQUENCE", FinishReason.STOP),
        ("MAX_TOKENS", FinishReason.LENGTH),
        ("ERROR_LIMIT", FinishReason.LENGTH),
        ("ERROR_TOXIC", FinishReason.CONTENT_FILTER),
        ("USER_CANCEL", FinishReason.OTHER),
        ("NEW_ONE", FinishReason.OTHER),
        (None, FinishReason.STOP),
    ],
)
def test_every_reason_to_end_is_understood(reason: str | None, finish: FinishReason) -> None:
    message = {"role": "assistant", "content": "Hi"}
    assert whole(message=message, finish_reason=reason)["finish"] is finish
    body = sse(EVENTS[0], EVENTS[6], {"type": "message-end", "delta": {"finish_reason": reason}})
    assert of_events(decoded(COHERE, body))["finish"] is finish


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        ({"finish_reason": "ERROR", "error": "bad tool", "error_type": "INVALID_TOOL_GENERATION"}, UpstreamDown),
        ({"finish_reason": "ERROR", "error": "too many tokens", "error_type": "TOO_MANY_TOKENS"}, ContextTooLong),
        ({"finish_reason": "ERROR"}, UpstreamDown),
        ({"finish_reason": "TIMEOUT"}, UpstreamTimeout),
    ],
)
def test_an_answer_that_ends_in_an_error_is_that_error(end: dict[str, Any], kind: type[UpstreamError]) -> None:
    with pytest.raises(kind) as raised:
        COHERE.decode_result(json.dumps(WHOLE | end).encode())
    assert raised.value.message
    events = decoded(COHERE, sse(EVENTS[0], EVENTS[6], {"type": "message-end", "delta": {"usage": USAGE} | end}))
    assert isinstance(events[-1], StreamFailed)
    assert isinstance(events[-1].error, kind)
    assert isinstance(events[-2], UsageReport)
    first = decoded(COHERE, lines(FIRST[0], {"event_type": "stream-end"} | end))
    assert isinstance(first[-1], StreamFailed)


def test_an_error_in_place_of_an_event_ends_the_stream() -> None:
    error = {"id": "1", "message": "internal error"}
    for body in (
        sse(EVENTS[0]) + b"data: " + json.dumps(error).encode() + b"\n\n",
        lines(FIRST[0], error),
        lines(error),
    ):
        events = decoded(COHERE, body + STREAM)
        assert isinstance(events[-1], StreamFailed)
        assert events[-1].error.message == "internal error"
    with pytest.raises(UpstreamError, match="internal error"):
        COHERE.decode_result(json.dumps(error).encode())


def test_an_error_body_gives_its_message_and_kind() -> None:
    body = b'{"error_type":"TOO_MANY_TOKENS","id":"1","message":"too many tokens"}'
    assert read_error(body) == ("too many tokens", "TOO_MANY_TOKENS")
    assert read_error(b'{"message":"invalid api token"}') == ("invalid api token", None)
    assert read_error(b"upstream connect error") == ("upstream connect error", None)


def test_usage_is_what_the_model_read_with_pictures_beside_the_text() -> None:
    tokens = {"input_tokens": 34.0, "output_tokens": 56.0, "image_tokens": 259.0}
    usage = COHERE.decode_result(json.dumps(WHOLE | {"usage": USAGE | {"tokens": tokens}}).encode()).usage
    assert usage is not None
    assert (usage.input, usage.output, usage.image_input, usage.cache_read) == (293, 56, 259, 8)
    assert whole(usage={"billed_units": {"input_tokens": 5, "output_tokens": 3}})["usage"] == (5, 3, 0, 0)
    assert whole(usage={})["usage"] is None
    assert whole(usage={"billed_units": {"search_units": 1}})["usage"] is None


def test_log_probabilities_reach_an_openai_client() -> None:
    pieces = [{"text": "Hi", "token_ids": [1], "logprobs": [-0.5]}, {"text": "!", "token_ids": [2, 3]}]
    result = COHERE.decode_result(json.dumps(WHOLE | {"logprobs": pieces}).encode())
    written = json.loads(CLIENT_FORMATS["openai-chat"].encode_result(result))["choices"][0]["logprobs"]["content"]
    assert written[0] == {"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}


@pytest.mark.parametrize("cut", range(0, len(sse(*EVENTS[:-1])), 61))
def test_a_stream_cut_before_its_end_never_looks_finished(cut: int) -> None:
    events = decoded(COHERE, STREAM[:cut])
    assert isinstance(events[-1], StreamFailed)
    assert not any(isinstance(one, Ended) for one in events)


@pytest.mark.parametrize("cut", range(0, len(lines(*FIRST[:-1])) + 20, 23))
def test_lines_cut_before_their_end_never_look_finished(cut: int) -> None:
    assert isinstance(decoded(COHERE, lines(*FIRST)[:cut])[-1], StreamFailed)


def test_what_follows_the_end_is_not_looked_at() -> None:
    assert repr(decoded(COHERE, STREAM + b"data: garbage\n\n")) == repr(decoded(COHERE, STREAM))
    assert repr(decoded(COHERE, sse(*EVENTS))) == repr(decoded(COHERE, STREAM))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"{", b'{"message":7}', b'{"text":7}', b"\xff"])
def test_what_is_no_whole_answer_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        COHERE.decode_result(body)


@pytest.mark.parametrize("body", [b"data: garbage\n\n", b"data: [1]\n\n", b"{\n", b"data: \xff\n\n"])
def test_garbage_makes_the_stream_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        COHERE.decoder().feed(body)


@fuzz
@given(data=st.data())
def test_no_broken_bytes_bring_anything_but_our_errors(data: st.DataObject) -> None:
    body = data.draw(mutations(data.draw(st.sampled_from([STREAM, lines(*FIRST)]))))
    with contextlib.suppress(UnreadableAnswer):
        events = decoded(COHERE, body, data.draw(st.integers(1, 400)))
        for client in CLIENTS:
            encoded(client, events)
    result = data.draw(mutations(json.dumps(WHOLE).encode()))
    read_error(result)
    with contextlib.suppress(UpstreamError):
        COHERE.decode_result(result)


@fuzz
@given(data=st.data())
def test_no_value_of_a_wrong_type_brings_anything_but_our_errors(data: st.DataObject) -> None:
    with contextlib.suppress(UpstreamError):
        result = COHERE.decode_result(json.dumps(twisted(WHOLE, data)).encode())
        for client in CLIENTS:
            client.encode_result(result)
    for samples in (EVENTS, FIRST):
        value = twisted(samples, data)
        pieces = value if isinstance(value, list) else [value]
        for body in (
            b"".join(b"data: %b\n\n" % json.dumps(piece).encode() for piece in pieces),
            b"".join(b"%b\n" % json.dumps(piece).encode() for piece in pieces),
        ):
            with contextlib.suppress(UnreadableAnswer):
                decoded(COHERE, body)


def _told(meaning: dict[str, Any]) -> dict[str, Any]:
    """A client's format may mark thoughts so that they come back to it: that is no part of what was said."""
    return {key: value for key, value in meaning.items() if key != "signatures"}
