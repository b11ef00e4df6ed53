"""What routing needs of a generateContent request; model and streaming stand in its path."""

from __future__ import annotations

from typing import Any

import msgspec

from app.formats.base import Peek
from app.formats.fields import check_list, check_model
from app.formats.gemini.words import camel
from app.formats.limits import read_limit
from app.formats.media import AUDIO_SHARE, IMAGE_BYTES
from app.formats.payload import as_dict, as_dicts, as_text, dump, peek, read_request

_NONE = msgspec.Raw(b"")
_MEDIA = (b'"inlineData"', b'"inline_data"', b'"fileData"', b'"file_data"')


class _Head(msgspec.Struct):
    contents: msgspec.Raw
    tools: msgspec.Raw = _NONE
    generationConfig: dict[str, Any] | None = None
    generation_config: dict[str, Any] | None = None
    systemInstruction: msgspec.Raw = _NONE
    system_instruction: msgspec.Raw = _NONE


_head = msgspec.json.Decoder(_Head)
_contents = msgspec.json.Decoder(list[dict[str, Any]])


def peek_generate(body: bytes, path_model: str | None, path_stream: bool | None) -> Peek:
    model = bare_model(path_model)
    head = peek(body, _head)
    contents = bytes(head.contents)
    if not contents.startswith(b"{"):  # a single content is accepted too
        check_list(contents, "contents")
    needs: set[str] = set()
    size = len(contents) + len(bytes(head.systemInstruction)) + len(bytes(head.system_instruction))
    if any(word in contents for word in _MEDIA) and contents.startswith(b"["):
        size -= _media(camel(peek(contents, _contents)), needs)
    tools = bytes(head.tools)
    if b"unctionDeclarations" in tools or b"unction_declarations" in tools:
        needs.add("tools")
        size += len(tools)
    config: dict[str, Any] = camel(head.generationConfig or head.generation_config or {})
    if config.get("responseMimeType") == "application/json":
        needs.add("json")
    thinking = as_dict(config.get("thinkingConfig"))
    if thinking.get("thinkingBudget") not in (None, 0) or thinking.get("thinkingLevel"):
        needs.add("reasoning")
    limit = config.get("maxOutputTokens")
    if type(limit) is not int or limit < 1:
        limit = read_limit(_number(limit), "generationConfig.maxOutputTokens")
    count = _number(config["candidateCount"]) if "candidateCount" in config else 1
    many = int(count) if isinstance(count, int | float) and 1 <= count <= 8 else 1
    return Peek(
        model=model,
        stream=bool(path_stream),
        max_tokens=limit * many if limit else None,
        needs=frozenset(needs),
        input_bytes=size,
        include_usage=True,
    )


def question_of(body: bytes) -> bytes:
    """A countTokens body as the question it is about: it holds contents alone, or a whole request."""
    value = read_request(body)
    whole = value.get("generateContentRequest") or value.get("generate_content_request")
    return dump(whole) if isinstance(whole, dict) else body


def bare_model(path_model: str | None) -> str:
    model = (path_model or "").removeprefix("models/")
    check_model(model)
    return model


def _number(value: Any) -> Any:
    """Google's JSON takes a number written as a string too (https://protobuf.dev/programming-guides/json/)."""
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 19 else value


def _media(contents: list[dict[str, Any]], needs: set[str]) -> int:
    """Adds what the parts need; returns the bytes of media that the model will not read as text."""
    saved = 0
    for content in contents:
        parts = content.get("parts")
        for part in as_dicts(parts if isinstance(parts, list) else [parts]):
            media = as_dict(part.get("inlineData")) or as_dict(part.get("fileData"))
            if not media:
                continue
            media_type, data = as_text(media.get("mimeType")), len(as_text(media.get("data")))
            if media_type.startswith("image/"):
                needs.add("vision")
                saved += data - IMAGE_BYTES
            elif media_type.startswith("audio/"):
                needs.add("audio_in")
                saved += data - data // AUDIO_SHARE
            else:
                needs.add("files")
    return saved
