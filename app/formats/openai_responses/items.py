"""Items of an answer ↔ parts: messages, reasoning, function calls, pictures; all others stay as they came."""

from __future__ import annotations

from typing import Any

from app.core.chat import Foreign, Image, Part, Reasoning, Refusal, Text, ToolCall
from app.formats.logprobs import complete
from app.formats.openai_responses.envelope import item_id
from app.formats.openai_responses.words import OWN
from app.formats.payload import as_dict, as_dicts, as_text, as_text_or_none
from app.formats.reasoning_items import read_item as read_reasoning
from app.formats.reasoning_items import write_item as write_reasoning
from app.formats.tool_ids import made_id

_ANNOTATIONS = {"file_citation", "container_file_citation", "file_path"}


def read_output(response: dict[str, Any]) -> list[Part]:
    """All parts of a whole answer."""
    parts: list[Part] = []
    calls = 0
    for item in as_dicts(response.get("output")):
        match item.get("type"):
            case "message":
                parts += read_message(item)
            case "reasoning":
                thought = shown_reasoning(item)
                parts += [thought] if thought else []
            case "function_call":
                parts.append(read_call(item, as_text(response.get("id")), calls))
                calls += 1
            case "image_generation_call" if as_text(item.get("result")):
                parts.append(read_picture(item))
            case _:
                parts.append(Foreign(OWN, item))
    return parts


def read_message(item: dict[str, Any]) -> list[Part]:
    parts: list[Part] = []
    for part in as_dicts(item.get("content")):
        if part.get("type") == "refusal":
            parts.append(Refusal(as_text(part.get("refusal"))))
        elif text := as_text(part.get("text")):
            citations = [read_annotation(value) for value in as_dicts(part.get("annotations"))]
            parts.append(Text(text, citations=citations or None))
    return parts


def shown_reasoning(item: dict[str, Any]) -> Reasoning | None:
    """Only what can go back is sealed. None for the bare name of a thought that was stored elsewhere."""
    thought = read_reasoning(item)
    if item.get("encrypted_content") or as_dicts(item.get("content")):
        return thought
    return Reasoning(thought.text, family=thought.family) if thought.text else None


def read_call(item: dict[str, Any], answer_id: str, position: int) -> ToolCall:
    name = as_text(item.get("name"))
    call_id = as_text(item.get("call_id")) or as_text(item.get("id")) or made_id(answer_id, position, name)
    return ToolCall(call_id, name, as_text(item.get("arguments")), call_signature(item))


def call_signature(item: dict[str, Any]) -> str | None:
    """Gemini's signature of a call has no place in this format; it rides beside the item's own fields."""
    google = as_dict(as_dict(item.get("extra_content")).get("google"))
    return as_text_or_none(google.get("thought_signature"))


def read_picture(item: dict[str, Any]) -> Image:
    return Image(data=as_text(item.get("result")), media_type=f"image/{as_text(item.get('output_format')) or 'png'}")


def read_annotation(value: dict[str, Any]) -> dict[str, Any]:
    """An address that is cited, in the chat format's shape, which all others read."""
    if value.get("type") != "url_citation" or "url_citation" in value:
        return value
    return {"type": "url_citation", "url_citation": {key: item for key, item in value.items() if key != "type"}}


def write_annotation(value: dict[str, Any]) -> dict[str, Any] | None:
    """Any format's citation of an address, and this format's own kinds; None for what it cannot say."""
    if as_text(value.get("type")) in _ANNOTATIONS:
        return value
    inner = as_dict(value.get("url_citation")) or value
    url = as_text(inner.get("url"))
    if not url:
        return None
    start, end = inner.get("start_index"), inner.get("end_index")
    return {
        "type": "url_citation",
        "url": url,
        "title": as_text(inner.get("title")),
        "start_index": start if type(start) is int else 0,
        "end_index": end if type(end) is int else 0,
    }


def write_output(
    parts: list[Part], answer_id: str, status: str, logprobs: dict[str, Any] | None
) -> list[dict[str, Any]]:
    """The items of a whole answer. Text and refusals that stand together are one message."""
    output: list[dict[str, Any]] = []
    message: dict[str, Any] | None = None
    said = as_dicts(as_dict(logprobs).get("content"))
    for part in parts:
        number = len(output)
        if isinstance(part, Text | Refusal):
            if message is None:
                message = new_message(answer_id, number)
                output.append(message)
            message["content"].append(_content(part, said))
            said = []
            continue
        item = _item(part, answer_id, number)
        if item is not None:
            message = None
            output.append(item)
    if output and "status" in output[-1] and status == "incomplete":
        output[-1]["status"] = status
    return output


def new_message(answer_id: str, number: int, status: str = "completed") -> dict[str, Any]:
    name = item_id("msg", answer_id, number)
    return {"id": name, "type": "message", "status": status, "role": "assistant", "content": []}


def new_call(call: ToolCall, answer_id: str, number: int, status: str = "completed") -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": item_id("fc", answer_id, number),
        "type": "function_call",
        "status": status,
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments,
    }
    if call.signature:
        item["extra_content"] = {"google": {"thought_signature": call.signature}}
    return item


def new_picture(data: str, media_type: str, answer_id: str, number: int) -> dict[str, Any]:
    kind = media_type.removeprefix("image/")
    return {
        "id": item_id("ig", answer_id, number),
        "type": "image_generation_call",
        "status": "completed",
        "output_format": "png" if kind == "*" else kind,
        "result": data,
    }


def text_part(text: str = "", annotations: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": annotations or [], "logprobs": []}


def _content(part: Text | Refusal, logprobs: list[dict[str, Any]]) -> dict[str, Any]:
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    annotations = [found for value in part.citations or [] if (found := write_annotation(value))]
    written = text_part(part.text, annotations)
    if logprobs:
        written["logprobs"] = complete(logprobs)
    return written


def _item(part: Part, answer_id: str, number: int) -> dict[str, Any] | None:
    match part:
        case Reasoning():
            return write_reasoning(part, item_id("rs", answer_id, number))
        case ToolCall():
            call = ToolCall(part.id, part.name, part.arguments or "{}", part.signature)
            return new_call(call, answer_id, number)
        case Image():
            return new_picture(part.data or part.url or "", part.media_type or "image/png", answer_id, number)
        case Foreign(family="openai-responses"):
            return part.value
        case _:
            return None  # sounds and files: this format's answers have none
