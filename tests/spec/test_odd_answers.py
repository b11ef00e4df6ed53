"""However oddly a provider answers, what AnyGPT makes of it in OpenAI's formats is as OpenAI describes it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.chat import ChatResult, Choice, Event, Finished, FinishReason, Started, Text, TextDelta
from app.core.errors import AnyGPTError
from app.formats.base import Peek
from app.formats.registry import CLIENT_FORMATS, FORMATS, OPERATIONS
from tests.formats.comparison import decoded, encoded
from tests.formats.upstream import twisted
from tests.sdk.answers import FORMATS as SPOKEN
from tests.sdk.answers import Said, answer
from tests.spec.schema import complaints, needs_specification
from tests.spec.test_translated_answers import CLIENTS

pytestmark = needs_specification

each_client = pytest.mark.parametrize("client", CLIENTS)
SAID = Said("Grüße 🦉.", thought="Hm.", call=("get_weather", {"city": "Bern"}))
CITED = [
    {"type": "url_citation", "url_citation": {"url": "https://example.org/1"}},
    {"type": "url_citation", "url": "https://example.org/2", "title": None, "start_index": "3", "end_index": None},
    {"type": "url_citation", "url_citation": {"title": "Nowhere"}},
]
LOGPROBS: dict[str, Any] = {
    "content": [
        {"token": "Yes", "logprob": -1, "top_logprobs": [{"token": "No", "logprob": -2.5}, {"logprob": None}]},
        {"token": None, "bytes": [None, 46]},
    ]
}


def whole(**fields: Any) -> ChatResult:
    extra = fields.pop("extra", {})
    fields = {"parts": [Text("Yes.")], "finish": FinishReason.STOP} | fields
    return ChatResult(id="1", model="m", choices=[Choice(**fields)], extra=extra)


@each_client
@pytest.mark.parametrize("reason", [None, *FinishReason])
def test_every_reason_for_the_end_has_a_word(client: str, reason: FinishReason | None) -> None:
    wire = CLIENT_FORMATS[client]
    assert complaints(client, wire.encode_result(whole(finish=reason))) == []
    events: list[Event] = [Started("1", "m"), TextDelta("Yes.")]
    events += [Finished(reason)] if reason else []
    encoder = wire.encoder(Peek(model="m", stream=True))
    body = b"".join(encoder.encode(event) for event in events) + encoder.end()
    assert complaints(client, body, stream=True) == []


@pytest.mark.parametrize("reason", [None, *FinishReason])
def test_every_reason_for_the_end_has_a_word_in_a_completion(reason: FinishReason | None) -> None:
    wire = OPERATIONS["openai-completions"]
    assert complaints(wire.name, wire.encode_result(whole(finish=reason))) == []
    encoder = wire.encoder(Peek(model="m", stream=True))
    body = b"".join(encoder.encode(event) for event in ([Finished(reason)] if reason else [])) + encoder.end()
    assert complaints(wire.name, body, stream=True) == []


def test_an_answer_that_broke_is_not_called_done() -> None:
    """Gemini's MALFORMED_FUNCTION_CALL, say."""
    body = json.loads(CLIENT_FORMATS["openai-chat"].encode_result(whole(finish=FinishReason.ERROR)))
    assert body["choices"][0]["finish_reason"] == "length"
    body = json.loads(CLIENT_FORMATS["openai-responses"].encode_result(whole(finish=FinishReason.ERROR)))
    assert body["status"] == "incomplete"


@each_client
@pytest.mark.parametrize("tier", ["on_demand", "standard_only", 3, {"of": "ours"}])
def test_another_providers_word_for_the_tier_is_left_out(client: str, tier: Any) -> None:
    body = CLIENT_FORMATS[client].encode_result(whole(extra={"service_tier": tier}))
    assert complaints(client, body) == []
    assert "service_tier" not in json.loads(body)


@each_client
def test_incomplete_citations_and_probabilities_are_completed(client: str) -> None:
    body = CLIENT_FORMATS[client].encode_result(whole(parts=[Text("Yes.", citations=CITED)], logprobs=LOGPROBS))
    assert complaints(client, body) == []
    text = body.decode()
    assert text.count("https://example.org/") == 2
    assert '"token":"No","logprob":-2.5,"bytes":[78,111]' in text.replace(" ", "")


@pytest.mark.parametrize(
    ("client", "format"), [(client, name) for client in CLIENTS for name in SPOKEN if name != client]
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@given(data=st.data())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_a_value_of_another_type_does_not_reach_the_client(
    client: str, format: str, stream: bool, data: st.DataObject
) -> None:
    body = answer(format, SAID, stream=stream).body
    for _ in range(data.draw(st.integers(1, 3))):
        body = _twisted(body, data) if stream else json.dumps(twisted(json.loads(body), data)).encode()
    wire, target = FORMATS[format], CLIENT_FORMATS[client]
    try:
        written = encoded(target, decoded(wire, body)) if stream else target.encode_result(wire.decode_result(body))
    except AnyGPTError:
        return
    assert complaints(client, written, stream=stream) == []


def _twisted(body: bytes, data: st.DataObject) -> bytes:
    lines = body.split(b"\n")
    places = [place for place, line in enumerate(lines) if line.removeprefix(b"data: ").startswith(b"{")]
    place = data.draw(st.sampled_from(places))
    mark = b"data: " if lines[place].startswith(b"data: ") else b""
    # what stays an object stays an event
    value = {key: twisted(item, data) for key, item in json.loads(lines[place].removeprefix(mark)).items()}
    lines[place] = mark + json.dumps(value).encode()
    return b"\n".join(lines)
