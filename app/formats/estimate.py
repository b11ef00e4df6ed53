"""What a model reads and writes, as plain text: for counting tokens where nobody else counts them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from app.core.chat import (
    Audio,
    ChatRequest,
    ChatResult,
    File,
    Image,
    Part,
    Reasoning,
    Refusal,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from app.formats.media import AUDIO_SHARE, IMAGE_BYTES
from app.formats.payload import dump_text


class Reading(msgspec.Struct):
    """A question's `text`, and what else takes tokens: `media` is their number for pictures, sounds and documents."""

    text: str
    messages: int = 1
    tools: bool = False
    media: int = 0


class Family(msgspec.Struct, frozen=True):
    """How far a family's own counts are from o200k_base's: `factor` on text, tokens for each message, for the request
    as a whole, and for having tools at all."""

    factor: float = 1.0
    message: int = 4
    request: int = 3
    tools: int = 0


# Medians over recorded requests whose providers said how much they read.
FAMILIES = {
    "openai": Family(),
    "anthropic": Family(factor=1.15, message=4, request=3, tools=340),
    "gemini": Family(message=0, request=0),
}


def family_of(model: str) -> Family:
    """By the model's name at the provider; what is not known counts like OpenAI's."""
    name = model.lower()
    if "claude" in name:
        return FAMILIES["anthropic"]
    return FAMILIES["gemini" if "gemini" in name or "gemma" in name else "openai"]


def input_tokens(reading: Reading, text_tokens: int, family: Family) -> int:
    """Tokens a family would count for a question, from those of its text in o200k_base."""
    overhead = family.request + family.message * reading.messages + (family.tools if reading.tools else 0)
    return round(text_tokens * family.factor) + overhead + reading.media


def read_question(request: ChatRequest) -> Reading:
    media = 0
    pieces: list[str] = []
    for message in request.messages:
        for part in _flat(message.parts):
            media += _media_tokens(part)
            pieces.append(_words(part))
    pieces += [_tool(tool) for tool in request.tools]
    if request.output is not None and request.output.schema is not None:
        pieces.append(dump_text(request.output.schema))
    return Reading("\n".join(piece for piece in pieces if piece), len(request.messages), bool(request.tools), media)


def read_answer_text(result: ChatResult) -> str:
    return "\n".join(_words(part) for choice in result.choices for part in choice.parts)


def _flat(parts: list[Part]) -> Iterator[Part]:
    for part in parts:
        if isinstance(part, ToolResult):
            yield from part.parts
        else:
            yield part


def _words(part: Part) -> str:
    match part:
        case Text() | Refusal() | Reasoning():
            return part.text
        case ToolCall():
            return f"{part.name}{part.arguments}"
        case _:
            return ""


def _media_tokens(part: Part) -> int:
    match part:
        case Image():
            return IMAGE_BYTES // 3
        case Audio():
            return len(part.data) // AUDIO_SHARE // 3
        case File() if part.data is not None:
            return len(part.data) // 12  # a page of a document is some 50 KB of base64 and some 1,500 tokens and more
        case _:
            return 0


def _tool(tool: Tool) -> str:
    return dump_text(tool.raw if tool.raw is not None else [tool.name, tool.description, tool.parameters])
