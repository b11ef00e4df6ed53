"""Every recorded answer of a known format decodes; test_comparison says it again in every format."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.chat import Ended, Event, StreamFailed
from app.core.errors import UpstreamError
from app.formats.base import Peek, Tap, UpstreamFormat, WireFormat
from app.formats.failures import read_error
from app.formats.registry import CLIENT_FORMATS, FORMATS
from tests.formats.meaning import of_events, of_result
from tests.recordings import Recording, each, recordings

DIALECTS = {found.dialect for found in recordings()}
WHOLE = {"stream": False, "ok": True}


def every(*, client: bool = False, **wanted: Any) -> pytest.MarkDecorator:
    """All recordings of the formats that providers speak, or only of those that clients speak too."""
    known = sorted(DIALECTS & set(CLIENT_FORMATS if client else FORMATS))
    found = [item for dialect in known for item in recordings(dialect=dialect, **wanted)]
    if not found:
        return each(dialect="none")
    return pytest.mark.parametrize("recorded", found, ids=[item.name for item in found])


def decoded(wire: UpstreamFormat, body: bytes, size: int | None = None) -> list[Event]:
    decoder = wire.decoder()
    events: list[Event] = []
    for start in range(0, len(body), size or max(len(body), 1)):
        events += decoder.feed(body[start : start + (size or len(body))])
    return events + decoder.close()


def encoded(wire: WireFormat, events: list[Event]) -> bytes:
    encoder = wire.encoder(Peek(model="m", stream=True, include_usage=True))
    out = b"".join(encoder.encode(event) for event in events)
    return out + encoder.end()


def tapped(tap: Tap, body: bytes, size: int) -> bytes:
    out = b"".join(tap.feed(body[start : start + size]) for start in range(0, len(body), size))
    return out + tap.close()


@every(**WHOLE)
def test_a_whole_answer_decodes(recorded: Recording) -> None:
    wire = FORMATS[recorded.dialect]
    if "error-with-http-200" in recorded.name:
        with pytest.raises(UpstreamError):
            wire.decode_result(recorded.body)
        if (client := CLIENT_FORMATS.get(recorded.dialect)) is not None:
            with pytest.raises(UpstreamError):
                client.result_usage(recorded.body)
        return
    result = wire.decode_result(recorded.body)
    meaning = of_result(result)
    assert meaning["text"] or meaning["calls"] or meaning["reasoning"] or meaning["media"] or _may_be_empty(recorded)
    if (client := CLIENT_FORMATS.get(recorded.dialect)) is not None:
        assert client.result_usage(recorded.body) == (result.usage, result.choices[0].finish)


@every(**WHOLE)
def test_usage_adds_up_to_the_recorded_total(recorded: Recording) -> None:
    value = json.loads(recorded.body)
    if "error" in value:
        return
    usage = FORMATS[recorded.dialect].decode_result(recorded.body).usage
    _check_total(usage, value, recorded.dialect)


@every(stream=True)
def test_a_stream_decodes_alike_in_any_chunking(recorded: Recording) -> None:
    wire = FORMATS[recorded.dialect]
    events = decoded(wire, recorded.body)
    for size in (1, 7, 1000):
        assert repr(decoded(wire, recorded.body, size)) == repr(events)
    if _fails(recorded):
        assert any(isinstance(event, StreamFailed) for event in events)
        assert not any(isinstance(event, Ended) for event in events)
        return
    assert isinstance(events[-1], Ended)
    meaning = of_events(events)
    assert not meaning["failed"]
    assert meaning["finish"] is not None
    assert meaning["text"] or meaning["calls"] or meaning["reasoning"] or _may_be_empty(recorded)


@every(stream=True)
def test_usage_of_a_stream_is_what_its_last_report_says(recorded: Recording) -> None:
    if recorded.body.count(b"event: response.completed") > 1:
        return  # several answers written down as one
    last = next((value for value in reversed(_values(recorded)) if _reported(value)), None)
    usage = of_events(decoded(FORMATS[recorded.dialect], recorded.body))["usage"]
    assert (usage is None) == (last is None)
    if usage is not None and last is not None and recorded.dialect != "anthropic-messages":
        total = _total(last, recorded.dialect)
        assert total is None or usage[0] + usage[1] == total


@every(stream=True, client=True)
def test_the_tap_passes_every_byte_and_sees_what_the_decoder_sees(recorded: Recording) -> None:
    wire = CLIENT_FORMATS[recorded.dialect]
    meaning = of_events(decoded(wire, recorded.body))
    for size in (1, 7, 1000, len(recorded.body)):
        tap = wire.tap(strip_usage=False)
        out = tapped(tap, recorded.body, size)
        assert out + tap.tail == recorded.body
        assert tap.ended is not meaning["failed"]
        assert (tap.error is not None) is meaning["failed"]
        usage = tap.usage
        assert (None if usage is None else (usage.input, usage.output, usage.cache_read, usage.reasoning)) == (
            meaning["usage"]
        )
        if not meaning["failed"]:
            assert tap.finish == meaning["finish"]
            assert tap.tail
            assert tap.content is bool(meaning["text"] or meaning["reasoning"] or meaning["calls"] or meaning["media"])


@every(stream=True, client=True)
def test_a_stream_cut_after_any_event_never_looks_finished(recorded: Recording) -> None:
    wire = CLIENT_FORMATS[recorded.dialect]
    body = recorded.body
    end = b"\r\n\r\n" if b"\r\n\r\n" in body else b"\n\n"
    pieces = body.split(end)
    if body.lstrip().startswith(b"[") or len(pieces) < 3:
        return
    decoder, tap = wire.decoder(), wire.tap(strip_usage=False)
    step = max(len(pieces) // 12, 1)
    finished = False
    for number, piece in enumerate(pieces[:-1]):
        if any(type(event).__name__ == "Finished" for event in decoder.feed(piece + end)):
            finished = True
        tap.feed(piece + end)
        if finished and recorded.dialect != "anthropic-messages":
            break  # from the finish on such a stream counts as complete: many say nothing after it
        if number % step == 0 and b"message_stop" not in piece:
            cut = b"".join(part + end for part in pieces[: number + 1])
            events = decoded(wire, cut + b'data: {"choi')
            assert isinstance(events[-1], StreamFailed)
            beside = wire.tap(strip_usage=False)
            tapped(beside, cut, len(cut))
            assert not beside.ended


@every(ok=False)
def test_an_error_body_gives_its_message(recorded: Recording) -> None:
    message, code = read_error(recorded.body)
    assert message
    assert message != "The provider gave no reason."
    assert not message.startswith("{")
    assert code is None or code


def _may_be_empty(recorded: Recording) -> bool:
    return any(word in recorded.scenario for word in ("refusal", "filter", "length", "server", "web", "reasoning"))


def _fails(recorded: Recording) -> bool:
    """The provider says in the stream that it failed (Cohere: with the reason for its end)."""
    return "error-with-http-200" in recorded.name or (
        recorded.dialect == "cohere-chat" and b'"finish_reason":"ERROR"' in recorded.body
    )


def _values(recorded: Recording) -> list[dict[str, Any]]:
    text = recorded.body.decode().replace("\r\n", "\n")
    if text.lstrip().startswith("["):
        return list(json.loads(text))
    if text.lstrip().startswith("{"):  # one object a line
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    lines = (line[5:].strip() for line in text.split("\n") if line.startswith("data:"))
    return [json.loads(line) for line in lines if line and line != "[DONE]"]


def _reported(value: dict[str, Any]) -> dict[str, Any]:
    usage = value.get("usage") or value.get("usageMetadata") or (value.get("x_groq") or {}).get("usage")
    inner = (value.get(key) for key in ("message", "delta", "response"))
    usage = usage or next((found["usage"] for found in inner if isinstance(found, dict) and found.get("usage")), None)
    return usage or {key: value[key] for key in ("prompt_eval_count", "eval_count") if key in value}


def _total(value: dict[str, Any], dialect: str) -> int | None:
    """All tokens read and written, as the provider itself counts them; None where that takes several fields."""
    reported = _reported(value)
    if dialect == "ollama":
        return sum(reported.values())
    if dialect == "cohere-chat":
        tokens = reported["tokens"]
        return int(tokens["input_tokens"] + tokens["output_tokens"] + tokens.get("image_tokens", 0))
    total = reported.get("total_tokens", reported.get("totalTokenCount"))
    return None if total is None else int(total)


def _check_total(usage: Any, value: dict[str, Any], dialect: str) -> None:
    reported = _reported(value)
    if not reported:
        assert usage is None
        return
    if (total := _total(value, dialect)) is not None:
        assert usage.input + usage.output == total
    else:
        keys = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")
        assert usage.input + usage.output == sum(reported.get(key) or 0 for key in keys)
