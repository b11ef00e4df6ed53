"""A client's generateContent request → a question in no format."""

from __future__ import annotations

from typing import Any

from app.core.chat import (
    ChatRequest,
    File,
    Foreign,
    Image,
    Message,
    OutputFormat,
    Part,
    Reasoning,
    ReasoningWish,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from app.core.errors import BadRequest
from app.formats.extras import keep_extras
from app.formats.fields import Fields
from app.formats.gemini.parts import FAMILY, read_part
from app.formats.gemini.peek import bare_model
from app.formats.gemini.schema import to_json_schema
from app.formats.gemini.words import camel
from app.formats.payload import dump_text, kind, read_request
from app.formats.signatures import merge_reasoning

_READ = {"model", "contents", "systemInstruction", "generationConfig", "tools"}
_CONFIG_READ = {"temperature", "topP", "topK", "maxOutputTokens", "stopSequences", "seed", "candidateCount"}
_CONFIG_READ |= {"presencePenalty", "frequencyPenalty", "responseMimeType", "responseSchema", "responseJsonSchema"}
_CONFIG_READ |= {"responseLogprobs", "logprobs", "thinkingConfig"}
_OF_TOOLS = {"name", "description", "parameters", "parametersJsonSchema"}
# the provider's own stores: an address there means nothing elsewhere
_OWN_FILES = ("https://generativelanguage.googleapis.com/", "gs://")


def decode_request(body: bytes, path_model: str | None, path_stream: bool | None) -> ChatRequest:
    root = Fields(camel(read_request(body)))
    model = bare_model(path_model)
    if isinstance(root.get("contents"), dict):
        root.value["contents"] = [root.get("contents")]
    calls = _Calls()
    messages = [_message(fields, calls) for fields in root.objects("contents")]
    if not messages:
        raise BadRequest("contents: the list is missing or empty; send at least one content.", field="contents")
    system = root.get("systemInstruction")
    if isinstance(system, str):
        system = {"parts": [{"text": system}]}
    if system is not None:
        if not isinstance(system, dict):
            raise root.wrong("systemInstruction", "an object with parts")
        parts = _parts(Fields(system, "systemInstruction"), calls)
        if parts:
            messages.insert(0, Message(Role.SYSTEM, parts))
    config = root.object("generationConfig") or Fields({}, "generationConfig")
    kept = root.value | {"toolConfig": _rest_of_tools(root)}
    extra = keep_extras(kept, _READ, FAMILY) | keep_extras(config.value, _CONFIG_READ, FAMILY)
    return ChatRequest(
        model=model,
        messages=messages,
        tools=_tools(root),
        tool_choice=_tool_choice(root),
        output=_output(config),
        max_tokens=config.whole("maxOutputTokens"),
        temperature=config.number("temperature"),
        top_p=config.number("topP"),
        top_k=config.whole("topK"),
        frequency_penalty=config.number("frequencyPenalty"),
        presence_penalty=config.number("presencePenalty"),
        stop=config.texts("stopSequences"),
        seed=config.whole("seed"),
        n=config.whole("candidateCount"),
        logprobs=config.flag("responseLogprobs"),
        top_logprobs=config.whole("logprobs"),
        reasoning=_reasoning(config),
        stream=bool(path_stream),
        include_usage=True,
        extra=extra,
    )


class _Calls:
    """Calls mostly have no id: they are numbered through the conversation, and a result without one answers the
    oldest call of its name that waits."""

    def __init__(self) -> None:
        self._count = 0
        self._waiting: list[tuple[str, str]] = []  # (name, id)

    def begin(self, call: ToolCall, given: str | None) -> None:
        call.id = given or f"call_{self._count}"
        self._count += 1
        self._waiting.append((call.name, call.id))

    def answer(self, name: str, given: str | None) -> str:
        for entry in self._waiting:
            if entry[1] == given or (given is None and entry[0] == name):
                self._waiting.remove(entry)
                return entry[1]
        return given or f"call_{name}"


def _message(fields: Fields, calls: _Calls) -> Message:
    parts = _parts(fields, calls)
    match fields.get("role"):
        case None | "" | "user" | "function" | "tool":
            return Message(Role.USER, parts)
        case "model" | "assistant":
            return Message(Role.ASSISTANT, parts)
        case "system":
            return Message(Role.SYSTEM, parts)
        case _:
            raise fields.unknown("role", "user and model")


def _parts(fields: Fields, calls: _Calls) -> list[Part]:
    value = fields.get("parts")
    if isinstance(value, dict | str):
        fields.value["parts"] = [value if isinstance(value, dict) else {"text": value}]
    parts: list[Part] = []
    for part in fields.objects("parts"):
        for found in _part(part, calls):
            last = parts[-1] if parts else None
            if isinstance(found, Reasoning) and isinstance(last, Reasoning):
                parts[-1:] = merge_reasoning([last, found])
            else:
                parts.append(found)
    return parts


def _part(fields: Fields, calls: _Calls) -> list[Part]:
    fields.text("text")
    fields.text("thoughtSignature")
    if (response := fields.object("functionResponse")) is not None:
        return [_result(response, calls)]
    if (call := fields.object("functionCall")) is not None:
        name = call.needed_text("name")
        call.plain("args")
        given = call.text("id") or None
        found = read_part(fields.value, "", 0)
        for part in found:
            if isinstance(part, ToolCall):
                part.name = name
                calls.begin(part, given)
        return found
    if (media := fields.object("inlineData")) is not None:
        media.needed_text("data")
        media.needed_text("mimeType")
    if (file := fields.object("fileData")) is not None:
        return [_file(fields, file)]
    return read_part(fields.value, "", 0)


def _file(fields: Fields, file: Fields) -> Part:
    uri, media_type = file.needed_text("fileUri"), file.text("mimeType")
    if uri.startswith(_OWN_FILES) or not uri.startswith(("http://", "https://")):
        return Foreign(FAMILY, fields.value)
    if media_type is not None and media_type.startswith("image/"):
        return Image(url=uri, media_type=media_type)
    if media_type is not None and media_type.startswith(("audio/", "video/")):
        return Foreign(FAMILY, fields.value)
    return File(url=uri, media_type=media_type)


def _result(fields: Fields, calls: _Calls) -> ToolResult:
    name = fields.needed_text("name")
    call_id = calls.answer(name, fields.text("id") or None)
    value = fields.get("response")
    if value is not None and not isinstance(value, dict):
        raise BadRequest(
            f"{fields.at('response')}: expected an object, got {kind(value)}.", field=fields.at("response")
        )
    value = value or {}
    if len(value) == 1:
        key, inner = next(iter(value.items()))
        if key in ("result", "output", "error") and isinstance(inner, str):
            return ToolResult(call_id, [Text(inner)], name, is_error=key == "error")
    return ToolResult(call_id, [Text(dump_text(value))], name)


def _tools(root: Fields) -> list[Tool]:
    tools: list[Tool] = []
    if isinstance(root.get("tools"), dict):
        root.value["tools"] = [root.get("tools")]
    for group in root.objects("tools"):
        for declaration in group.objects("functionDeclarations"):
            parameters = declaration.plain("parametersJsonSchema")
            own = declaration.plain("parameters")
            if parameters is None and own is not None:
                parameters = to_json_schema(own)
            tools.append(
                Tool(
                    name=declaration.needed_text("name"),
                    description=declaration.text("description"),
                    parameters=parameters,
                    family=FAMILY,
                    extra={key: value for key, value in declaration.value.items() if key not in _OF_TOOLS},
                )
            )
        for key, value in group.value.items():
            if key != "functionDeclarations" and value is not None:
                tools.append(Tool(name=key, raw={key: value}, family=FAMILY))
    return tools


def _rest_of_tools(root: Fields) -> dict[str, Any] | None:
    """Where a search or a map may look."""
    config = root.plain("toolConfig") or {}
    return {key: value for key, value in config.items() if key != "functionCallingConfig"} or None


def _tool_choice(root: Fields) -> ToolChoice | None:
    config = root.object("toolConfig")
    calling = config.object("functionCallingConfig") if config else None
    if calling is None or calling.get("mode") is None:
        return None
    names = calling.texts("allowedFunctionNames")
    mode = calling.get("mode")
    match mode.upper() if isinstance(mode, str) else mode:
        case "AUTO" | "VALIDATED" | "MODE_UNSPECIFIED" | 0 | 1:
            return ToolChoice("auto", names)
        case "ANY" | 2:
            return ToolChoice("named" if names else "required", names)
        case "NONE" | 3:
            return ToolChoice("none")
        case _:
            raise calling.unknown("mode", "AUTO, ANY, NONE and VALIDATED")


def _output(config: Fields) -> OutputFormat | None:
    media_type = config.text("responseMimeType")
    schema = config.plain("responseJsonSchema")
    own = config.plain("responseSchema")
    if schema is None and own is not None:
        schema = to_json_schema(own)
    if schema is not None:
        return OutputFormat("json_schema", schema=schema, strict=True)
    return OutputFormat("json") if media_type == "application/json" else None


def _reasoning(config: Fields) -> ReasoningWish | None:
    thinking = config.object("thinkingConfig")
    if thinking is None:
        return None
    level, budget = thinking.text("thinkingLevel"), thinking.whole("thinkingBudget")
    effort: Any = level.lower() if level else None
    return ReasoningWish(effort, budget, thinking.flag("includeThoughts"))
