"""Answers that end oddly: words of many makers, failures that look like answers, ends that the content belies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.chat import (
    ChatResult,
    Choice,
    Ended,
    Event,
    Finished,
    FinishReason,
    StreamFailed,
    Text,
    TextDelta,
    ToolCallStart,
    Usage,
    UsageReport,
)
from app.core.errors import AnyGPTError, Throttled, UpstreamDown
from app.formats.base import Peek
from app.formats.gemini import words as gemini_words
from app.formats.openai_chat.words import read_finish, read_usage
from app.formats.registry import CLIENT_FORMATS, FORMATS
from app.formats.sse import SSEReader
from tests.formats.meaning import of_events
from tests.formats.samples import DONE, USAGE, candidate, chunk, delta
from tests.formats.test_recorded_answers import decoded

CHAT, GEMINI = FORMATS["openai-chat"], FORMATS["gemini"]
CLAUDE = CLIENT_FORMATS["anthropic-messages"]
FAILED = FinishReason.ERROR
# what a client reads as the end, by format
ENDS = {
    "openai-chat": ("finish_reason", "length"),
    "openai-responses": ("status", "incomplete"),
    "anthropic-messages": ("stop_reason", "max_tokens"),
    "gemini": ("finishReason", "OTHER"),
}


def whole(word: str, content: str | None = "Hi", **fields: Any) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": content, **fields}, "finish_reason": word}
    return json.dumps({"id": "x", "model": "m", "choices": [choice], "usage": USAGE}).encode()


def error_of(events: list[Event]) -> AnyGPTError:
    found = [event.error for event in events if isinstance(event, StreamFailed)]
    assert len(found) == 1
    assert not any(isinstance(event, Ended | Finished) for event in events)
    return found[0]


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("insufficient_system_resource", FAILED),
        ("abort", FAILED),
        ("malformed_function_call", FAILED),
        ("function_call_filter: MALFORMED_FUNCTION_CALL", FAILED),
        ("content_filter: RECITATION", FinishReason.CONTENT_FILTER),
        ("RECITATION", FinishReason.CONTENT_FILTER),
        ("PROHIBITED_CONTENT", FinishReason.CONTENT_FILTER),
        ("content-filter", FinishReason.CONTENT_FILTER),
        ("model_context_window_exceeded", FinishReason.LENGTH),
        ("MAX_TOKENS", FinishReason.LENGTH),
        ("COMPLETE", FinishReason.STOP),
        ("novelty", FinishReason.OTHER),
    ],
)
def test_words_for_the_end_of_many_makers_are_known(word: str, reason: FinishReason) -> None:
    assert read_finish(word, False) is reason


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("MALFORMED_RESPONSE", FAILED),
        ("MISSING_THOUGHT_SIGNATURE", FAILED),
        ("TOO_MANY_TOOL_CALLS", FAILED),
        ("NO_IMAGE", FAILED),
        ("IMAGE_OTHER", FAILED),
        ("LANGUAGE", FinishReason.CONTENT_FILTER),
        ("OTHER", FinishReason.OTHER),
    ],
)
def test_geminis_words_for_the_end_are_known(word: str, reason: FinishReason) -> None:
    assert gemini_words.read_finish(word, False) is reason


@pytest.mark.parametrize("client", ENDS)
@pytest.mark.parametrize("said", [True, False], ids=["after text", "empty"])
def test_an_end_that_nobody_knows_is_no_stop_where_nothing_was_said(client: str, said: bool) -> None:
    wire, (key, word) = CLIENT_FORMATS[client], ENDS[client]
    encoder = wire.encoder(Peek(model="m", stream=True))
    spoken = encoder.encode(TextDelta("Hi")) if said else b""
    body = spoken + encoder.encode(Finished(FinishReason.OTHER)) + encoder.end()
    streamed = [_value(json.loads(frame.data), key) for frame in SSEReader().feed(body) if frame.data != b"[DONE]"]
    parts = [Text("Hi")] if said else []
    result = ChatResult(id="x", model="m", choices=[Choice(parts=list(parts), finish=FinishReason.OTHER)])
    written = _value(json.loads(wire.encode_result(result)), key)
    found = {next(value for value in reversed(streamed) if value), written}
    assert (found == {word}) is (not said or client == "gemini")


def _value(value: Any, key: str) -> Any:
    """What stands under a key, wherever it is."""
    if isinstance(value, dict):
        return value.get(key) or next(filter(None, (_value(item, key) for item in value.values())), None)
    return next(filter(None, (_value(item, key) for item in value)), None) if isinstance(value, list) else None


@pytest.mark.parametrize("text", [[], [{"text": "Hi"}]], ids=["empty", "after text"])
def test_geminis_malformed_call_is_a_failure(text: list[dict[str, Any]]) -> None:
    usage = {"promptTokenCount": 25, "totalTokenCount": 25}
    last = {"finishReason": "MALFORMED_FUNCTION_CALL", "index": 0, "finishMessage": "Malformed function call: print(x)"}
    body = {"candidates": [last], "usageMetadata": usage, "responseId": "r"}
    stream = (
        (candidate(text) if text else b"") + b"data: " + json.dumps(body).encode() + b"\n\n" + candidate([], "STOP")
    )
    events = decoded(GEMINI, stream)
    error = error_of(events)
    assert isinstance(error, UpstreamDown)
    assert "MALFORMED_FUNCTION_CALL: Malformed function call: print(x)" in error.message
    assert UsageReport(Usage(input=25)) in events
    assert any(isinstance(event, TextDelta) for event in events) is bool(text)
    with pytest.raises(UpstreamDown, match="print"):
        GEMINI.decode_result(json.dumps(body | {"candidates": [last | {"content": {"parts": text}}]}).encode())


@pytest.mark.parametrize("word", ["error", "insufficient_system_resource", "abort"])
def test_an_answer_that_ended_in_an_error_is_a_failure(word: str) -> None:
    assert isinstance(error_of(decoded(CHAT, delta(content="Hi") + delta(word) + DONE)), UpstreamDown)
    with pytest.raises(UpstreamDown, match="ended its answer with an error"):
        CHAT.decode_result(whole(word))
    chat = CLIENT_FORMATS["openai-chat"]
    with pytest.raises(UpstreamDown, match="ended its answer with an error"):
        chat.result_usage(whole(word, None))
    assert chat.result_usage(whole(word))[1] is FAILED


@pytest.mark.parametrize(
    ("failure", "kind", "message"),
    [
        (b'data: {"object":"error","message":"EngineCore died","code":500}\n\n', UpstreamDown, "EngineCore died"),
        (b'event: error\ndata: {"message":"Too fast","code":429}\n\n', Throttled, "Too fast"),
        (chunk([{"index": 0, "delta": {}}], x_groq={"error": "over capacity"}), UpstreamDown, "over capacity"),
        (chunk([], x_groq={"error": {"message": "over capacity"}}), UpstreamDown, "over capacity"),
    ],
    ids=["vLLM", "event", "Groq", "Groq's object"],
)
def test_a_failure_said_in_another_place_is_one(failure: bytes, kind: type[AnyGPTError], message: str) -> None:
    error = error_of(decoded(CHAT, delta(content="Hel") + failure + delta("stop") + DONE))
    assert (type(error), error.message) == (kind, message)


def test_a_whole_body_that_is_an_error_is_one() -> None:
    for read in (CHAT.decode_result, CLIENT_FORMATS["openai-chat"].result_usage):
        with pytest.raises(Throttled, match="Too fast"):
            read(b'{"object":"error","message":"Too fast","code":429}')


def test_groqs_usage_beside_no_error_is_no_failure() -> None:
    events = decoded(CHAT, delta(content="Hi") + chunk([], x_groq={"id": "r", "error": None}) + delta("stop") + DONE)
    assert isinstance(events[-1], Ended)


def test_a_message_beside_the_deltas_says_nothing_twice() -> None:
    def both(fields: Any, said: str, finish: str | None = None) -> bytes:
        message = {"role": "assistant", "content": said}
        return chunk([{"index": 0, "finish_reason": finish, "message": message} | fields])

    full = both({"delta": {"content": "Hel"}}, "Hel") + both({"delta": {"content": "lo"}}, "Hello")
    for last in ({"delta": {}}, {"delta": None}, {}):
        assert of_events(decoded(CHAT, full + both(last, "Hello", "stop") + DONE))["text"] == "Hello"
    assert of_events(decoded(CHAT, both({}, "Hello", "stop") + DONE))["text"] == "Hello"


def test_a_finish_with_tools_needs_one() -> None:
    body = delta(content="Done.") + delta("tool_calls") + DONE
    assert of_events(decoded(CHAT, body))["finish"] is FinishReason.STOP
    assert CHAT.decode_result(whole("tool_calls")).choices[0].finish is FinishReason.STOP
    custom = {"id": "c", "type": "custom", "custom": {"name": "patch", "input": "x"}}
    called = CHAT.decode_result(whole("tool_calls", None, tool_calls=[custom]))
    assert called.choices[0].finish is FinishReason.TOOL_CALLS
    assert json.loads(CLAUDE.encode_result(called))["stop_reason"] == "end_turn"  # which cannot show this call
    for calls, word in (([], b'"end_turn"'), ([ToolCallStart(0, "c", "f")], b'"tool_use"')):
        encoder = CLAUDE.encoder(Peek(model="m", stream=True))
        for event in (*calls, Finished(FinishReason.TOOL_CALLS)):
            encoder.encode(event)
        assert b'"stop_reason":' + word in encoder.end()


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        # SGLang: within the completion
        ({"prompt_tokens": 7, "completion_tokens": 100, "total_tokens": 107, "reasoning_tokens": 60}, (7, 100, 60, 0)),
        # Perplexity's deep research: the total does not count them, and it is what the provider says was used
        (
            {"prompt_tokens": 7, "completion_tokens": 38, "total_tokens": 45, "reasoning_tokens": 712},
            (7, 38, 38, 0),
        ),
        # Qwen
        (
            {
                "prompt_tokens": 2000,
                "completion_tokens": 10,
                "total_tokens": 2010,
                "prompt_tokens_details": {"cached_tokens": 0, "cache_creation_input_tokens": 1494},
            },
            (2000, 10, 0, 1494),
        ),
    ],
)
def test_usage_stands_in_more_places(usage: dict[str, Any], expected: tuple[int, ...]) -> None:
    found = read_usage(usage)
    assert found is not None
    assert (found.input, found.output, found.reasoning, found.cache_write) == expected
