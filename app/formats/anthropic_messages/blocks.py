"""Anthropic's content blocks ↔ parts."""

from __future__ import annotations

from typing import Any

from app.core.chat import Audio, File, Foreign, Image, Part, Reasoning, Refusal, Text, ToolCall
from app.formats.payload import as_dict, as_dicts, as_text, as_text_or_none, dump_text, read_arguments
from app.formats.signatures import unwrap, wrap
from app.formats.tool_ids import safe_id

FAMILY = "anthropic"


def read_block(block: dict[str, Any]) -> Part | None:
    """A block of an answer; what only Anthropic knows (server tools, compaction) stays as it came."""
    match block.get("type"):
        case "text":
            text = as_text(block.get("text"))
            return Text(text, citations=as_dicts(block.get("citations")) or None) if text else None
        case "thinking":
            return read_thinking(as_text(block.get("thinking")), as_text_or_none(block.get("signature")))
        case "redacted_thinking":
            return read_redacted(as_text(block.get("data")))
        case "tool_use":
            value = block.get("input")
            return ToolCall(
                id=as_text(block.get("id")),
                name=as_text(block.get("name")),
                arguments=dump_text(value if value is not None else {}),
                signature=call_signature(block),
            )
        case "image" if (picture := read_image(block)) is not None:
            return picture
        case _:
            return Foreign(FAMILY, block)


def read_image(block: dict[str, Any]) -> Image | None:
    """A picture in an answer: Anthropic writes none, but answers of others are shown so."""
    source = as_dict(block.get("source"))
    data, url = as_text_or_none(source.get("data")), as_text_or_none(source.get("url"))
    if data is None and url is None:
        return None
    return Image(url=url, data=data, media_type=as_text_or_none(source.get("media_type")))


def read_thinking(text: str, signature: str | None) -> Reasoning:
    if signature is None:
        return Reasoning(text, family=FAMILY)
    bare, family, redacted = unwrap(signature, FAMILY)
    if redacted:
        return Reasoning(text, redacted=bare, family=family)
    return Reasoning(text, signature=bare, family=family)


def read_redacted(data: str) -> Reasoning:
    bare, family, _ = unwrap(data, FAMILY)
    return Reasoning(redacted=bare, family=family)


def call_signature(block: dict[str, Any]) -> str | None:
    """Gemini's signature of a call has no place in Anthropic's format; it rides beside the block's own fields."""
    google = as_dict(as_dict(block.get("extra_content")).get("google"))
    return as_text_or_none(google.get("thought_signature"))


def write_block(part: Part) -> list[dict[str, Any]]:
    """An answer's part as blocks; empty where a client of this format could not read it."""
    match part:
        case Text():
            block: dict[str, Any] = {"type": "text", "text": part.text}
            if part.citations:
                block["citations"] = [c for c in (write_citation(value) for value in part.citations) if c]
            return [block]
        case Refusal():
            return [{"type": "text", "text": part.text}]
        case Reasoning():
            return [write_reasoning(part)]
        case ToolCall():
            return [write_tool_use(part)]
        case Foreign(family="anthropic"):
            return [part.value]
        case Image():
            return [{"type": "image", "source": image_source(part)}]
        case Audio() | File():
            return []
        case _:
            return []


def write_reasoning(part: Reasoning) -> dict[str, Any]:
    if part.redacted is not None:
        own = part.family in (None, FAMILY)
        data = part.redacted if own else wrap(part.redacted, part.family, FAMILY, redacted=True)
        return {"type": "redacted_thinking", "data": data}
    signature = wrap(part.signature, part.family, FAMILY) if part.signature else ""
    return {"type": "thinking", "thinking": part.text, "signature": signature}


def write_tool_use(part: ToolCall) -> dict[str, Any]:
    block: dict[str, Any] = {
        "type": "tool_use",
        "id": safe_id(part.id),
        "name": part.name,
        "input": read_arguments(part.arguments),
    }
    if part.signature:
        block["extra_content"] = {"google": {"thought_signature": part.signature}}
    return block


def image_source(part: Image) -> dict[str, Any]:
    if part.data is not None:
        return {"type": "base64", "media_type": part.media_type or "image/png", "data": part.data}
    return {"type": "url", "url": part.url or ""}


def write_citation(value: dict[str, Any]) -> dict[str, Any] | None:
    """Another format's citation of an address in Anthropic's words; its own as it is."""
    inner = as_dict(value.get("url_citation"))
    if not inner:
        return value if "cited_text" in value else None
    return {
        "type": "web_search_result_location",
        "url": as_text(inner.get("url")),
        "title": as_text(inner.get("title")),
        "cited_text": "",
        "encrypted_index": "",
    }
