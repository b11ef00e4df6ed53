"""What routing needs of a request to Anthropic's messages API, read without decoding the rest."""

from __future__ import annotations

from typing import Any

import msgspec

from app.formats.base import Peek
from app.formats.fields import check_list, check_model
from app.formats.limits import read_limit
from app.formats.media import IMAGE_BYTES
from app.formats.payload import as_dict, as_text, as_text_or_none, peek

_NONE = msgspec.Raw(b"")


class _Typed(msgspec.Struct):
    type: str | None = None


class _Config(msgspec.Struct):
    format: dict[str, Any] | None = None


class _Head(msgspec.Struct):
    model: str
    messages: msgspec.Raw
    stream: bool | None = None
    max_tokens: Any = None
    system: msgspec.Raw = _NONE
    tools: msgspec.Raw = _NONE
    thinking: _Typed | None = None
    output_config: _Config | None = None
    output_format: dict[str, Any] | None = None
    metadata: Any = None


class _Message(msgspec.Struct):
    content: Any = None


_head = msgspec.json.Decoder(_Head)
_messages = msgspec.json.Decoder(list[_Message])


def peek_messages(body: bytes) -> Peek:
    head = peek(body, _head)
    check_model(head.model)
    messages = bytes(head.messages)
    check_list(messages, "messages")
    limit = head.max_tokens
    if type(limit) is not int or limit < 0:
        limit = read_limit(limit, "max_tokens", 0)  # 0 warms the cache and answers nothing
    needs: set[str] = set()
    size = len(messages) + len(bytes(head.system))
    if b'"image"' in messages or b'"document"' in messages:
        for message in peek(messages, _messages):
            size -= _media(message.content, needs, 0)
    tools = bytes(head.tools)
    if tools.startswith(b"[") and tools[1:].strip() != b"]":
        needs.add("tools")
        size += len(tools)
    if head.output_format or (head.output_config and head.output_config.format):
        needs.add("json")
    if head.thinking and head.thinking.type in ("enabled", "adaptive"):
        needs.add("reasoning")
    return Peek(
        model=head.model,
        stream=bool(head.stream),
        max_tokens=limit,
        needs=frozenset(needs),
        input_bytes=size,
        include_usage=True,
        user=as_text_or_none(as_dict(head.metadata).get("user_id")) if head.metadata is not None else None,
    )


def _media(content: Any, needs: set[str], depth: int) -> int:
    """Adds what the blocks need; returns the bytes of media that the model will not read as text."""
    saved = 0
    if not isinstance(content, list) or depth > 2:
        return 0
    for block in content:
        if not isinstance(block, dict):
            continue
        match block.get("type"):
            case "image":
                needs.add("vision")
                source = as_dict(block.get("source"))
                saved += len(as_text(source.get("data")) or as_text(source.get("url"))) - IMAGE_BYTES
            case "document":
                if as_dict(block.get("source")).get("type") not in ("text", "content"):
                    needs.add("files")
            case "tool_result":
                saved += _media(block.get("content"), needs, depth + 1)
    return saved
