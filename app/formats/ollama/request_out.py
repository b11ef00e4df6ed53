"""A question in no format → a request to Ollama's /api/chat."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from app.core.chat import (
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
from app.formats.extras import own_extras, refuse, refuse_extras
from app.formats.left_out import left_out
from app.formats.media import read_text
from app.formats.ollama.words import FAMILY
from app.formats.payload import dump, read_arguments
from app.formats.tool_ids import safe_id

PATH = "/api/chat"
_NAME = "Ollama's format"
# gpt-oss thinks by level and cannot stop; every other model refuses a level (https://docs.ollama.com/capabilities/thinking)
_BY_LEVEL = re.compile(r"(?:^|/)gpt-oss")
_LEVELS = {"none": "low", "minimal": "low", "low": "low", "medium": "medium"}
_FROM_EXTRA = {"repetition_penalty": "repeat_penalty", "repeat_penalty": "repeat_penalty", "min_p": "min_p"}


def encode_request(request: ChatRequest, model: str) -> UpstreamCall:
    _refuse(request)
    notes = left_out(request, _NAME, said=_FROM_EXTRA)
    body: dict[str, Any] = {"model": model, "messages": _messages(request.messages, notes), "stream": request.stream}
    if tools := _tools(request, notes):
        body["tools"] = tools
    output = request.output
    if output is not None and output.kind != "text":
        body["format"] = output.schema or "json"
    if options := _options(request):
        body["options"] = options
    _think(body, request, model, notes)
    if request.logprobs:
        body["logprobs"] = True
        if request.top_logprobs:
            body["top_logprobs"] = request.top_logprobs
    body |= own_extras(request, FAMILY)
    return UpstreamCall(path=PATH, body=dump(body), approximated=notes)


def _refuse(request: ChatRequest) -> None:
    refuse_extras(request, FAMILY, _NAME)
    if request.n is not None and request.n > 1:
        raise refuse("n", _NAME, "ask for one answer at a time")
    choice = request.tool_choice
    if choice is not None and request.tools and choice.mode in ("required", "named"):
        raise refuse("tool_choice", _NAME, "it knows no forced tools; choose auto or none, or name another model")


def _messages(messages: list[Message], notes: list[str]) -> list[dict[str, Any]]:
    written: list[dict[str, Any]] = []
    for number, message in enumerate(messages):
        place = f"messages[{number}]"
        for part in message.parts:
            if isinstance(part, ToolResult):
                written += _result(part, place, notes)
        rest = [part for part in message.parts if not isinstance(part, ToolResult)]
        if message.role is Role.TOOL or (not rest and message.parts):
            continue
        written.append(_assistant(rest, place) if message.role is Role.ASSISTANT else _said(message.role, rest, place))
    return written


def _said(role: Role, parts: Sequence[Part], place: str) -> dict[str, Any]:
    """Pictures stand beside the text: where in it they stood is lost, as in everything Ollama is asked."""
    texts, images = [], []
    for part in parts:
        match part:
            case Text() | Refusal():
                texts.append(part.text)
            case File() if part.data is not None and (part.media_type or "").startswith("text/"):
                texts.append(read_text(part.data, place))
            case Image():
                images.append(_image(part, place))
            case Reasoning():
                continue
            case _:
                raise _unsayable(part, place)
    entry: dict[str, Any] = {"role": "user" if role is Role.USER else "system", "content": "\n".join(texts)}
    return entry | {"images": images} if images else entry


def _assistant(parts: Sequence[Part], place: str) -> dict[str, Any]:
    for part in parts:
        if not isinstance(part, Text | Refusal | Reasoning | ToolCall):
            raise _unsayable(part, place)
    entry: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(part.text for part in parts if isinstance(part, Text | Refusal)),
    }
    # what bears a signature belongs to the family that signed it; plain thoughts belong to a running round of tools
    thoughts = [part.text for part in parts if isinstance(part, Reasoning) and not (part.signature or part.redacted)]
    calls = [part for part in parts if isinstance(part, ToolCall)]
    if calls and any(thoughts):
        entry["thinking"] = "".join(thoughts)
    if calls:
        entry["tool_calls"] = [
            {"id": safe_id(call.id), "function": {"name": call.name, "arguments": read_arguments(call.arguments)}}
            for call in calls
        ]
    return entry


def _result(result: ToolResult, place: str, notes: list[str]) -> list[dict[str, Any]]:
    """A tool's message is text; a picture in a result follows as a message of the user."""
    images = [_image(part, place) for part in result.parts if isinstance(part, Image)]
    rest = [part for part in result.parts if not isinstance(part, Image)]
    text = str(_said(Role.USER, rest, place)["content"])
    entry: dict[str, Any] = {
        "role": "tool",
        "content": f"Error: {text}" if result.is_error else text,
        "tool_call_id": safe_id(result.call_id),
    }
    if result.name:
        entry["tool_name"] = result.name
    if result.is_error:
        notes.append(f'{place}: a failed result begins with "Error:"; {_NAME} has no flag for it.')
    if not images:
        return [entry]
    notes.append(f"{place}: the result's pictures follow as a message of the user; {_NAME} has no place for them.")
    label = f"The result of {result.name or 'the tool'} ({safe_id(result.call_id)}):"
    return [entry, {"role": "user", "content": label, "images": images}]


def _image(part: Image, place: str) -> str:
    if part.data is None:
        raise refuse(place, _NAME, "it takes pictures as data only, not by address; send it in base64")
    return part.data


def _unsayable(part: Part, place: str) -> Unsupported:
    if isinstance(part, Foreign):
        return refuse(place, _NAME, f"leave out the {part.value.get('type', 'part')} of {part.family}")
    return refuse(place, _NAME, f"a message there holds text and pictures, no {type(part).__name__.lower()}")


def _tools(request: ChatRequest, notes: list[str]) -> list[dict[str, Any]]:
    choice = request.tool_choice
    if choice is not None and choice.mode == "none":
        return []  # without tools none can be called
    offered = [
        _tool(tool, number, notes)
        for number, tool in enumerate(request.tools)
        if choice is None or not choice.names or tool.name in choice.names
    ]
    if choice is not None and choice.names and len(offered) < len(request.tools):
        notes.append(f"tool_choice: said by offering the allowed tools only; {_NAME} has no choice of tools.")
    if offered and choice is not None and choice.parallel is False:
        notes.append(f"parallel_tool_calls: left out; {_NAME} cannot limit calls to one at a time.")
    return offered


def _tool(tool: Tool, number: int, notes: list[str]) -> dict[str, Any]:
    if tool.raw is not None:
        if tool.family != FAMILY:
            raise refuse(f"tools[{number}]", _NAME, f"{tool.name} runs at its own provider only")
        return tool.raw
    if tool.strict:
        notes.append(f"tools[{number}].strict: left out; {_NAME} does not hold arguments to the schema.")
    function: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    function["parameters"] = tool.parameters if tool.parameters is not None else {"type": "object", "properties": {}}
    return {"type": "function", "function": function}


def _options(request: ChatRequest) -> dict[str, Any]:
    fields = {
        "num_predict": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k,
        "seed": request.seed,
        "stop": request.stop or None,
        "frequency_penalty": request.frequency_penalty,
        "presence_penalty": request.presence_penalty,
    }
    options = {key: value for key, value in fields.items() if value is not None}
    for key, name in _FROM_EXTRA.items():  # as OpenRouter and others write them
        value = request.extra.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            options[name] = value
    return options


def _think(body: dict[str, Any], request: ChatRequest, model: str, notes: list[str]) -> None:
    wish = request.reasoning
    if wish is None or (wish.effort is None and wish.budget is None):
        return
    effort = wish.effort or _effort(wish.budget or 0)
    if not _BY_LEVEL.search(model):
        body["think"] = effort != "none"
        exact = effort == "none" or (wish.effort is None and wish.budget == -1)
    else:
        body["think"] = _LEVELS.get(effort, "high")
        exact = body["think"] == wish.effort
    if not exact:
        asked = "reasoning effort" if wish.effort else "reasoning budget"
        notes.append(f"{asked}: said as think: {dump(body['think']).decode()}; {_NAME} knows no finer word for it.")


def _effort(budget: int) -> str:
    if budget == 0:
        return "none"
    return "medium" if budget < 0 else "low" if budget <= 4096 else "medium" if budget <= 16384 else "high"
