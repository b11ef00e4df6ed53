"""Ollama's native chat: what is asked, what is answered, what breaks."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.chat import Ended, FinishReason, Started, StreamFailed, ToolCallStart
from app.core.errors import ClientError, UnreadableAnswer, Unsupported, UpstreamError
from app.formats.registry import CLIENT_FORMATS, FORMATS
from tests.formats.meaning import of_events, of_result
from tests.formats.samples import PICTURE, REQUESTS, SCHEMA
from tests.formats.test_recorded_answers import decoded, encoded
from tests.formats.upstream import NOW, TOOL, asked, asked_as, mutations, notes, said, twisted

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
    assert written["content"][0] == token
    assert written["content"][1] == {"token": "!", "logprob": -1, "bytes": None, "top_logprobs": []}


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
    assert OLLAMA.read_error(b'{"error":"model \'x\' not found"}') == ("model 'x' not found", None)


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


@pytest.mark.parametrize("client", ["openai-chat", "anthropic-messages", "gemini"])
def test_every_clients_question_is_said_in_ollamas_words(client: str) -> None:
    body = said("ollama", asked_as(client))
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert body["messages"][1] == {"role": "user", "content": "What is the weather there?", "images": [PICTURE]}
    call, result = body["messages"][2], body["messages"][3]
    assert call["tool_calls"][0]["function"] == {"name": "weather", "arguments": {"city": "Oslo"}}
    assert (result["role"], result["tool_name"]) == ("tool", "weather")
    assert "rain" in result["content"]
    assert result["tool_call_id"] == call["tool_calls"][0]["id"]
    assert body["tools"] == [TOOL]
    assert (body["model"], body["stream"]) == ("real", True)
    assert body["options"] == {"temperature": 0.5, "top_p": 0.9, "num_predict": 100, "stop": ["END"]}
    assert OLLAMA.encode_request(asked_as(client), "real").path == "/api/chat"


def test_all_sampling_has_its_option() -> None:
    options = said(
        "ollama",
        asked(
            top_k=5, seed=7, frequency_penalty=0.1, presence_penalty=-0.2, repetition_penalty=1.1, min_p=0.05, stop="a"
        ),
    )["options"]
    assert options == {
        "top_k": 5,
        "seed": 7,
        "frequency_penalty": 0.1,
        "presence_penalty": -0.2,
        "repeat_penalty": 1.1,
        "min_p": 0.05,
        "stop": ["a"],
    }
    assert "options" not in said("ollama", asked())
    assert said("ollama", asked())["stream"] is False


@pytest.mark.parametrize(
    ("wanted", "form"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, "json"),
        ({"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}, SCHEMA),
        ({"type": "json_schema", "json_schema": {"name": "a"}}, "json"),
    ],
)
def test_json_is_asked_for_by_format(wanted: Any, form: Any) -> None:
    assert said("ollama", asked(response_format=wanted)).get("format") == form


@pytest.mark.parametrize(
    ("model", "wish", "think", "exact"),
    [
        ("qwen3:8b", {}, None, True),
        ("qwen3:8b", {"reasoning_effort": "none"}, False, True),
        ("qwen3:8b", {"reasoning_effort": "low"}, True, False),
        ("qwen3:8b", {"reasoning": {"max_tokens": 0}}, False, True),
        ("qwen3:8b", {"reasoning": {"max_tokens": -1}}, True, True),
        ("gpt-oss:20b", {"reasoning_effort": "low"}, "low", True),
        ("gpt-oss:20b", {"reasoning_effort": "xhigh"}, "high", False),
        ("gpt-oss:20b", {"reasoning_effort": "none"}, "low", False),
        ("user/gpt-oss", {"reasoning": {"max_tokens": 8000}}, "medium", False),
    ],
)
def test_reasoning_is_asked_for_as_far_as_the_model_lets(model: str, wish: Any, think: Any, exact: bool) -> None:
    question = asked(**wish)
    assert said("ollama", question, model).get("think") == think
    assert (not notes("ollama", question, model)) is exact


def test_tool_choice_is_said_where_it_can_be() -> None:
    tools = [TOOL, NOW]
    assert len(said("ollama", asked(tools=tools, tool_choice="auto"))["tools"]) == 2
    assert "tools" not in said("ollama", asked(tools=tools, tool_choice="none"))
    allowed = {
        "type": "allowed_tools",
        "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "name": "now"}]},
    }
    offered = said("ollama", asked(tools=tools, tool_choice=allowed))["tools"]
    assert [tool["function"]["name"] for tool in offered] == ["now"]
    assert notes("ollama", asked(tools=tools, parallel_tool_calls=False)) == [
        "parallel_tool_calls: left out; Ollama's format cannot limit calls to one at a time."
    ]


def test_pictures_in_a_result_follow_it_and_errors_are_named() -> None:
    question = asked_as(
        "anthropic-messages",
        messages=[
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "look", "input": {}}]},
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "t",
                        "is_error": True,
                        "content": [
                            {"type": "text", "text": "blurred"},
                            {
                                "type": "image",
                                "source": {"type": "base64", "media_type": "image/png", "data": PICTURE},
                            },
                        ],
                    }
                ],
            },
        ],
    )
    written = said("ollama", question)["messages"]
    assert [message["role"] for message in written] == ["system", "assistant", "tool", "user"]
    assert written[2]["content"] == "Error: blurred"
    assert written[3]["images"] == [PICTURE]
    assert any("pictures follow" in note for note in notes("ollama", question))


def test_thoughts_go_back_within_a_round_of_tools_only_and_never_with_a_signature() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "now", "arguments": "{}"}}
    thought = {"role": "assistant", "content": "", "reasoning_content": "Hm.", "tool_calls": [call]}
    assert said("ollama", asked(messages=[thought]))["messages"][0]["thinking"] == "Hm."
    plain = {"role": "assistant", "content": "Yes.", "reasoning_content": "Hm."}
    assert "thinking" not in said("ollama", asked(messages=[plain]))["messages"][0]
    assert "thinking" not in said("ollama", asked_as("anthropic-messages"))["messages"][2]


def test_arguments_that_are_no_object_are_kept_as_text() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "now", "arguments": "not json"}}
    written = said("ollama", asked(messages=[{"role": "assistant", "tool_calls": [call]}]))["messages"][0]
    assert written["tool_calls"][0]["function"]["arguments"] == {"arguments": "not json"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"n": 2}, "n"),
        ({"logprobs": True, "stream": True}, "logprobs"),
        ({"logit_bias": {"1": -100}}, "logit_bias"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"tools": [TOOL], "tool_choice": "required"}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "weather"}}}, "tool_choice"),
        ({"tools": [{"type": "web_search"}]}, "tools[0]"),
    ],
)
def test_what_cannot_be_said_is_refused_and_named(change: Any, field: str) -> None:
    with pytest.raises(Unsupported) as refused:
        said("ollama", asked(**change))
    assert refused.value.field == field
    assert refused.value.message.endswith(".")


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}},
    ],
)
def test_media_that_cannot_be_said_names_its_message(part: Any) -> None:
    with pytest.raises(Unsupported) as refused:
        said("ollama", asked(messages=[{"role": "user", "content": [part]}]))
    assert refused.value.field == "messages[0]"


def test_a_text_file_is_said_as_text() -> None:
    part = {"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,aGVsbG8="}}
    written = said("ollama", asked(messages=[{"role": "user", "content": [{"type": "text", "text": "Read:"}, part]}]))
    assert written["messages"][0]["content"] == "Read:\nhello"


def test_advice_that_stays_behind_is_named() -> None:
    strict = {"type": "function", "function": {"name": "a", "strict": True}}
    question = asked(tools=[strict], user="u", service_tier="flex")
    assert [note.partition(":")[0] for note in notes("ollama", question)] == ["service_tier", "user", "tools[0].strict"]
    names = [note.partition(":")[0] for note in notes("ollama", asked_as("openai-chat"))]
    assert names == ["detail"]
    assert "cache_control" in [note.partition(":")[0] for note in notes("ollama", asked_as("anthropic-messages"))]
    assert notes("ollama", asked()) == []


@fuzz
@given(data=st.data())
def test_no_broken_bytes_bring_anything_but_our_errors(data: st.DataObject) -> None:
    body = data.draw(mutations(STREAM))
    with contextlib.suppress(UnreadableAnswer):
        for client in CLIENTS:
            encoded(client, decoded(OLLAMA, body, data.draw(st.integers(1, 400))))
    result = data.draw(mutations(json.dumps(WHOLE).encode()))
    OLLAMA.read_error(result)
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
    for name in ("openai-chat", "anthropic-messages", "gemini"):
        body = json.dumps(twisted(REQUESTS[name], data)).encode()
        with contextlib.suppress(ClientError):
            OLLAMA.encode_request(CLIENT_FORMATS[name].decode_request(body, "m", True), "m")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _told(meaning: dict[str, Any]) -> dict[str, Any]:
    """A client's format may mark thoughts so that they come back to it: that is no part of what was said."""
    return {key: value for key, value in meaning.items() if key != "signatures"}
