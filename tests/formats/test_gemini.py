"""Gemini's format, read from it and written to it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.chat import (
    Audio,
    File,
    Finished,
    FinishReason,
    Foreign,
    Image,
    Reasoning,
    StreamFailed,
    Text,
    ToolCall,
    ToolResult,
    UsageReport,
)
from app.core.errors import BadRequest, NoProvider, UnreadableAnswer, Unsupported
from app.formats.failures import read_error
from app.formats.gemini.array import ArrayReader, ArrayWriter
from app.formats.gemini.schema import to_json_schema
from app.formats.gemini.words import read_finish, read_usage, write_usage
from app.formats.registry import CLIENT_FORMATS
from tests.formats.meaning import of_events
from tests.formats.samples import RESULTS, STREAMS, candidate, request
from tests.formats.test_recorded_answers import decoded, encoded

CHAT, GEMINI = CLIENT_FORMATS["openai-chat"], CLIENT_FORMATS["gemini"]


def said(model: str = "gemini-2.5-flash", **changes: Any) -> dict[str, Any]:
    """An OpenAI client's question as Gemini gets it."""
    call = GEMINI.encode_request(CHAT.decode_request(request("openai-chat", **changes)), model)
    body: dict[str, Any] = json.loads(call.body)
    return body


def asked(**changes: Any) -> Any:
    return GEMINI.decode_request(request("gemini", **changes), "m", False)


def contents(*parts: dict[str, Any]) -> Any:
    return asked(contents=[{"role": "user", "parts": list(parts)}]).messages[1].parts


def test_model_and_streaming_stand_in_the_path() -> None:
    found = GEMINI.peek(request("gemini"), "models/gemini-x", True)
    assert (found.model, found.stream) == ("gemini-x", True)
    body = request("gemini", model="models/gemini-x")
    call = GEMINI.relay_request(body, "gemini-y", found, True)
    assert call.path == "/models/gemini-y:streamGenerateContent?alt=sse"
    assert call.body == body.replace(b"models/gemini-x", b"models/gemini-y")
    whole = GEMINI.encode_request(asked(), "tunedModels/z")
    assert whole.path == "/tunedModels/z:generateContent"
    with pytest.raises(BadRequest):
        GEMINI.peek(request("gemini"), None, False)


def test_thoughts_and_tool_prompts_count() -> None:
    usage = read_usage(
        {
            "promptTokenCount": 10,
            "toolUsePromptTokenCount": 5,
            "candidatesTokenCount": 3,
            "thoughtsTokenCount": 7,
            "cachedContentTokenCount": 4,
            "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 6}],
        }
    )
    assert usage is not None
    assert (usage.input, usage.output, usage.reasoning, usage.cache_read, usage.audio_input) == (15, 10, 7, 4, 6)
    assert write_usage(usage)["totalTokenCount"] == 25
    absent = read_usage({"promptTokenCount": 10})
    assert absent is not None
    assert absent.output == 0
    assert read_usage({}) is None


@pytest.mark.parametrize(
    ("value", "has_tools", "expected"),
    [
        ("STOP", False, FinishReason.STOP),
        ("STOP", True, FinishReason.TOOL_CALLS),
        (1, False, FinishReason.STOP),
        (2, True, FinishReason.LENGTH),
        (3, False, FinishReason.CONTENT_FILTER),
        ("MALFORMED_FUNCTION_CALL", False, FinishReason.ERROR),
        ("NOVELTY", False, FinishReason.OTHER),
        (99, False, FinishReason.OTHER),
        (0, False, None),
        (None, False, None),
        ("FINISH_REASON_UNSPECIFIED", False, None),
    ],
)
def test_finish_reasons_may_be_numbers(value: Any, has_tools: bool, expected: FinishReason | None) -> None:
    assert read_finish(value, has_tools) is expected


@pytest.mark.parametrize("content", [None, {}, {"role": "model"}, {"parts": []}, {"parts": [{"text": ""}]}])
def test_an_answer_may_lack_its_parts(content: Any) -> None:
    body = json.dumps({"candidates": [{"content": content, "finishReason": "MAX_TOKENS"}]}).encode()
    choice = GEMINI.decode_result(body).choices[0]
    assert (choice.parts, choice.finish) == ([], FinishReason.LENGTH)


def test_a_blocked_prompt_is_a_filtered_answer() -> None:
    body = b'{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":4}}'
    assert GEMINI.decode_result(body).choices[0].finish is FinishReason.CONTENT_FILTER
    assert GEMINI.result_usage(body)[1] is FinishReason.CONTENT_FILTER
    meaning = of_events(decoded(GEMINI, b"data: " + body + b"\r\n\r\n"))
    assert (meaning["finish"], meaning["failed"]) == (FinishReason.CONTENT_FILTER, False)
    with pytest.raises(UnreadableAnswer):
        GEMINI.decode_result(b'{"usageMetadata":{}}')


def test_calls_get_ids_that_last() -> None:
    first = GEMINI.decode_result(RESULTS["gemini"]).choices[0].parts
    again = GEMINI.decode_result(RESULTS["gemini"]).choices[0].parts
    ids = [part.id for part in first if isinstance(part, ToolCall)]
    assert ids == [part.id for part in again if isinstance(part, ToolCall)]
    assert len(set(ids)) == 2
    assert all(call_id.startswith("call_") for call_id in ids)


def test_results_find_their_calls_by_name_and_order() -> None:
    call = {"functionCall": {"name": "f"}}
    response = {"functionResponse": {"name": "f", "response": {"result": "1"}}}
    failed = {"functionResponse": {"name": "f", "response": {"error": "2"}}}
    found = asked(
        contents=[{"role": "model", "parts": [call, call]}, {"role": "function", "parts": [response, failed]}]
    )
    calls = found.messages[1].parts
    assert found.messages[2].parts == [
        ToolResult(calls[0].id, [Text("1")], "f"),
        ToolResult(calls[1].id, [Text("2")], "f", is_error=True),
    ]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"text": "a"}, Text("a")),
        ({"inlineData": {"mimeType": "image/png", "data": "Q-_="}}, Image(data="Q+/=", media_type="image/png")),
        ({"inline_data": {"mime_type": "audio/wav", "data": "QQ=="}}, Audio("QQ==", "audio/wav")),
        (
            {"inlineData": {"mimeType": "application/pdf", "data": "QQ=="}},
            File(data="QQ==", media_type="application/pdf"),
        ),
        (
            {"fileData": {"mimeType": "image/png", "fileUri": "https://x.test/a"}},
            Image(url="https://x.test/a", media_type="image/png"),
        ),
        (
            {"file_data": {"file_uri": "gs://b/a"}},
            Foreign("gemini", {"fileData": {"fileUri": "gs://b/a"}}),
        ),
        ({"text": "hm", "thought": True, "thought_signature": "c2ln"}, Reasoning("hm", "c2ln", family="gemini")),
    ],
)
def test_every_kind_of_part_is_read_in_both_spellings(part: dict[str, Any], expected: Any) -> None:
    assert contents(part) == [expected]


def test_schemas_of_openapi_become_json_schema() -> None:
    own = {
        "type": "OBJECT",
        "nullable": True,
        "properties": {"type": {"type": "STRING", "enum": ["A"]}, "n": {"type": 3, "minimum": 1}},
        "propertyOrdering": ["type"],
    }
    assert to_json_schema(own) == {
        "type": ["object", "null"],
        "properties": {"type": {"type": "string", "enum": ["A"]}, "n": {"type": "integer", "minimum": 1}},
    }
    listed = {"type": "ARRAY", "items": {"anyOf": [{"type": "STRING"}]}, "maxItems": "5"}
    assert to_json_schema(listed) == {"type": "array", "items": {"anyOf": [{"type": "string"}]}, "maxItems": 5}


def test_keys_of_the_users_own_objects_stay_as_they_are() -> None:
    schema = {"type": "OBJECT", "properties": {"first_name": {"type": "STRING"}}}
    found = asked(tools=[{"function_declarations": [{"name": "f", "parameters": schema}]}])
    assert list(found.tools[0].parameters["properties"]) == ["first_name"]
    (call,) = contents({"function_call": {"name": "f", "args": {"first_name": 1}}})
    assert call.arguments == '{"first_name":1}'


@pytest.mark.parametrize(
    ("model", "change", "thinking"),
    [
        ("gemini-2.5-flash", {"reasoning_effort": "low"}, {"thinkingBudget": 1024}),
        ("gemini-2.5-flash", {"reasoning_effort": "none"}, {"thinkingBudget": 0}),
        ("gemini-3-pro-preview", {"reasoning_effort": "high"}, {"thinkingLevel": "high"}),
        ("gemini-2.5-pro", {"reasoning": {"max_tokens": 500}}, {"thinkingBudget": 500, "includeThoughts": True}),
        ("gemini-2.5-pro", {}, None),
    ],
)
def test_reasoning_is_asked_for_as_each_model_wants_it(model: str, change: dict[str, Any], thinking: Any) -> None:
    assert said(model, **change)["generationConfig"].get("thinkingConfig") == thinking


def test_sampling_and_schemas_are_passed_on() -> None:
    schema = {"name": "a", "schema": {"type": "object", "additionalProperties": False}}
    config = said(
        response_format={"type": "json_schema", "json_schema": schema},
        seed=7,
        n=2,
        frequency_penalty=0.1,
        logprobs=True,
        top_logprobs=2,
    )["generationConfig"]
    assert config["responseMimeType"] == "application/json"
    assert config["responseJsonSchema"] == schema["schema"]
    assert (config["seed"], config["candidateCount"], config["frequencyPenalty"]) == (7, 2, 0.1)
    assert (config["responseLogprobs"], config["logprobs"]) == (True, 2)


def test_calls_of_other_models_are_marked_for_gemini_3() -> None:
    for model, mark in (("gemini-3-flash", "skip_thought_signature_validator"), ("gemini-2.5-flash", None)):
        part = said(model)["contents"][1]["parts"][0]
        assert part.get("thoughtSignature") == mark


def test_a_result_is_an_object_and_bears_its_name() -> None:
    answer = said()["contents"][2]["parts"][0]["functionResponse"]
    assert (answer["name"], answer["response"]) == ("weather", {"result": "rain"})
    lost = [{"role": "user", "content": "x"}, {"role": "tool", "tool_call_id": "gone", "content": "x"}]
    with pytest.raises(Unsupported, match="name of its tool"):
        said(messages=lost)


def test_a_stream_may_be_one_array_in_any_chunking() -> None:
    elements = [line.removeprefix(b"data: ") for line in STREAMS["gemini"].split(b"\r\n\r\n") if line]
    array = b"[" + b"\n,\r\n".join(elements) + b"\n]\n"
    events = decoded(GEMINI, STREAMS["gemini"])
    for size in (None, 1, 2, 7):
        assert repr(decoded(GEMINI, array, size)) == repr(events)
    tap = GEMINI.tap(strip_usage=False)
    assert tap.feed(array) + tap.close() + tap.tail == array
    assert (tap.ended, tap.finish) == (True, FinishReason.TOOL_CALLS)
    assert isinstance(decoded(GEMINI, array[:200])[-1], StreamFailed)


def test_strings_in_an_array_may_hold_brackets_and_quotes() -> None:
    reader = ArrayReader()
    array = rb'[{"a":"]}\"[{\\"}, {"b":[{}]}]'
    found = [element for at in range(len(array)) for element in reader.feed(array[at : at + 1])]
    assert found == [rb'{"a":"]}\"[{\\"}', b'{"b":[{}]}']
    assert reader.closed


def test_events_become_an_array_for_clients_that_want_one() -> None:
    writer = ArrayWriter()
    body = encoded(GEMINI, decoded(GEMINI, STREAMS["gemini"]))
    out = b"".join(writer.feed(body[at : at + 30]) for at in range(0, len(body), 30)) + writer.close()
    assert of_events(decoded(GEMINI, out)) == of_events(decoded(GEMINI, STREAMS["gemini"]))
    assert isinstance(json.loads(out), list)
    assert ArrayWriter().close() == b"[]"
    failed = ArrayWriter()
    out = failed.feed(GEMINI.keep_alive + candidate([{"text": "a"}])) + failed.feed(GEMINI.keep_alive)
    out += failed.feed(GEMINI.stream_error(NoProvider("None left."))) + failed.close()
    assert json.loads(out)[1]["error"]["status"] == "UNAVAILABLE"


def test_usage_is_reported_once_for_each_change() -> None:
    same = candidate([{"text": "a"}], promptTokenCount=4)
    events = decoded(
        GEMINI, same + same + candidate([{"text": "b"}], "STOP", promptTokenCount=4, candidatesTokenCount=2)
    )
    assert sum(isinstance(event, UsageReport) for event in events) == 2
    assert sum(isinstance(event, Finished) for event in events) == 1


def test_errors_name_the_field_as_google_does() -> None:
    error = json.loads(GEMINI.encode_error(BadRequest("n: no.", field="n")))["error"]
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    assert error["details"][1]["fieldViolations"] == [{"field": "n", "description": "n: no."}]
    assert read_error(json.dumps([{"error": error}], indent=2).encode()) == ("n: no.", "INVALID_ARGUMENT")
