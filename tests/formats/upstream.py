"""Helpers for the tests of formats that only providers speak: questions of every client, mutated answers."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from app.core.chat import ChatRequest
from app.formats.registry import CLIENT_FORMATS, FORMATS
from tests.formats.samples import SCHEMA, request

TOOL = {"type": "function", "function": {"name": "weather", "description": "Now", "parameters": SCHEMA}}
NOW = {"type": "function", "function": {"name": "now"}}
_ODD = st.sampled_from([None, True, 0, -1, 1.5, 10**25, "", "text", "\u0000", [], {}, [None], {"a": 1}, [[]], "2"])


def asked(**fields: Any) -> ChatRequest:
    """An OpenAI client's question: one message unless told otherwise."""
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]} | fields
    return CLIENT_FORMATS["openai-chat"].decode_request(json.dumps(body).encode())


def asked_as(client: str, **changes: Any) -> ChatRequest:
    """The sample question of a client's format: text, picture, a tool called and answered."""
    return CLIENT_FORMATS[client].decode_request(request(client, **changes), "small-1", True)


def said(target: str, question: ChatRequest, model: str = "real") -> dict[str, Any]:
    return dict(json.loads(FORMATS[target].encode_request(question, model).body))


def notes(target: str, question: ChatRequest, model: str = "real") -> list[str]:
    return FORMATS[target].encode_request(question, model).approximated


@st.composite
def mutations(draw: st.DrawFn, body: bytes) -> bytes:
    found = bytearray(body)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(found) - 1))
        match draw(st.sampled_from(["cut", "flip", "insert", "repeat"])):
            case "cut":
                del found[at : at + draw(st.integers(1, 60))]
            case "flip":
                found[at] = draw(st.integers(0, 255))
            case "insert":
                odd = [b"\x00", b"\xff", b'"', b"{", b"}", b"[", b"null", b"\\", b"\n", b"\n\n", b"-1", b"1e999"]
                found[at:at] = draw(st.sampled_from(odd))
            case "repeat":
                found[at:at] = found[at : at + 50]
        if not found:
            return b""
    return bytes(found)


def twisted(value: Any, data: st.DataObject) -> Any:
    """One value somewhere inside becomes another of any type."""
    if isinstance(value, dict) and value and data.draw(st.integers(0, 4)):
        key = data.draw(st.sampled_from(sorted(value)))
        return value | {key: twisted(value[key], data)}
    if isinstance(value, list) and value and data.draw(st.integers(0, 4)):
        at = data.draw(st.integers(0, len(value) - 1))
        return [*value[:at], twisted(value[at], data), *value[at + 1 :]]
    return data.draw(_ODD)
