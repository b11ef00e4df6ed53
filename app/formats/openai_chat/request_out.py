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
    ReasoningWish,
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
from app.formats.efforts import effort_notes, effort_of
from app.formats.extras import own_extras, refuse_extras
from app.formats.left_out import left_out, outline, without
from app.formats.media import audio_name, data_url, read_text
from app.formats.openai_chat.message import write_call
from app.formats.payload import dump
from app.formats.sampling import leave_out_of_openai
from app.formats.tool_ids import safe_id

PATH = "/chat/completions"
FAMILY = "openai"
# OpenAI's reasoning models refuse `max_tokens`, many models of others know nothing else
_NEW_LIMIT = re.compile(r"(?:^|[/:])(?:o\d|gpt-[5-9]|codex)")
# in a round of tools these want their thoughts back, and take them (documentation of DeepSeek and Moonshot)
_THOUGHTS_BACK = re.compile(r"deepseek|kimi", re.IGNORECASE)
_SIGNED_CALLS = re.compile(r"gemini", re.IGNORECASE)  # Google's own endpoint of this format; others refuse the field
_SAID = ("user", "name", "detail", "refusal", "showing")
_NAME = "OpenAI's chat format"


def encode_request(request: ChatRequest, model: str) -> UpstreamCall:
    refuse_extras(request, FAMILY, _NAME)
    writer = _Writer(model)
    notes = left_out(request, _NAME, family=FAMILY, said=(*_SAID, *writer.says), keeps=writer.keeps)
    notes += without(request, _NAME, "top_k")
    body: dict[str, Any] = {"model": model, "messages": writer.messages(request.messages, notes)}
    if request.tools:
        body["tools"] = [_tool(tool, number) for number, tool in enumerate(request.tools)]
    _choose(body, request.tool_choice)
    _output(body, request)
    if request.max_tokens is not None:
        new = _NEW_LIMIT.search(model) if request.completion_limit is None else request.completion_limit
        body["max_completion_tokens" if new else "max_tokens"] = request.max_tokens
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
    if request.reasoning is not None:
        _think(body, request.reasoning, notes)
    notes += leave_out_of_openai(body, model, body.get("reasoning_effort"))
    body |= own_extras(request, FAMILY)
    if request.stream:
        body["stream"] = True
        if request.include_usage:
            body["stream_options"] = {"include_usage": True}
    return UpstreamCall(path=PATH, body=dump(body), approximated=outline(notes))


class _Writer:
    """Messages for one model: some take back more of what they thought than others."""

    def __init__(self, model: str) -> None:
        self._thoughts = bool(_THOUGHTS_BACK.search(model))
        self._signed = bool(_SIGNED_CALLS.search(model))
        self.says = ("call signatures",) if self._signed else ()

    def keeps(self, part: Reasoning, message: Message) -> bool:
        """Thoughts that nobody signed, in a round of tools."""
        in_round = any(isinstance(other, ToolCall) for other in message.parts)
        return self._thoughts and in_round and bool(part.text) and not (part.signature or part.redacted)

    def messages(self, messages: list[Message], notes: list[str]) -> list[dict[str, Any]]:
        written: list[dict[str, Any]] = []
        for number, message in enumerate(messages):
            place = f"messages[{number}]"
            after: list[dict[str, Any]] = []  # pictures of results, when all results of this message are said
            results = [part for part in message.parts if isinstance(part, ToolResult)]
            for result in results:
                written.append(_result(result, place, after, notes))
            written += after
            rest = [part for part in message.parts if not isinstance(part, ToolResult)]
            if message.role is Role.TOOL or (results and not rest):
                continue
            if message.role is Role.ASSISTANT:
                entry = self._assistant(message, place)
            else:
                entry = {"role": message.role.value, "content": _content(rest, place)}
            if message.name:
                entry["name"] = message.name
            written.append(entry)
        return written

    def _assistant(self, message: Message, place: str) -> dict[str, Any]:
        parts = message.parts
        text = "".join(part.text for part in parts if isinstance(part, Text))
        refusal = "".join(part.text for part in parts if isinstance(part, Refusal))
        calls: list[dict[str, Any]] = []
        entry: dict[str, Any] = {"role": "assistant", "content": text}
        for part in parts:
            match part:
                case ToolCall():
                    signature = part.signature if self._signed else None
                    calls.append(write_call(ToolCall(safe_id(part.id), part.name, part.arguments, signature)))
                case Foreign(family="openai") if part.value.get("type") == "custom":
                    calls.append(part.value)
                case Foreign(family="openai") if part.value.get("type") == "audio":
                    entry["audio"] = {"id": part.value.get("id")}  # what it said aloud before
                case Foreign():
                    raise _foreign(part, place)
                case File() | Image() | Audio():
                    raise Unsupported(f"{place}: {_NAME} takes no media in what the assistant said.", field=place)
        if not text and (calls or refusal or "audio" in entry):
            entry["content"] = None
        if refusal:
            entry["refusal"] = refusal
        if thoughts := "".join(
            part.text for part in parts if isinstance(part, Reasoning) and self.keeps(part, message)
        ):
            entry["reasoning_content"] = thoughts
        if calls:
            entry["tool_calls"] = calls
        return entry


def _result(result: ToolResult, place: str, after: list[dict[str, Any]], notes: list[str]) -> dict[str, Any]:
    """A tool message holds text only; a picture in a result follows as a message of the user."""
    text = "".join(part.text for part in result.parts if isinstance(part, Text | Refusal))
    media = [part for part in result.parts if not isinstance(part, Text | Refusal | Reasoning)]
    if result.is_error:
        text = f"Error: {text}"
        notes.append(f'{place}: a failed result begins with "Error:"; {_NAME} has no flag for it.')
    if media:
        label = {"type": "text", "text": f"The result of {result.name or 'the tool'} ({safe_id(result.call_id)}):"}
        after.append({"role": "user", "content": [label, *(_part(part, place) for part in media)]})
        notes.append(f"{place}: media of a result follow as a message of the user; {_NAME} has no place for them.")
    return {"role": "tool", "tool_call_id": safe_id(result.call_id), "content": text}


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
    return {"type": "function", "function": function} | (tool.extra if tool.family == FAMILY else {})


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


def _think(body: dict[str, Any], wish: ReasoningWish, notes: list[str]) -> None:
    effort = effort_of(wish)
    if effort is not None:
        body["reasoning_effort"] = effort
    notes += effort_notes(wish, effort, _NAME)
    if wish.include is not None:
        notes.append(f"showing of reasoning: left out; in {_NAME} a provider shows its thoughts or does not.")


def _foreign(part: Foreign, place: str) -> Unsupported:
    what = part.value.get("type", "part")
    return Unsupported(f"{place}: a {what} of {part.family} cannot be said in {_NAME}; leave it out.", field=place)
