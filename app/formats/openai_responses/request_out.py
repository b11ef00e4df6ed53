"""A question in no format → a request to Responses for a provider."""

from __future__ import annotations

import re
from typing import Any

from app.core.chat import (
    Audio,
    ChatRequest,
    File,
    Foreign,
    Image,
    Message,
    Part,
    Reasoning,
    Refusal,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from app.core.errors import Unsupported
from app.formats.base import UpstreamCall
from app.formats.efforts import effort_notes, effort_of
from app.formats.extras import own_extras, refuse, refuse_extras
from app.formats.left_out import left_out, outline, without
from app.formats.media import audio_name, data_url
from app.formats.openai_responses.content import FOREIGN
from app.formats.openai_responses.request_in import LOGPROBS
from app.formats.openai_responses.words import FAMILY, NAME, OWN
from app.formats.payload import dump
from app.formats.reasoning_items import returned_item
from app.formats.sampling import leave_out_of_openai
from app.formats.tool_ids import safe_id

PATH = "/responses"
LEAST_TOKENS = 16  # OpenAI refuses a smaller limit
_ENCRYPTED = "reasoning.encrypted_content"  # of `include`
_SHARED = (
    "service_tier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
)  # with OpenAI's chat format
_ADVICE = ("seed", "frequency_penalty", "presence_penalty", "top_k")
# models that give their thoughts out encrypted; others refuse to be asked for them
_REASONS = re.compile(
    r"(?:^|/)(?:o\d|codex|gpt-[5-9](?:\.\d+)?(?!\d*(?:\.\d+)?-chat)|grok-(?:3-mini|[4-9](?!.*non-reasoning)))"
)


def encode_request(request: ChatRequest, model: str) -> UpstreamCall:
    _refuse(request)
    own = own_extras(request, OWN)
    stored = bool(own.get("store", False))
    notes = _notes(request)
    instructions, messages = _instructions(request)
    body: dict[str, Any] = {"model": model}
    if instructions is not None:
        body["instructions"] = instructions
    items = [item for number, message in messages for item in _items(message, f"messages[{number}]", stored, notes)]
    if items or not own:
        body["input"] = items
    if request.max_tokens is not None:
        body["max_output_tokens"] = max(request.max_tokens, LEAST_TOKENS)
        if request.max_tokens < LEAST_TOKENS:
            notes.append(f"max_tokens: raised to {LEAST_TOKENS}, the least that {NAME} takes.")
    for key in ("temperature", "top_p", "top_logprobs", "user"):
        if (value := getattr(request, key)) is not None:
            body[key] = value
    if request.metadata and all(isinstance(value, str) for value in request.metadata.values()):
        body["metadata"] = request.metadata
    _tools(body, request)
    _text(body, request, own)
    _reason(body, request, notes)
    notes += leave_out_of_openai(body, model, body.get("reasoning", {}).get("effort"))
    chat = own_extras(request, FAMILY)
    body |= {key: chat[key] for key in _SHARED if key in chat}
    body["store"] = False
    body |= {key: value for key, value in own.items() if key != "text"}
    _include(body, request, model, stored)
    if request.stream:
        body["stream"] = True
    return UpstreamCall(path=PATH, body=dump(body), approximated=outline(notes))


def _notes(request: ChatRequest) -> list[str]:
    said = ["user", "detail", "refusal", "showing"]
    if request.extra.get("family") == FAMILY:
        said += [*_SHARED, "verbosity", "store"]
    notes = left_out(request, NAME, family=OWN, said=said, keeps=_goes_back)
    return notes + without(request, NAME, *_ADVICE)


def _goes_back(part: Reasoning, _: Message) -> bool:
    return returned_item(part, stored=True) is not None


def _refuse(request: ChatRequest) -> None:
    refuse_extras(request, OWN, NAME)
    if request.stop:
        raise refuse("stop", NAME, "leave the stop sequences out or name another model")
    if request.n is not None and request.n > 1:
        raise refuse("n", NAME, "ask for one answer at a time")
    if own_extras(request, OWN).get("background"):
        raise refuse("background", "A translated request", "leave it out, or name a model served by OpenAI itself")


def _instructions(request: ChatRequest) -> tuple[str | None, list[tuple[int, Message]]]:
    """The system prompt at the front, and the other messages with their numbers."""
    numbered = list(enumerate(request.messages))
    first = request.messages[0] if len(numbered) > 1 else None
    if request.output is not None and request.output.kind == "json":
        return None, numbered  # OpenAI wants to see the word "JSON" in the input itself
    if first is None or first.role is not Role.SYSTEM or len(first.parts) != 1:
        return None, numbered
    prompt = first.parts[0]
    return (prompt.text, numbered[1:]) if isinstance(prompt, Text) and prompt.text else (None, numbered)


def _items(message: Message, place: str, stored: bool, notes: list[str]) -> list[dict[str, Any]]:
    """Calls, results, reasoning and this format's own items stand beside the messages, in the order they came."""
    items: list[dict[str, Any]] = []
    said: list[Part] = []

    def speak() -> None:
        if said:
            items.append(_message(message.role, said, place))
            said.clear()

    for part in message.parts:
        match part:
            case ToolCall() | ToolResult() | Reasoning():
                speak()
                items += _beside(part, place, stored, notes)
            case Foreign(family="openai-responses") if part.value.get("type") not in FOREIGN:
                speak()
                items.append(part.value)
            case _:
                said.append(part)
    speak()
    if not message.parts and message.role in (Role.USER, Role.SYSTEM, Role.DEVELOPER):
        items.append({"role": message.role.value, "content": ""})
    return items


def _beside(
    part: ToolCall | ToolResult | Reasoning, place: str, stored: bool, notes: list[str]
) -> list[dict[str, Any]]:
    if isinstance(part, Reasoning):
        item = returned_item(part, stored=stored)
        return [item] if item else []
    if isinstance(part, ToolCall):
        call = {"type": "function_call", "call_id": safe_id(part.id), "name": part.name}
        return [call | {"arguments": part.arguments or "{}"}]
    output: str | list[dict[str, Any]]
    if part.is_error:
        notes.append(f'{place}: a failed result begins with "Error:"; {NAME} has no flag for it.')
    if all(isinstance(piece, Text) for piece in part.parts):
        output = "".join(piece.text for piece in part.parts if isinstance(piece, Text))
        output = f"Error: {output}" if part.is_error else output
    else:
        error: list[Part] = [Text("Error:")] if part.is_error else []
        output = [_part(piece, place) for piece in [*error, *part.parts]]
    return [{"type": "function_call_output", "call_id": safe_id(part.call_id), "output": output}]


def _message(role: Role, parts: list[Part], place: str) -> dict[str, Any]:
    if role is Role.ASSISTANT:
        for part in parts:
            if not isinstance(part, Text | Refusal):
                raise _cannot(part, place, " in what the assistant said")
        if all(isinstance(part, Text) for part in parts):
            return {"role": "assistant", "content": "".join(part.text for part in parts if isinstance(part, Text))}
        content = [_said(part) for part in parts if isinstance(part, Text | Refusal)]
        return {"type": "message", "role": "assistant", "content": content}
    name = "user" if role is Role.TOOL else role.value
    first = parts[0]
    if len(parts) == 1 and isinstance(first, Text):
        return {"role": name, "content": first.text}
    return {"role": name, "content": [_part(part, place) for part in parts]}


def _said(part: Text | Refusal) -> dict[str, Any]:
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    return {"type": "output_text", "text": part.text, "annotations": []}


def _part(part: Part, place: str) -> dict[str, Any]:
    match part:
        case Text() | Refusal():
            return {"type": "input_text", "text": part.text}
        case Image():
            url = part.url or data_url(part.media_type or "image/png", part.data or "")
            return {"type": "input_image", "image_url": url, "detail": part.detail or "auto"}
        case Audio():
            return {"type": "input_audio", "input_audio": {"data": part.data, "format": audio_name(part.media_type)}}
        case File():
            return _file(part)
        case Foreign(family="openai-responses"):
            return part.value
        case _:
            raise _cannot(part, place)


def _file(part: File) -> dict[str, Any]:
    written: dict[str, Any] = {"type": "input_file"}
    if part.file_id is not None:
        return written | {"file_id": part.file_id}  # of the same store as in OpenAI's chat format
    if part.url is not None:
        return written | {"file_url": part.url}
    media_type = part.media_type or "application/pdf"
    name = part.name or ("document.pdf" if media_type == "application/pdf" else "document.txt")
    return written | {"filename": name, "file_data": data_url(media_type, part.data or "")}


def _tools(body: dict[str, Any], request: ChatRequest) -> None:
    if request.tools:
        body["tools"] = [_tool(tool, number) for number, tool in enumerate(request.tools)]
    choice = request.tool_choice
    if choice is None or not request.tools:
        return
    if choice.parallel is not None:
        body["parallel_tool_calls"] = choice.parallel
    tools = [{"type": "function", "name": name} for name in choice.names]
    if choice.mode == "named" and len(tools) == 1:
        body["tool_choice"] = tools[0]
    elif tools:
        mode = "required" if choice.mode == "named" else "auto"
        body["tool_choice"] = {"type": "allowed_tools", "mode": mode, "tools": tools}
    else:
        body["tool_choice"] = choice.mode


def _tool(tool: Tool, number: int) -> dict[str, Any]:
    if tool.raw is not None:
        if tool.family != OWN:
            raise refuse(f"tools[{number}]", NAME, f"{tool.name} runs at its own provider only")
        return tool.raw
    written: dict[str, Any] = {"type": "function", "name": tool.name}
    if tool.description is not None:
        written["description"] = tool.description
    written["parameters"] = tool.parameters if tool.parameters is not None else {"type": "object", "properties": {}}
    written["strict"] = bool(tool.strict)  # left out it would mean true, other than in all other formats
    return written


def _text(body: dict[str, Any], request: ChatRequest, own: dict[str, Any]) -> None:
    text: dict[str, Any] = dict(own["text"]) if isinstance(own.get("text"), dict) else {}
    if (verbosity := own_extras(request, FAMILY).get("verbosity")) is not None:
        text["verbosity"] = verbosity
    output = request.output
    if output is not None and output.kind == "json":
        text["format"] = {"type": "json_object"}
    elif output is not None and output.kind == "json_schema":
        form: dict[str, Any] = {"type": "json_schema", "name": output.name or "answer", "schema": output.schema or {}}
        if output.description is not None:
            form["description"] = output.description
        if output.strict is not None:
            form["strict"] = output.strict
        text["format"] = form
    if text:
        body["text"] = text


def _reason(body: dict[str, Any], request: ChatRequest, notes: list[str]) -> None:
    wish = request.reasoning
    if wish is None:
        return
    effort = effort_of(wish)
    reasoning: dict[str, Any] = {"effort": effort} if effort else {}
    notes += effort_notes(wish, effort, NAME)
    if wish.include:
        reasoning["summary"] = "auto"
    if reasoning:
        body["reasoning"] = reasoning


def _include(body: dict[str, Any], request: ChatRequest, model: str, stored: bool) -> None:
    """What is stored nowhere can only come back if it was given out: a model's thoughts, encrypted."""
    own = body.pop("include", None)
    include = list(own) if isinstance(own, list) else []
    wish = request.reasoning
    asked = wish is not None and wish.effort != "none" and wish.budget != 0
    if not stored and (asked or _REASONS.search(model)) and _ENCRYPTED not in include:
        include.append(_ENCRYPTED)
    if request.logprobs and LOGPROBS not in include:
        include.append(LOGPROBS)
    if include:
        body["include"] = include


def _cannot(part: Part, place: str, where: str = "") -> Unsupported:
    if isinstance(part, Foreign):
        what = f"a {part.value.get('type', 'part')} of {part.family}"
    else:
        what = f"a part of type {type(part).__name__.lower()}"
    return Unsupported(f"{place}: {NAME} takes no {what.removeprefix('a ')}{where}; leave it out.", field=place)
