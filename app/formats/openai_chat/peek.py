"""What routing needs of a chat completion request, read without decoding the rest."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from app.core.errors import BadRequest
from app.formats.base import Peek
from app.formats.fields import check_list, check_model
from app.formats.limits import read_limit
from app.formats.media import AUDIO_SHARE, IMAGE_BYTES
from app.formats.payload import as_dict, as_text, kind, peek

_NONE = msgspec.Raw(b"")
_NO_NEEDS: frozenset[str] = frozenset()
NO_LIMIT = -1  # as llama.cpp and those that followed it write it
# for the gateway, and taken out before relaying: OpenRouter's first three, and two of ours
EXTENSIONS = ("models", "provider", "session_id", "max_cost_usd", "max_latency_ms")
_MEDIA = re.compile(rb'"(?:image_url|input_audio|file|document_url)"')


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _Head(msgspec.Struct):
    """What routing can do without may be of any type: the provider is the one to judge it."""

    model: str
    messages: msgspec.Raw
    stream: bool | None = None
    max_tokens: Any = None
    max_completion_tokens: Any = None
    n: Any = None
    tools: msgspec.Raw = _NONE
    functions: msgspec.Raw = _NONE
    response_format: msgspec.Raw = _NONE
    stream_options: _StreamOptions | None = None
    user: Any = None
    metadata: Any = None
    models: Any = None
    provider: Any = None
    session_id: Any = None
    prompt_cache_key: Any = None
    max_cost_usd: Any = None
    max_latency_ms: Any = None
    reasoning_effort: Any = None


class _Message(msgspec.Struct):
    content: Any = None


_head = msgspec.json.Decoder(_Head)
_messages = msgspec.json.Decoder(list[_Message])
_format = msgspec.json.Decoder(dict[str, Any])


def peek_chat(body: bytes) -> Peek:
    head = peek(body, _head)
    check_model(head.model)
    messages = bytes(head.messages)
    check_list(messages, "messages")
    needs: set[str] = set()
    size = len(messages)
    if _MEDIA.search(messages):
        size -= _media(messages, needs)
    for offered in (head.tools, head.functions):
        if offered is not _NONE and (tools := bytes(offered)).startswith(b"[") and tools[1:].strip() != b"]":
            needs.add("tools")
            size += len(tools)
    if head.response_format is not _NONE and b"json" in (response_format := bytes(head.response_format)):
        needs.add("json")
        size += len(response_format)
    effort = head.reasoning_effort
    if effort is not None and isinstance(effort, str) and effort not in ("none", "minimal"):
        needs.add("reasoning")
    many = read_limit(head.n, "n", most=128) if head.n is not None else None
    limit = head.max_completion_tokens if head.max_completion_tokens is not None else head.max_tokens
    if limit is not None and (type(limit) is not int or limit < 1):
        field = "max_tokens" if head.max_completion_tokens is None else "max_completion_tokens"
        limit = read_limit(limit, field) if limit != NO_LIMIT else None
    extensions: dict[str, Any] = {}
    if head.models is not None and isinstance(head.models, list):
        extensions["models"] = head.models
    if head.provider is not None and isinstance(head.provider, dict):
        extensions["provider"] = head.provider
    if head.max_cost_usd is not None:
        extensions["max_cost_usd"] = head.max_cost_usd
    if head.max_latency_ms is not None:
        extensions["max_latency_ms"] = head.max_latency_ms
    session = head.session_id if head.session_id is not None else head.prompt_cache_key
    return Peek(
        model=head.model,
        stream=bool(head.stream),
        max_tokens=limit * many if limit is not None and many else limit,
        needs=frozenset(needs) if needs else _NO_NEEDS,
        input_bytes=size,
        include_usage=bool(head.stream_options and head.stream_options.include_usage),
        user=head.user if type(head.user) is str else None,
        session=session if type(session) is str and session else None,
        metadata=head.metadata if type(head.metadata) is dict else {},
        extensions=extensions,
    )


def _media(messages: bytes, needs: set[str]) -> int:
    """Adds what the messages' parts need; returns the bytes of media that the model will not read as text."""
    saved = 0
    for message in peek(messages, _messages):
        if not isinstance(message.content, list):
            continue
        for part in message.content:
            if not isinstance(part, dict):
                raise BadRequest(f"messages: a content part must be an object, not {kind(part)}.", field="messages")
            match part.get("type"):
                case "image_url":
                    needs.add("vision")
                    address = part.get("image_url")
                    url = as_text(address.get("url")) if isinstance(address, dict) else as_text(address)
                    saved += len(url) - IMAGE_BYTES
                case "input_audio":
                    needs.add("audio_in")
                    data = len(as_text(as_dict(part.get("input_audio")).get("data")))
                    saved += data - data // AUDIO_SHARE
                case "file" | "document_url":
                    needs.add("files")
    return saved
