"""Every recorded question of a known format is read, and said in every format that can say it."""

from __future__ import annotations

import json
import re

import pytest

from app.core.chat import Text, ToolCall
from app.core.errors import BadRequest, Unsupported
from app.formats.base import WireFormat
from app.formats.registry import CLIENT_FORMATS
from tests.formats.test_recorded_answers import every
from tests.recordings import Recording


def _in_path(recorded: Recording) -> tuple[str | None, bool | None]:
    found = re.search(r"models/([^:/]+):(\w+)", recorded.path)
    return (found[1], found[2].startswith("stream")) if found else ("model", False)


def _asks(recorded: Recording) -> bool:
    if not isinstance(recorded.request, dict):
        return False
    has_model = "model" in recorded.request
    return (has_model and bool({"messages", "input"} & set(recorded.request))) or "contents" in recorded.request


def _texts(wire: WireFormat, body: bytes, model: str | None, stream: bool | None) -> tuple[list[str], list[object]]:
    asked = wire.decode_request(body, model, stream)
    texts = [part.text for message in asked.messages for part in message.parts if isinstance(part, Text)]
    calls = [part for message in asked.messages for part in message.parts if isinstance(part, ToolCall)]
    return sorted(text.rstrip() for text in texts), [(call.name, json.loads(call.arguments)) for call in calls]


@every(client=True)
def test_a_question_keeps_its_words_in_every_format(recorded: Recording) -> None:
    wire = CLIENT_FORMATS[recorded.dialect]
    if not _asks(recorded):
        return
    body = json.dumps(recorded.request).encode()
    model, stream = _in_path(recorded)
    seen = wire.peek(body, model, stream)
    asked = wire.decode_request(body, model, stream)
    assert (seen.model, seen.stream, seen.include_usage) == (asked.model, asked.stream, asked.include_usage)
    assert ("tools" in seen.needs) >= any(tool.raw is None for tool in asked.tools)
    texts, calls = _texts(wire, body, model, stream)
    for other in CLIENT_FORMATS.values():
        try:
            call = other.encode_request(asked, "some-model")
        except Unsupported:
            assert other is not wire
            continue
        again, same_calls = _texts(other, call.body, "some-model", asked.stream)
        assert same_calls == calls, other.name
        assert len("".join(again)) >= len("".join(texts)), other.name


@every(client=True)
def test_a_relayed_question_differs_in_its_model_only(recorded: Recording) -> None:
    wire = CLIENT_FORMATS[recorded.dialect]
    if not _asks(recorded) or recorded.dialect == "gemini":
        return
    for indent in (None, 1):
        body = json.dumps(recorded.request, indent=indent).encode()
        seen = wire.peek(body)
        call = wire.relay_request(body, "new", seen, ask_usage=False)
        expected = {key: value for key, value in recorded.request.items() if key not in seen.extensions}
        assert json.loads(call.body) == expected | {"model": "new"}
        asking = json.loads(wire.relay_request(body, "new", seen, ask_usage=True).body)
        if wire.name == "openai-chat" and seen.stream:
            assert asking["stream_options"]["include_usage"] is True


@every(client=True)
def test_a_question_without_its_needs_is_refused(recorded: Recording) -> None:
    wire = CLIENT_FORMATS[recorded.dialect]
    if _asks(recorded) or not isinstance(recorded.request, dict):
        return
    with pytest.raises(BadRequest) as refused:
        wire.peek(json.dumps(recorded.request).encode())
    assert refused.value.field
