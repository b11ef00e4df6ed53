"""Answers of OpenAI's Responses: read, written, relayed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.chat import (
    ChatResult,
    Choice,
    CitationDelta,
    Event,
    Finished,
    FinishReason,
    Foreign,
    ForeignDelta,
    Image,
    Reasoning,
    ReasoningDelta,
    Refusal,
    RefusalDelta,
    Started,
    StreamFailed,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStart,
    Usage,
    UsageReport,
)
from app.core.errors import ContextTooLong, Throttled, UnreadableAnswer, UpstreamDown
from app.formats.base import Peek
from app.formats.openai_responses.words import read_usage
from app.formats.registry import CLIENT_FORMATS
from app.formats.sse import SSEReader
from tests.formats.meaning import of_events
from tests.formats.samples import DONE, RESPONSE, RESULTS, STREAMS, responses
from tests.formats.test_recorded_answers import decoded, tapped

RESPONSES, CHAT = CLIENT_FORMATS["openai-responses"], CLIENT_FORMATS["openai-chat"]
CLAUDE = CLIENT_FORMATS["anthropic-messages"]
SEARCH = {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "x"}}


def answered(*output: dict[str, Any], **fields: Any) -> bytes:
    return json.dumps(RESPONSE | {"output": list(output)} | fields).encode()


def streamed(*events: Event) -> list[dict[str, Any]]:
    encoder = RESPONSES.encoder(Peek(model="m", max_tokens=50, user="u1", metadata={"a": "b"}))
    body = b"".join(encoder.encode(event) for event in events) + encoder.end()
    return [json.loads(frame.data) for frame in SSEReader().feed(body)]


def final(body: bytes) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(SSEReader().feed(body)[-1].data)["response"]
    return value


def test_items_only_this_format_knows_stay_and_pictures_become_parts() -> None:
    picture = {"id": "ig_1", "type": "image_generation_call", "status": "completed", "result": "QQ=="}
    parts = RESPONSES.decode_result(answered(SEARCH, picture)).choices[0].parts
    assert parts == [Foreign("openai-responses", SEARCH), Image(data="QQ==", media_type="image/png")]
    again = json.loads(RESPONSES.encode_result(RESPONSES.decode_result(answered(SEARCH, picture))))["output"]
    assert again[0] == SEARCH
    assert again[1]["result"] == "QQ=="


@pytest.mark.parametrize(
    ("fields", "finish"),
    [
        ({}, FinishReason.STOP),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, FinishReason.LENGTH),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, FinishReason.CONTENT_FILTER),
        ({"status": "incomplete", "incomplete_details": None}, FinishReason.OTHER),
    ],
)
def test_the_status_is_read_as_a_finish(fields: dict[str, Any], finish: FinishReason) -> None:
    body = answered(RESPONSE["output"][1], **fields)
    assert RESPONSES.decode_result(body).choices[0].finish is finish
    assert RESPONSES.result_usage(body)[1] is finish
    stream = responses((f"response.{fields.get('status', 'completed')}", {"response": json.loads(body)}))
    assert of_events(decoded(RESPONSES, stream))["finish"] is finish
    tap = RESPONSES.tap(strip_usage=False)
    tapped(tap, stream, 100)
    assert (tap.finish, tap.ended, tap.content) == (finish, True, True)


def test_an_answer_that_is_only_queued_has_no_usage_yet_and_cannot_be_translated() -> None:
    body = answered(status="queued", usage=None)
    assert RESPONSES.result_usage(body) == (None, None)
    with pytest.raises(UnreadableAnswer):
        RESPONSES.decode_result(body)


def test_a_failed_answer_is_the_error_it_names() -> None:
    failed = {"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "Too fast."}}
    with pytest.raises(Throttled, match="Too fast"):
        RESPONSES.decode_result(answered(**failed))
    with pytest.raises(UpstreamDown):
        RESPONSES.decode_result(answered(status="failed"))
    with pytest.raises(UnreadableAnswer):
        RESPONSES.decode_result(b'{"id":"x"}')
    stream = responses(("response.failed", {"response": RESPONSE | failed}))
    assert isinstance(decoded(RESPONSES, stream)[-1], StreamFailed)
    tap = RESPONSES.tap(strip_usage=False)
    tapped(tap, stream, 50)
    assert (type(tap.error), tap.ended) == (Throttled, False)


@pytest.mark.parametrize(
    "event",
    [
        {"code": "context_length_exceeded", "message": "Too long.", "param": "input"},
        {"error": {"code": "context_length_exceeded", "message": "Too long.", "type": "invalid_request_error"}},
    ],
    ids=["flat", "nested"],
)
def test_an_error_event_is_read_in_both_its_shapes(event: dict[str, Any]) -> None:
    body = responses(("response.created", {"response": RESPONSE}), ("error", event))
    (failure,) = [found for found in decoded(RESPONSES, body) if isinstance(found, StreamFailed)]
    assert (type(failure.error), failure.error.message) == (ContextTooLong, "Too long.")
    tap = RESPONSES.tap(strip_usage=False)
    tapped(tap, body, 64)
    assert isinstance(tap.error, ContextTooLong)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"input_tokens": 5, "output_tokens": 3, "total_tokens": 8, "cost": 0.5}, (5, 3, 0, 0, 500_000_000)),
        (
            {
                "input_tokens": 5,
                "input_tokens_details": {"cached_tokens": 4},
                "output_tokens": 3,
                "output_tokens_details": {"reasoning_tokens": 2},
                "cost_in_usd_ticks": 1000,
            },
            (5, 3, 4, 2, 100),
        ),
        ({"input_tokens": 5, "output_tokens": 3, "output_tokens_details": None}, (5, 3, 0, 0, None)),
    ],
)
def test_usage_is_read_with_its_parts_and_cost(usage: dict[str, Any], expected: tuple[Any, ...]) -> None:
    found = read_usage(usage)
    assert found is not None
    assert (found.input, found.output, found.cache_read, found.reasoning, found.cost) == expected


def test_a_provider_that_sends_no_deltas_is_read_by_its_finished_items() -> None:
    whole = of_events(decoded(RESPONSES, STREAMS["openai-responses"]))
    items = [
        ("response.output_item.done", {"output_index": n, "item": item}) for n, item in enumerate(RESPONSE["output"])
    ]
    assert of_events(decoded(RESPONSES, responses(*items, ("response.completed", {"response": RESPONSE})))) == whole
    assert of_events(decoded(RESPONSES, responses(("response.completed", {"response": RESPONSE})) + DONE)) == whole
    assert of_events(decoded(RESPONSES, RESULTS["openai-responses"])) == whole


def test_the_end_alone_does_not_make_an_answer_whole() -> None:
    body = STREAMS["openai-responses"].rpartition(b"event: response.completed")[0]
    assert isinstance(decoded(RESPONSES, body + DONE)[-1], StreamFailed)
    tap = RESPONSES.tap(strip_usage=False)
    tapped(tap, body + DONE, 100)
    assert not tap.ended


def test_citations_of_addresses_are_said_in_other_formats() -> None:
    flat = {"type": "url_citation", "url": "https://x.test", "title": "X", "start_index": 0, "end_index": 4}
    part = {"type": "output_text", "text": "It is.", "annotations": [flat]}
    result = RESPONSES.decode_result(answered(RESPONSE["output"][1] | {"content": [part]}))
    inner = {key: value for key, value in flat.items() if key != "type"}
    annotations = json.loads(CHAT.encode_result(result))["choices"][0]["message"]["annotations"]
    assert annotations == [{"type": "url_citation", "url_citation": inner}]
    assert json.loads(CLAUDE.encode_result(result))["content"][0]["citations"][0]["url"] == "https://x.test"
    assert json.loads(RESPONSES.encode_result(result))["output"][0]["content"][0]["annotations"] == [flat]
    events = streamed(
        TextDelta("It is."), CitationDelta({"type": "web_search_result_location", "url": "u"}, "anthropic")
    )
    added = next(event for event in events if event["type"] == "response.output_text.annotation.added")
    assert (added["annotation"]["url"], added["annotation_index"]) == ("u", 0)
    assert events[-1]["response"]["output"][0]["content"][0]["annotations"] == [added["annotation"]]


def test_logprobs_of_a_whole_answer_are_kept() -> None:
    entry = {"token": "It", "logprob": -0.1, "bytes": [73], "top_logprobs": []}
    part = {"type": "output_text", "text": "It", "annotations": [], "logprobs": [entry]}
    result = RESPONSES.decode_result(answered(RESPONSE["output"][1] | {"content": [part]}))
    assert json.loads(CHAT.encode_result(result))["choices"][0]["logprobs"] == {"content": [entry], "refusal": None}
    assert json.loads(RESPONSES.encode_result(result))["output"][0]["content"][0]["logprobs"] == [entry]


def test_a_streams_last_event_is_what_a_whole_answer_would_be() -> None:
    parts: list[Any] = [Reasoning("Hm."), Text("Yes."), ToolCall("call_a", "f", "{}"), Refusal("No.")]
    choice = Choice(parts=parts, finish=FinishReason.TOOL_CALLS)
    usage = Usage(input=5, output=3, cache_read=2, reasoning=1)
    whole = json.loads(
        RESPONSES.encode_result(ChatResult(id="resp_7", model="m", created=9, choices=[choice], usage=usage))
    )
    events: list[Event] = [Started("resp_7", "m", 9), ReasoningDelta("Hm."), TextDelta("Ye"), TextDelta("s.")]
    events += [
        ToolCallStart(0, "call_a", "f"),
        RefusalDelta("No."),
        Finished(FinishReason.TOOL_CALLS),
        UsageReport(usage),
    ]
    encoder = RESPONSES.encoder(Peek(model="m"))
    assert final(b"".join(encoder.encode(event) for event in events) + encoder.end()) == whole


def test_every_event_is_numbered_and_in_its_place() -> None:
    events = streamed(Started("chatcmpl-1", "m"), TextDelta("a"), RefusalDelta("b"), Finished(FinishReason.LENGTH))
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"].removeprefix("response.") for event in events] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "content_part.added",
        "refusal.delta",
        "refusal.done",
        "content_part.done",
        "output_item.done",
        "incomplete",
    ]
    last = events[-1]["response"]
    assert last["id"].startswith("resp_")
    assert {event["response"]["id"] for event in events if "response" in event} == {last["id"]}
    assert (last["incomplete_details"], last["output"][0]["status"]) == ({"reason": "max_output_tokens"}, "incomplete")
    assert (last["max_output_tokens"], last["user"], last["metadata"]) == (50, "u1", {"a": "b"})
    assert events[0]["response"]["output"] == []


def test_calls_whose_arguments_come_interleaved_find_their_items() -> None:
    events = streamed(
        ToolCallStart(0, "a", "f"),
        ToolCallStart(1, "b", "g"),
        ToolCallDelta(0, '{"x":'),
        ToolCallDelta(1, "{}"),
        ToolCallDelta(0, "1}"),
    )
    output = events[-1]["response"]["output"]
    assert [(item["call_id"], item["arguments"]) for item in output] == [("a", '{"x":1}'), ("b", "{}")]
    assert len({item["id"] for item in output}) == 2
    for event in events:
        if "item_id" in event:
            assert output[event["output_index"]]["id"] == event["item_id"]


def test_an_own_item_of_the_stream_passes_whole() -> None:
    events = streamed(
        TextDelta("a"), ForeignDelta("openai-responses", SEARCH), ForeignDelta("anthropic", {"type": "x"})
    )
    assert [item["type"] for item in events[-1]["response"]["output"]] == ["message", "web_search_call"]


def test_a_failure_in_the_stream_names_the_error_and_ends_as_failed() -> None:
    encoder = RESPONSES.encoder(Peek(model="m"))
    body = encoder.encode(TextDelta("a")) + encoder.fail(UpstreamDown("It broke off."))
    events = [json.loads(frame.data) for frame in SSEReader().feed(body)]
    assert [event["type"] for event in events[-2:]] == ["error", "response.failed"]
    assert (events[-2]["message"], events[-2]["error"]["message"]) == ("It broke off.", "It broke off.")
    assert events[-1]["response"]["error"] == {"code": "server_error", "message": "It broke off."}
    assert events[-1]["response"]["id"] == events[0]["response"]["id"]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))


def test_a_large_last_event_passes_the_tap_and_is_not_counted_as_text() -> None:
    picture = {"id": "ig_1", "type": "image_generation_call", "status": "completed", "result": "A" * 6_000_000}
    output = [*RESPONSE["output"], picture]
    small = STREAMS["openai-responses"].rpartition(b"event: response.completed")[0]
    body = small + responses(("response.completed", {"response": RESPONSE | {"output": output}}))
    tap = RESPONSES.tap(strip_usage=False)
    out = tapped(tap, body, 65536)
    assert out == small
    assert out + tap.tail == body
    assert (tap.ended, tap.finish) == (True, FinishReason.TOOL_CALLS)
    assert tap.output_text == len("Look outside.It rains.weather") + len('{"city":"Oslo"}')
    assert isinstance(decoded(RESPONSES, body, 65536)[-2], UsageReport)


def test_the_words_of_an_end_inside_text_are_no_end() -> None:
    body = STREAMS["openai-responses"].replace(b'"It "', b'"\\"response.completed\\" \\"error\\""')
    tap = RESPONSES.tap(strip_usage=False)
    out = tapped(tap, body, 300)
    assert (tap.ended, tap.error) == (True, None)
    assert out == body.partition(b"event: response.completed")[0]
