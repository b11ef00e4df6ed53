"""A question in no format → a chat completion request for a provider."""

from __future__ import annotations

import re
from collections.abc import Sequence
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
    ToolChoice,
    ToolResult,
)
from app.core.errors import Unsupported
from app.formats.base import UpstreamCall
from app.formats.extras import own_extras, refuse_extras
from app.formats.media import audio_name, data_url, read_text
from app.formats.openai_chat.message import write_call
from app.formats.payload import dump
from app.formats.tool_ids import safe_id

PATH = "/chat/completions"
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
FAMILY = "openai"
# OpenAI's reasoning models refuse `max_tokens`, many models of others know nothing else
_NEW_LIMIT = re.compile(r"(?:^|/)(?:o\d|gpt-[5-9]|codex)")
_NAME = "OpenAI's chat format"


def encode_request(request: ChatRequest, model: str) -> UpstreamCall:
    refuse_extras(request, FAMILY, _NAME)
    body: dict[str, Any] = {"model": model, "messages": _messages(request.messages)}
    if request.tools:
        body["tools"] = [_tool(tool, number) for number, tool in enumerate(request.tools)]
    _choose(body, request.tool_choice)
    _output(body, request)
    if request.max_tokens is not None:
        body["max_completion_tokens" if _NEW_LIMIT.search(model) else "max_tokens"] = request.max_tokens
    for key in (
        "temperature",
        "top_p",
        "frequency_penalty",
        "presence_penalty",
        "seed",
        "n",
        "logprobs",
        "top_logprobs",
        "user",
    ):
        if (value := getattr(request, key)) is not None:
            body[key] = value
    if request.stop:
        if len(request.stop) > 4:
            raise Unsupported(f"stop: {_NAME} takes 4 stop sequences at most; send fewer.", field="stop")
        body["stop"] = request.stop
    if request.reasoning is not None and (effort := _effort(request)):
        body["reasoning_effort"] = effort
    body |= own_extras(request, FAMILY)
    if request.stream:
        body["stream"] = True
        if request.include_usage:
            body["stream_options"] = {"include_usage": True}
    return UpstreamCall(path=PATH, body=dump(body))


def _messages(messages: list[Message]) -> list[dict[str, Any]]:
    written: list[dict[str, Any]] = []
    for number, message in enumerate(messages):
        place = f"messages[{number}]"
        results = [part for part in message.parts if isinstance(part, ToolResult)]
        for result in results:
            written += _result(result, place)
        rest = [part for part in message.parts if not isinstance(part, ToolResult)]
        if message.role is Role.TOOL or (results and not rest):
            continue
        if message.role is Role.ASSISTANT:
            entry = _assistant(rest, place)
        else:
            entry = {"role": message.role.value, "content": _content(rest, place)}
        if message.name:
            entry["name"] = message.name
        written.append(entry)
    return written


def _assistant(parts: Sequence[Part], place: str) -> dict[str, Any]:
    # reasoning stays behind: the format has no place for it in a request, and a signature means nothing to others
    text = "".join(part.text for part in parts if isinstance(part, Text))
    refusal = "".join(part.text for part in parts if isinstance(part, Refusal))
    calls = [part for part in parts if isinstance(part, ToolCall)]
    for part in parts:
        if isinstance(part, Foreign):
            raise _foreign(part, place)
        if isinstance(part, File | Image | Audio):
            raise Unsupported(f"{place}: {_NAME} takes no media in what the assistant said.", field=place)
    entry: dict[str, Any] = {"role": "assistant", "content": text or (None if calls or refusal else "")}
    if refusal:
        entry["refusal"] = refusal
    if calls:
        entry["tool_calls"] = [
            write_call(ToolCall(safe_id(call.id), call.name, call.arguments, call.signature)) for call in calls
        ]
    return entry


def _result(result: ToolResult, place: str) -> list[dict[str, Any]]:
    """A tool message holds text only; a picture in a result follows as a message of the user."""
    text = "".join(part.text for part in result.parts if isinstance(part, Text))
    media = [part for part in result.parts if not isinstance(part, Text)]
    if result.is_error:
        text = f"Error: {text}"  # the format has no flag for it
    written: list[dict[str, Any]] = [{"role": "tool", "tool_call_id": safe_id(result.call_id), "content": text}]
    if media:
        label = {"type": "text", "text": f"The result of {result.name or 'the tool'} ({safe_id(result.call_id)}):"}
        written.append({"role": "user", "content": [label, *(_part(part, place) for part in media)]})
    return written


def _content(parts: Sequence[Part], place: str) -> str | list[dict[str, Any]]:
    parts = [part for part in parts if not isinstance(part, Reasoning)]
    if all(isinstance(part, Text) for part in parts) and len(parts) <= 1:
        return "".join(part.text for part in parts if isinstance(part, Text))
    return [_part(part, place) for part in parts]


def _part(part: Part, place: str) -> dict[str, Any]:
    match part:
        case Text():
            return {"type": "text", "text": part.text}
        case Image():
            address: dict[str, Any] = {"url": part.url or data_url(part.media_type or "image/png", part.data or "")}
            if part.detail:
                address["detail"] = part.detail
            return {"type": "image_url", "image_url": address}
        case Audio():
            return {"type": "input_audio", "input_audio": {"data": part.data, "format": audio_name(part.media_type)}}
        case File():
            return _file(part, place)
        case Refusal():
            return {"type": "text", "text": part.text}
        case Foreign(family="openai"):
            return part.value
        case Foreign():
            raise _foreign(part, place)
        case _:
            raise Unsupported(f"{place}: {_NAME} takes no {type(part).__name__} there.", field=place)


def _file(part: File, place: str) -> dict[str, Any]:
    if part.data is not None and (part.media_type or "").startswith("text/"):
        return {"type": "text", "text": read_text(part.data, place)}  # OpenAI takes PDF as files, text as text
    if part.url is not None:
        raise Unsupported(f"{place}: {_NAME} takes files as data only, not by address; send it in base64.", field=place)
    if part.file_id is not None:
        raise Unsupported(f"{place}: a file id belongs to one provider; send the file's data in base64.", field=place)
    media_type = part.media_type or "application/pdf"
    return {
        "type": "file",
        "file": {"filename": part.name or "document.pdf", "file_data": data_url(media_type, part.data or "")},
    }


def _tool(tool: Tool, number: int) -> dict[str, Any]:
    if tool.raw is not None:
        if tool.family != FAMILY:
            raise Unsupported(
                f"tools[{number}]: {tool.name} is a tool that runs at its own provider; {_NAME} has no such tool.",
                field=f"tools[{number}]",
            )
        return tool.raw
    function: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    function["parameters"] = tool.parameters if tool.parameters is not None else {"type": "object", "properties": {}}
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _choose(body: dict[str, Any], choice: ToolChoice | None) -> None:
    if choice is None or "tools" not in body:
        return
    if choice.parallel is not None:
        body["parallel_tool_calls"] = choice.parallel
    if choice.mode == "named" and len(choice.names) == 1:
        body["tool_choice"] = {"type": "function", "function": {"name": choice.names[0]}}
    elif choice.names:
        tools = [{"type": "function", "function": {"name": name}} for name in choice.names]
        mode = "required" if choice.mode == "named" else "auto"
        body["tool_choice"] = {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}
    else:
        body["tool_choice"] = choice.mode


def _output(body: dict[str, Any], request: ChatRequest) -> None:
    output = request.output
    if output is None or output.kind == "text":
        return
    if output.kind == "json":
        body["response_format"] = {"type": "json_object"}
        return
    schema: dict[str, Any] = {"name": output.name or "answer", "schema": output.schema or {}}
    if output.description is not None:
        schema["description"] = output.description
    if output.strict is not None:
        schema["strict"] = output.strict
    body["response_format"] = {"type": "json_schema", "json_schema": schema}


def _effort(request: ChatRequest) -> str | None:
    wish = request.reasoning
    if wish is None:
        return None
    if wish.effort:
        effort = "xhigh" if wish.effort == "max" else wish.effort
        return effort if effort in _EFFORTS else "medium"
    if wish.budget is None or wish.budget < 0:
        return None
    if wish.budget == 0:
        return "none"
    return "low" if wish.budget <= 4096 else "medium" if wish.budget <= 16384 else "high"


def _foreign(part: Foreign, place: str) -> Unsupported:
    what = part.value.get("type", "part")
    return Unsupported(f"{place}: a {what} of {part.family} cannot be said in {_NAME}; leave it out.", field=place)
