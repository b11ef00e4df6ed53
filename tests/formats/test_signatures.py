"""Signatures of reasoning come back byte for byte, through clients of any format, and only to their own family."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.chat import Event, ReasoningDelta, ToolCallDelta, ToolCallStart
from app.formats.base import Peek, WireFormat
from app.formats.registry import CLIENT_FORMATS
from app.formats.signatures import unwrap, wrap
from app.formats.sse import SSEReader
from tests.formats.samples import RESULTS, request

CHAT, CLAUDE, GEMINI = CLIENT_FORMATS["openai-chat"], CLIENT_FORMATS["anthropic-messages"], CLIENT_FORMATS["gemini"]
SIGNED: list[Event] = [ReasoningDelta("Look ", family="anthropic"), ReasoningDelta("out.", family="anthropic")]
SIGNED += [
    ReasoningDelta(signature="c2ln+/==", family="anthropic"),
    ReasoningDelta(redacted="ZGF0", family="anthropic"),
]


@given(
    st.text(max_size=40), st.sampled_from(["openai", "anthropic", "gemini"]), st.sampled_from(["anthropic", "gemini"])
)
def test_a_wrapped_signature_unwraps_to_itself(signature: str, family: str, home: str) -> None:
    for redacted in (True, False):
        slot = wrap(signature, family, home, redacted=redacted)
        if family != home or redacted:
            assert unwrap(slot, home) == (signature, family, redacted)


def test_a_signature_of_the_slots_own_family_is_not_touched() -> None:
    assert wrap("ErUBCkYIARgC", "anthropic", "anthropic") == "ErUBCkYIARgC"
    assert unwrap("ErUBCkYIARgC", "anthropic") == ("ErUBCkYIARgC", "anthropic", False)


def streamed(wire: WireFormat, events: list[Event]) -> list[dict[str, Any]]:
    encoder = wire.encoder(Peek(model="m"))
    body = b"".join(encoder.encode(event) for event in events) + encoder.end()
    return [json.loads(frame.data) for frame in SSEReader().feed(body) if frame.data != b"[DONE]"]


def test_anthropics_thinking_returns_through_an_openai_client() -> None:
    deltas = [choice["delta"] for value in streamed(CHAT, SIGNED) for choice in value["choices"]]
    details = [detail for delta in deltas for detail in delta.get("reasoning_details", [])]
    text = "".join(delta.get("reasoning_content", "") for delta in deltas)
    merged = [{**details[0], "text": "Look out.", "signature": "c2ln+/=="}, details[-1]]
    for sent in (details, merged):
        message = {"role": "assistant", "content": "ok", "reasoning_content": text, "reasoning_details": sent}
        assert thinking(CHAT, message) == [
            {"type": "thinking", "thinking": "Look out.", "signature": "c2ln+/=="},
            {"type": "redacted_thinking", "data": "ZGF0"},
        ]


def test_anthropics_thinking_returns_through_a_gemini_client() -> None:
    parts = [
        part
        for value in streamed(GEMINI, SIGNED)
        for part in value["candidates"][0]["content"]["parts"]
        if part != {"text": ""}
    ]
    asked = GEMINI.decode_request(request("gemini", contents=[USER, {"role": "model", "parts": parts}]), "m", False)
    body = json.loads(CLAUDE.encode_request(asked, "claude").body)
    assert body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "Look out.", "signature": "c2ln+/=="},
        {"type": "redacted_thinking", "data": "ZGF0"},
    ]


USER = {"role": "user", "parts": [{"text": "hi"}]}


@pytest.mark.parametrize("client", [CHAT, CLAUDE], ids=lambda wire: wire.name)
def test_geminis_call_signature_returns_through_other_clients(client: WireFormat) -> None:
    calls: list[Event] = [ToolCallStart(0, "call_1", "f", "c2ln"), ToolCallDelta(0, "{}")]
    for whole in (False, True):
        if client is CHAT:
            if whole:
                call = json.loads(client.encode_result(GEMINI.decode_result(RESULTS["gemini"])))["choices"][0][
                    "message"
                ]
                message = {"role": "assistant", "content": None, "tool_calls": call["tool_calls"][:1]}
            else:
                (call,) = [
                    call
                    for value in streamed(client, calls)
                    for choice in value["choices"]
                    for call in choice["delta"].get("tool_calls", [])
                    if "id" in call
                ]
                message = {"role": "assistant", "content": None, "tool_calls": [call]}
            body = request("openai-chat", messages=[{"role": "user", "content": "hi"}, message])
        else:
            if whole:
                blocks = json.loads(client.encode_result(GEMINI.decode_result(RESULTS["gemini"])))["content"]
            else:
                blocks = [value["content_block"] for value in streamed(client, calls) if "content_block" in value]
            used = [block for block in blocks if block["type"] == "tool_use"][:1]
            message = {"role": "assistant", "content": used}
            body = request("anthropic-messages", messages=[{"role": "user", "content": "hi"}, message])
        sent = json.loads(GEMINI.encode_request(client.decode_request(body), "gemini-3").body)
        assert sent["contents"][1]["parts"][0]["thoughtSignature"] == "c2ln"


def test_reasoning_goes_to_no_other_family() -> None:
    message = {
        "role": "assistant",
        "content": "ok",
        "reasoning_details": [
            {"type": "reasoning.text", "text": "a", "signature": "s", "format": "google-gemini-v1"},
            {"type": "reasoning.encrypted", "data": "d", "format": "openai-responses-v1"},
            {"type": "reasoning.text", "text": "b", "format": "unknown"},
        ],
    }
    assert thinking(CHAT, message) == []
    asked = CHAT.decode_request(request("openai-chat", messages=[{"role": "user", "content": "hi"}, message]))
    parts = json.loads(GEMINI.encode_request(asked, "gemini").body)["contents"][1]["parts"]
    assert parts == [{"text": "a", "thought": True, "thoughtSignature": "s"}, {"text": "ok"}]
    assert b"reasoning" not in CHAT.encode_request(asked, "m").body


def test_geminis_empty_signature_part_returns_with_its_text() -> None:
    parts = [{"text": "ok"}, {"text": "", "thoughtSignature": "c2ln"}]
    asked = GEMINI.decode_request(request("gemini", contents=[USER, {"role": "model", "parts": parts}]), "m", False)
    sent = json.loads(GEMINI.encode_request(asked, "m").body)["contents"][1]["parts"]
    assert sent == [{"text": "ok", "thoughtSignature": "c2ln"}]


def thinking(client: WireFormat, message: dict[str, Any]) -> list[dict[str, Any]]:
    body = request("openai-chat", messages=[{"role": "user", "content": "hi"}, message])
    sent = json.loads(CLAUDE.encode_request(client.decode_request(body), "claude").body)
    return [block for block in sent["messages"][1]["content"] if "thinking" in block["type"]]
