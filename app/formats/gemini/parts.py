"""Gemini's parts ↔ ours."""

from __future__ import annotations

from typing import Any

from app.core.chat import Audio, File, Foreign, Image, Part, Reasoning, Refusal, Text, ToolCall
from app.formats.media import from_media
from app.formats.payload import as_dict, as_text, as_text_or_none, dump_text, read_arguments
from app.formats.signatures import unwrap, wrap
from app.formats.tool_ids import made_id

FAMILY = "gemini"
_STANDARD = str.maketrans("-_", "+/")


def read_parts(content: Any, answer: str, first_call: int = 0) -> list[Part]:
    """The parts of an answer's content, which may lack `parts`, be empty, or hold a part that is a signature only.
    Calls without an id get one made of the answer's id and their position."""
    parts: list[Part] = []
    raw = as_dict(content).get("parts")
    for part in raw if isinstance(raw, list) else [raw]:
        if isinstance(part, dict):
            parts += read_part(part, answer, first_call + sum(isinstance(p, ToolCall) for p in parts))
    return parts


def read_part(part: dict[str, Any], answer: str, position: int) -> list[Part]:
    signature = as_text_or_none(part.get("thoughtSignature"))
    if isinstance(part.get("text"), str):
        return _text(part["text"], part.get("thought") is True, signature)
    if call := as_dict(part.get("functionCall")):
        name, arguments = as_text(call.get("name")), dump_text(as_dict(call.get("args")))
        call_id = as_text(call.get("id")) or made_id(answer, position, name + arguments)
        return [ToolCall(call_id, name, arguments, signature)]
    if media := as_dict(part.get("inlineData")):
        data = as_text(media.get("data"))
        if "-" in data or "_" in data:
            data = data.translate(_STANDARD)  # Google's clients write base64 for URLs, others read the standard one
        found: list[Part] = [from_media(as_text(media.get("mimeType")), data)]
        return found + ([Reasoning(signature=signature, family=FAMILY)] if signature else [])
    kept = {key: value for key, value in part.items() if key != "thoughtSignature"}
    found = [Foreign(FAMILY, part)] if kept else []
    return found or ([Reasoning(signature=signature, family=FAMILY)] if signature else [])


def _text(text: str, thought: bool, slot: str | None) -> list[Part]:
    if slot is None:
        if thought:
            return [Reasoning(text, family=FAMILY)] if text else []
        return [Text(text)] if text else []
    signature, family, redacted = unwrap(slot, FAMILY)
    if redacted:
        return [Reasoning(text, redacted=signature, family=family)]
    if thought or not text:
        return [Reasoning(text, signature=signature, family=family)]
    return [Text(text), Reasoning(signature=signature, family=family)]


def write_parts(parts: list[Part]) -> list[dict[str, Any]]:
    """An answer's parts; what a client of this format could not read is left out."""
    written: list[dict[str, Any]] = []
    for part in parts:
        match part:
            case Text() | Refusal():
                if part.text:
                    written.append({"text": part.text})
            case Reasoning():
                add_reasoning(written, part)
            case ToolCall():
                written.append(write_call(part))
            case Image() | Audio() | File():
                if (media := write_media(part)) is not None:
                    written.append(media)
            case Foreign(family="gemini"):
                written.append(part.value)
            case _:
                continue
    return written


def add_reasoning(written: list[dict[str, Any]], part: Reasoning) -> None:
    if part.redacted is not None:
        slot = wrap(part.redacted, part.family, FAMILY, redacted=True)
        written.append({"text": part.text, "thought": True, "thoughtSignature": slot})
        return
    slot = wrap(part.signature, part.family, FAMILY) if part.signature else ""
    if part.text:
        thought: dict[str, Any] = {"text": part.text, "thought": True}
        written.append(thought | {"thoughtSignature": slot} if slot else thought)
    elif slot and part.family == FAMILY and written and "text" in written[-1] and "thought" not in written[-1]:
        written[-1].setdefault("thoughtSignature", slot)  # it came with, or right after, this text
    elif slot:
        empty: dict[str, Any] = {"text": "", "thoughtSignature": slot}
        written.append(empty if part.family == FAMILY else empty | {"thought": True})


def write_call(call: ToolCall) -> dict[str, Any]:
    part: dict[str, Any] = {"functionCall": {"id": call.id, "name": call.name, "args": read_arguments(call.arguments)}}
    if call.signature:
        part["thoughtSignature"] = call.signature
    return part


def write_media(part: Image | Audio | File) -> dict[str, Any] | None:
    if part.data is None:
        return None
    media_type = part.media_type or ("image/png" if isinstance(part, Image) else "application/pdf")
    return {"inlineData": {"mimeType": media_type, "data": part.data}}
