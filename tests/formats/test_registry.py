"""What every wire format keeps to: tests over the registry, so that a new format arrives tested."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.chat import Ended, StreamFailed, Text, ToolCall
from app.core.errors import (
    AnyGPTError,
    BadRequest,
    LedgerUnavailable,
    RateLimited,
    UnreadableAnswer,
    Unsupported,
    UpstreamDown,
    UpstreamError,
)
from app.formats.base import WireFormat
from app.formats.failures import read_error
from app.formats.registry import CLIENT_FORMATS
from tests.formats.meaning import of_events, of_result
from tests.formats.samples import REQUESTS, RESULTS, STOPLESS, STREAMS, request
from tests.formats.test_recorded_answers import decoded, encoded, tapped

KNOWN = [wire for name, wire in CLIENT_FORMATS.items() if name in STREAMS]
every_format = pytest.mark.parametrize("wire", KNOWN, ids=[wire.name for wire in KNOWN])
fuzz = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def ask(wire: WireFormat, body: bytes) -> Any:
    wire.peek(body, "small-1", True)
    return wire.decode_request(body, "small-1", True)


def test_the_three_formats_are_found_by_themselves() -> None:
    assert {"openai-chat", "anthropic-messages", "gemini"} <= set(CLIENT_FORMATS)
    assert all(wire.name == name for name, wire in CLIENT_FORMATS.items())


@every_format
def test_an_answer_says_the_same_in_every_format(wire: WireFormat) -> None:
    result = wire.decode_result(RESULTS[wire.name])
    meaning = of_result(result)
    assert meaning["text"] == "It rains."
    assert meaning["reasoning"] == "Look outside."
    assert meaning["calls"][0][1:] == ("weather", {"city": "Oslo"})
    assert meaning["finish"] == "tool_calls"
    assert meaning["usage"][:2] == (20, 9)
    for other in KNOWN:
        assert of_result(other.decode_result(other.encode_result(result))) == meaning


@every_format
def test_a_stream_says_the_same_in_every_format_and_chunking(wire: WireFormat) -> None:
    events = decoded(wire, STREAMS[wire.name])
    meaning = of_events(events)
    assert isinstance(events[-1], Ended)
    assert meaning["text"] == "It rains."
    assert meaning["calls"][0][1:] == ("weather", {"city": "Oslo"})
    assert meaning["finish"] == "tool_calls"
    assert meaning["usage"][:2] == (20, 9)
    for size in (1, 2, 3, 50):
        assert repr(decoded(wire, STREAMS[wire.name], size)) == repr(events)
    for other in KNOWN:
        assert of_events(decoded(other, encoded(other, events))) == meaning


@every_format
def test_a_question_means_the_same_in_every_format(wire: WireFormat) -> None:
    asked = ask(wire, request(wire.name))
    for other in KNOWN:
        asked.stop = [] if other.name in STOPLESS else ["END"]
        call = other.encode_request(asked, "other-model")
        again = other.decode_request(call.body, "other-model", True)
        assert again.model == "other-model"
        assert [part.text for part in again.messages[0].parts if isinstance(part, Text)] == ["Be brief."]
        calls = [part for message in again.messages for part in message.parts if isinstance(part, ToolCall)]
        assert [(call.name, json.loads(call.arguments)) for call in calls] == [("weather", {"city": "Oslo"})]
        assert again.tools[0].name == "weather"
        assert again.tools[0].parameters == asked.tools[0].parameters
        assert (again.temperature, again.top_p, again.max_tokens, again.stop) == (0.5, 0.9, 100, asked.stop)
        assert "rain" in repr(again.messages[-1])
        assert "iVBORw0KGgo=" in repr(again.messages[1])


@every_format
def test_peek_sees_what_is_needed(wire: WireFormat) -> None:
    seen = wire.peek(request(wire.name), "small-1", True)
    assert (seen.model, seen.stream, seen.max_tokens) == ("small-1", True, 100)
    assert seen.needs == {"tools", "vision"}
    assert 4800 < seen.input_bytes < 7000


@every_format
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"5",
        b"{",
        b'{"model":',
        b'{"model":"x","messages":[],"contents":[]}',
        b'{"model":"x"}',
        b'{"model":7,"messages":[{"role":"user","content":"hi"}],"contents":7}',
        b'{"model":"x","messages":"hi","contents":"hi"}',
        b'{"model":"x\xff","messages":[{"role":"user","content":"\xff"}],"contents":[{"parts":[{"text":"\xff"}]}]}',
        b'{"model":"x","messages":[{"role":"user","content":"\x00"}],"contents":[{"parts":[{"text":"\x00"}]}]}',
        b'{"model":"x","messages":' + b"[" * 5000 + b"]" * 5000 + b',"contents":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"model":"x","messages":' + b"[" * 100000,
    ],
    ids=lambda body: repr(body[:40]),
)
def test_a_malformed_question_is_a_bad_request(wire: WireFormat, body: bytes) -> None:
    with pytest.raises(BadRequest) as refused:
        wire.peek(body, "small-1", False)
    assert refused.value.message.endswith(".")
    with pytest.raises(BadRequest):
        wire.decode_request(body, "small-1", False)


@every_format
@pytest.mark.parametrize(
    "error",
    [
        BadRequest("n: no.", field="n"),
        RateLimited("Too many.", retry_after=2),
        LedgerUnavailable("Full."),
        UpstreamDown("Down."),
    ],
)
def test_an_error_in_a_formats_own_shape_reads_back(wire: WireFormat, error: AnyGPTError) -> None:
    message, code = read_error(wire.encode_error(error))
    assert message == error.message
    assert code
    for in_band in (wire.stream_error(error), wire.encoder(wire.peek(request(wire.name), "m", True)).fail(error)):
        events = decoded(wire, in_band)
        assert isinstance(events[0], StreamFailed)
        assert events[0].error.message == error.message
        tap = wire.tap(strip_usage=False)
        tapped(tap, STREAMS[wire.name][:700].rpartition(b"\n\n")[0] + b"\n\n" + in_band, 100)
        assert tap.error is not None
        assert not tap.ended


@every_format
def test_the_tap_passes_every_byte_and_keeps_the_end_back(wire: WireFormat) -> None:
    body = STREAMS[wire.name]
    meaning = of_events(decoded(wire, body))
    for size in (1, 5, 64, len(body)):
        tap = wire.tap(strip_usage=False)
        out = tapped(tap, body, size)
        assert out + tap.tail == body
        assert (tap.ended, tap.content, tap.error) == (True, True, None)
        assert tap.finish == meaning["finish"]
        assert tap.usage is not None
        assert (tap.usage.input, tap.usage.output) == meaning["usage"][:2]
        assert tap.output_text == len("Look outside.It rains.") + len('{"city":"Oslo"}') + _names(wire)


@every_format
def test_metadata_goes_into_the_last_event_with_usage(wire: WireFormat) -> None:
    body = STREAMS[wire.name]
    tap = wire.tap(strip_usage=False)
    out = tapped(tap, body, 100)
    changed = out + tap.tail_with({"anygpt": {"cost_usd": "0.01"}})
    assert repr(decoded(wire, changed)) == repr(decoded(wire, body))
    last = [line for line in changed.splitlines() if b"anygpt" in line]
    assert len(last) == 1
    value = json.loads(last[0].removeprefix(b"data:"))
    assert value["anygpt"] == {"cost_usd": "0.01"}
    assert "usage" in value or "usageMetadata" in value or "usage" in value["response"]
    whole = wire.add_to_result(RESULTS[wire.name], {"anygpt": {"a": 1}})
    assert json.loads(whole) == json.loads(RESULTS[wire.name]) | {"anygpt": {"a": 1}}
    assert json.loads(wire.add_to_result(b"{}", {"a": 1})) == {"a": 1}


@every_format
def test_a_stream_cut_anywhere_before_its_finish_never_looks_finished(wire: WireFormat) -> None:
    body = STREAMS[wire.name]
    marks = (b'"finish_reason": "', b'"stop_reason": "t', b'"finishReason"', b"event: response.completed")
    finish = min(at for mark in marks if (at := body.find(mark)) > 0)
    for cut in range(0, finish, 37):
        assert isinstance(decoded(wire, body[:cut])[-1], StreamFailed)
        tap = wire.tap(strip_usage=False)
        out = tapped(tap, body[:cut], 50)
        assert not tap.ended
        assert body.startswith((out + tap.tail).rstrip())  # a blank line is added where an error may follow
        assert not out or out.endswith((b"\n\n", b"\r\n\r\n"))


@every_format
def test_the_encoders_keep_their_end_back(wire: WireFormat) -> None:
    events = decoded(wire, STREAMS[wire.name])
    encoder = wire.encoder(wire.peek(request(wire.name), "m", True))
    before = b"".join(encoder.encode(event) for event in events)
    marks = (b"[DONE]", b"message_stop", b'"finishReason"', b'"finish_reason":"', b"response.completed")
    assert not any(mark in before for mark in marks)
    with_extra = encoder.end({"anygpt": {"x": 1}})
    assert with_extra.count(b'"anygpt"') == 1


@every_format
def test_relaying_changes_the_model_and_nothing_else(wire: WireFormat) -> None:
    body = b'{"model": "a", "x": 12345678901234567890123, "f": 1.10, "contents":[{}],"messages": [{"model":"b"}]'
    body += b', "input": [{"model":"c"}]}'
    call = wire.relay_request(body, "new/name", wire.peek(body, "a", False), ask_usage=True)
    expected = body.replace(b'"a"', b'"new/name"')
    assert call.body == expected


def test_tool_choice_is_said_in_every_format() -> None:
    chat = CLIENT_FORMATS["openai-chat"]
    for choice, claude, gemini in (
        ("none", {"type": "none"}, {"mode": "NONE"}),
        ("required", {"type": "any"}, {"mode": "ANY"}),
        (
            {"type": "function", "function": {"name": "weather"}},
            {"type": "tool", "name": "weather"},
            {"mode": "ANY", "allowedFunctionNames": ["weather"]},
        ),
    ):
        asked = chat.decode_request(request("openai-chat", tool_choice=choice))
        body = json.loads(CLIENT_FORMATS["anthropic-messages"].encode_request(asked, "m").body)
        assert body["tool_choice"] == claude
        body = json.loads(CLIENT_FORMATS["gemini"].encode_request(asked, "m").body)
        assert body["toolConfig"]["functionCallingConfig"] == gemini
        assert json.loads(chat.encode_request(asked, "m").body)["tool_choice"] == choice


@pytest.mark.parametrize(
    ("target", "change", "field"),
    [
        ("anthropic-messages", {"n": 2}, "n"),
        ("anthropic-messages", {"logprobs": True}, "logprobs"),
        ("anthropic-messages", {"logit_bias": {"50256": -100}}, "logit_bias"),
        ("gemini", {"stop": list("abcdef")}, "stop"),
        ("gemini", {"modalities": ["text", "audio"]}, "modalities"),
        ("gemini", {"tools": [{"type": "web_search"}]}, "tools[0]"),
    ],
)
def test_what_cannot_be_said_is_refused_and_named(target: str, change: dict[str, Any], field: str) -> None:
    asked = CLIENT_FORMATS["openai-chat"].decode_request(request("openai-chat", **change))
    with pytest.raises(Unsupported) as refused:
        CLIENT_FORMATS[target].encode_request(asked, "m")
    assert refused.value.field == field


@every_format
@fuzz
@given(data=st.data())
def test_no_broken_bytes_bring_anything_but_our_errors(wire: WireFormat, data: st.DataObject) -> None:
    body = data.draw(_mutations(STREAMS[wire.name]))
    for reader in (wire.decoder(), wire.tap(strip_usage=True)):
        _only(UnreadableAnswer, lambda reader=reader: (reader.feed(body), reader.close()))  # type: ignore[misc]
    result = data.draw(_mutations(RESULTS[wire.name]))
    _only(UpstreamError, lambda: wire.encode_result(wire.decode_result(result)))
    _only(UpstreamError, lambda: wire.result_usage(result))
    read_error(result)
    asked = data.draw(_mutations(request(wire.name)))
    _only(BadRequest, lambda: wire.peek(asked, "m", False))
    _only(BadRequest, lambda: wire.relay_request(asked, "x", wire.peek(asked, "m", False), True))
    for other in KNOWN:
        _only((BadRequest, Unsupported), lambda other=other: other.encode_request(ask(wire, asked), "m"))  # type: ignore[misc]


@every_format
@fuzz
@given(data=st.data())
def test_no_value_of_a_wrong_type_brings_anything_but_our_errors(wire: WireFormat, data: st.DataObject) -> None:
    value = _twisted(json.loads(RESULTS[wire.name]), data)
    _only(UpstreamError, lambda: wire.encode_result(wire.decode_result(json.dumps(value).encode())))
    events = STREAMS[wire.name].replace(b"\r", b"").split(b"\n\n")
    number = data.draw(st.integers(0, len(events) - 1))
    head, mark, text = events[number].partition(b"data: ")
    if mark and text.strip() != b"[DONE]":
        events[number] = head + mark + json.dumps(_twisted(json.loads(text), data)).encode()
    body = b"\n\n".join(events)
    for reader in (wire.decoder(), wire.tap(strip_usage=True)):
        _only(UnreadableAnswer, lambda reader=reader: (reader.feed(body), reader.close()))  # type: ignore[misc]
    asked = json.dumps(_twisted(REQUESTS[wire.name], data)).encode()
    for other in KNOWN:
        _only((BadRequest, Unsupported), lambda other=other: other.encode_request(ask(wire, asked), "m"))  # type: ignore[misc]


def _names(wire: WireFormat) -> int:
    return 0 if wire.name == "anthropic-messages" else len("weather")


def _only(errors: type[AnyGPTError] | tuple[type[AnyGPTError], ...], act: Callable[[], object]) -> None:
    with contextlib.suppress(errors):
        act()


@st.composite
def _mutations(draw: st.DrawFn, body: bytes) -> bytes:
    found = bytearray(body)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(found) - 1))
        match draw(st.sampled_from(["cut", "flip", "insert", "repeat"])):
            case "cut":
                del found[at : at + draw(st.integers(1, 60))]
            case "flip":
                found[at] = draw(st.integers(0, 255))
            case "insert":
                found[at:at] = draw(
                    st.sampled_from(
                        [b"\x00", b"\xff", b'"', b"{", b"}", b"[", b"null", b"\\", b"\n\n", b"-1", b"1e999"]
                    )
                )
            case "repeat":
                found[at:at] = found[at : at + 50]
        if not found:
            return b""
    return bytes(found)


_ODD = st.sampled_from([None, True, 0, -1, 1.5, 10**25, "", "text", "\u0000", [], {}, [None], {"a": 1}, [[]], "2"])


def _twisted(value: Any, data: st.DataObject) -> Any:
    """One value somewhere inside becomes another of any type."""
    if isinstance(value, dict) and value and data.draw(st.integers(0, 3)):
        key = data.draw(st.sampled_from(sorted(value)))
        return value | {key: _twisted(value[key], data)}
    if isinstance(value, list) and value and data.draw(st.integers(0, 3)):
        at = data.draw(st.integers(0, len(value) - 1))
        return [*value[:at], _twisted(value[at], data), *value[at + 1 :]]
    return data.draw(_ODD)
