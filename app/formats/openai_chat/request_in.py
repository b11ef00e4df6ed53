"""A client's chat completion request → a question in no format."""

from __future__ import annotations

from typing import Any

from app.core.chat import (
    Audio,
    ChatRequest,
    File,
    Foreign,
    Image,
    Message,
    OutputFormat,
    Part,
    ReasoningWish,
    Refusal,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from app.core.errors import BadRequest, Unsupported
from app.formats.extras import keep_extras
from app.formats.fields import Fields, check_model
from app.formats.media import audio_type, guess_sound, guess_type, split_data_url
from app.formats.openai_chat.message import google_signature, read_reasoning
from app.formats.openai_chat.peek import EXTENSIONS, NO_LIMIT
from app.formats.payload import as_dicts, dump_text, read_request
from app.formats.signatures import merge_reasoning
from app.formats.tool_ids import made_id

_ROLES = "system, developer, user, assistant and tool"
_PARTS = "text, image_url, input_audio, file and refusal"
# parts that are kept as they came: no other format has them
_OWN = ("video_url", "input_video", "audio_url", "reference", "tool_reference")
_READ = {"model", "messages", "tools", "tool_choice", "functions", "function_call", "response_format", "stop", "seed"}
_READ |= {"max_tokens", "max_completion_tokens", "temperature", "top_p", "top_k", "frequency_penalty", "n", "user"}
_READ |= {"presence_penalty", "logprobs", "top_logprobs", "reasoning_effort", "reasoning", "metadata", "stream"}
_READ |= {"stream_options", "parallel_tool_calls", "random_seed", *EXTENSIONS}


def decode_request(body: bytes) -> ChatRequest:
    root = Fields(read_request(body))
    model = root.needed_text("model")
    check_model(model)
    messages = [_message(fields) for fields in root.objects("messages")]
    if not messages:
        raise BadRequest("messages: the list is missing or empty; send at least one message.", field="messages")
    _name_results(messages)
    options = root.object("stream_options")
    limit = root.whole("max_completion_tokens")
    if limit is None:
        limit = root.whole("max_tokens")
    return ChatRequest(
        model=model,
        messages=messages,
        tools=_tools(root),
        tool_choice=_tool_choice(root),
        output=_output(root),
        max_tokens=limit if limit != NO_LIMIT else None,
        temperature=root.number("temperature"),
        top_p=root.number("top_p"),
        top_k=root.whole("top_k"),
        frequency_penalty=root.number("frequency_penalty"),
        presence_penalty=root.number("presence_penalty"),
        stop=root.texts("stop"),
        seed=root.whole("random_seed" if root.get("seed") is None else "seed"),  # as Mistral writes it
        n=root.whole("n"),
        logprobs=root.flag("logprobs"),
        top_logprobs=root.whole("top_logprobs"),
        reasoning=_reasoning_wish(root),
        user=root.text("user"),
        metadata=root.plain("metadata") or {},
        stream=bool(root.flag("stream")),
        include_usage=bool(options and options.flag("include_usage")),
        extra=keep_extras(root.value, _READ, "openai"),
    )


def _message(fields: Fields) -> Message:
    name = fields.text("name")
    match fields.get("role"):
        case "system":
            return Message(Role.SYSTEM, _content(fields), name)
        case "developer":
            return Message(Role.DEVELOPER, _content(fields), name)
        case "user":
            return Message(Role.USER, _content(fields), name)
        case "assistant":
            return Message(Role.ASSISTANT, _assistant(fields), name)
        case "tool":
            if name is None or fields.get("tool_call_id") is not None:
                call_id = fields.needed_text("tool_call_id")
            else:
                call_id = ""  # Mistral lets the name stand for it
            return Message(Role.TOOL, [ToolResult(call_id, _content(fields), name)])
        case "function":
            called = fields.needed_text("name")
            return Message(Role.TOOL, [ToolResult(made_id("", 0, called), _content(fields), called)])
        case None:
            raise BadRequest(
                f"{fields.at('role')}: this field is missing; accepted are {_ROLES}.", field=fields.at("role")
            )
        case _:
            raise fields.unknown("role", _ROLES)


def _assistant(fields: Fields) -> list[Part]:
    parts: list[Part] = [*merge_reasoning(read_reasoning(fields.value)), *_content(fields)]
    cited = next((part for part in reversed(parts) if isinstance(part, Text)), None)
    if cited is not None:
        cited.citations = as_dicts(fields.get("annotations")) or None
    if refusal := fields.text("refusal"):
        parts.append(Refusal(refusal))
    if (audio := fields.object("audio")) is not None and audio.get("id") is not None:
        parts.append(Foreign("openai", {"type": "audio", "id": audio.needed_text("id")}))  # stored at its provider
    parts += [_image(picture, None) for picture in fields.objects("images")]  # OpenRouter's
    parts += [_call(call, number) for number, call in enumerate(fields.objects("tool_calls"))]
    if (function := fields.object("function_call")) is not None:
        name = function.needed_text("name")
        parts.append(ToolCall(made_id("", 0, name), name, _arguments(function)))
    return parts


def _call(fields: Fields, number: int) -> Part:
    function = fields.object("function")
    if function is None and fields.object("custom") is not None:
        return Foreign("openai", fields.value)
    if function is None:
        raise BadRequest(f"{fields.place}: expected a call of type function with its name.", field=fields.place)
    name = function.needed_text("name")
    call_id = fields.text("id") or made_id("", number, name)
    return ToolCall(call_id, name, _arguments(function), google_signature(fields.value))


def _arguments(function: Fields) -> str:
    """JSON text; Mistral takes the object itself too."""
    value = function.get("arguments")
    return dump_text(value) if isinstance(value, dict) else function.text("arguments") or "{}"


def _content(fields: Fields) -> list[Part]:
    value = fields.get("content")
    if value is None:
        return []
    if isinstance(value, str):
        return [Text(value)] if value else []
    if not isinstance(value, list):
        raise fields.wrong("content", "a string or a list of parts")
    parts = [_part(part) for part in fields.objects("content") if part.get("type") not in ("thinking", "reasoning")]
    return parts


def _part(fields: Fields) -> Part:
    cache = fields.plain("cache_control")
    match fields.get("type"):
        case "text" | "input_text" | "output_text":
            return Text(fields.needed_text("text"), cache)
        case "refusal":
            return Refusal(fields.needed_text("refusal"))
        case "image_url":
            return _image(fields, cache)
        case "input_audio":
            return _audio(fields)
        case "file":
            return _file(fields, cache)
        case "document_url":  # Mistral's
            url, name = fields.needed_text("document_url"), fields.text("document_name")
            return _document(url, name, cache)
        case str() as kind if kind in _OWN:
            return Foreign("openai", fields.value)
        case None:
            raise BadRequest(
                f"{fields.at('type')}: this field is missing; accepted are {_PARTS}.", field=fields.at("type")
            )
        case _:
            raise fields.unknown("type", _PARTS)


def _image(fields: Fields, cache: dict[str, Any] | None) -> Image:
    value = fields.get("image_url")
    detail = None
    if isinstance(value, str):
        url = value
    else:
        inner = fields.object("image_url")
        if inner is None:
            raise fields.wrong("image_url", "an object with a url")
        url, detail = inner.needed_text("url"), inner.text("detail")
    split = split_data_url(url)
    if split is None and not url.startswith(("http://", "https://", "gs://")):
        place = f"{fields.at('image_url')}.url"
        raise BadRequest(f"{place}: expected an http(s) address or a data URL in base64.", field=place)
    if split is None:
        return Image(url=url, detail=detail, cache_control=cache)
    return Image(data=split[1], media_type=split[0], detail=detail, cache_control=cache)


def _audio(fields: Fields) -> Part:
    value = fields.get("input_audio")
    if isinstance(value, str):  # Mistral's: base64, or an address
        split = split_data_url(value)
        if split is None and "://" in value:
            return Foreign("openai", fields.value)
        return Audio(split[1], split[0]) if split else Audio(value, guess_sound(value))
    audio = fields.object("input_audio")
    if audio is None:
        raise fields.wrong("input_audio", "an object with data and format")
    return Audio(audio.needed_text("data"), audio_type(audio.text("format") or "wav"))


def _file(fields: Fields, cache: dict[str, Any] | None) -> File:
    inner = fields.object("file")
    if inner is None and fields.text("file_id") is not None:  # Mistral's
        inner = fields
    if inner is None:
        raise fields.wrong("file", "an object with file_data or file_id")
    name, data, file_id = inner.text("filename"), inner.text("file_data"), inner.text("file_id")
    if data is None:
        if file_id is None:
            place = inner.at("file_data")
            raise BadRequest(f"{place}: give the file's data URL here, or its file_id.", field=place)
        return File(file_id=file_id, name=name, cache_control=cache)
    return _document(data, name, cache)


def _document(data: str, name: str | None, cache: dict[str, Any] | None) -> File:
    if data.startswith(("http://", "https://")):
        return File(url=data, media_type=guess_type(name or data, "application/pdf"), name=name, cache_control=cache)
    media_type, content = split_data_url(data) or (guess_type(name, "application/pdf"), data)
    return File(data=content, media_type=media_type, name=name, cache_control=cache)


def _tools(root: Fields) -> list[Tool]:
    tools = []
    for tool in root.objects("tools"):
        function = tool.object("function")
        if tool.get("type") in (None, "function") and function is not None:
            tools.append(_function(function, tool.plain("cache_control")))
        else:
            custom = tool.object("custom")
            name = custom.text("name") if custom else None
            tools.append(Tool(name=name or tool.text("type") or "", raw=tool.value, family="openai"))
    tools += [_function(function, None) for function in root.objects("functions")]
    return tools


def _function(fields: Fields, cache: dict[str, Any] | None) -> Tool:
    return Tool(
        name=fields.needed_text("name"),
        description=fields.text("description"),
        parameters=fields.plain("parameters"),
        strict=fields.flag("strict"),
        cache_control=cache,
    )


def _tool_choice(root: Fields) -> ToolChoice | None:
    parallel = root.flag("parallel_tool_calls")
    key = "tool_choice" if root.get("tool_choice") is not None else "function_call"
    value = root.get(key)
    if value is None:
        return None if parallel is None else ToolChoice("auto", parallel=parallel)
    if isinstance(value, str):
        mode = {"auto": "auto", "none": "none", "required": "required", "any": "required"}.get(value)
        if mode is None:
            raise root.unknown(key, "auto, none, required and a named function")
        return ToolChoice(mode, parallel=parallel)
    choice = root.object(key)
    if choice is None:
        raise root.wrong(key, "a string or an object")
    if choice.get("type") == "allowed_tools":
        allowed = choice.object("allowed_tools") or choice
        names = [_chosen(tool) for tool in allowed.objects("tools")]
        return ToolChoice("named" if allowed.get("mode") == "required" else "auto", names, parallel)
    return ToolChoice("named", [_chosen(choice)], parallel)


def _chosen(fields: Fields) -> str:
    """The tool that a choice names: a function, a custom tool, or one of the provider's own by its type."""
    inner = fields.object("function") or fields.object("custom") or fields
    if inner is fields and fields.get("name") is None and fields.get("type") not in (None, "function", "custom"):
        return fields.needed_text("type")
    return inner.needed_text("name")


def _output(root: Fields) -> OutputFormat | None:
    wanted = root.object("response_format")
    if wanted is None:
        return None
    match wanted.get("type"):
        case "text":
            return OutputFormat("text")
        case "json_object":
            return OutputFormat("json")
        case "json_schema":
            inner = wanted.object("json_schema")
            if inner is None:
                raise wanted.wrong("json_schema", "an object with name and schema")
            return OutputFormat(
                "json_schema",
                schema=inner.plain("schema") or {},
                name=inner.text("name"),
                description=inner.text("description"),
                strict=inner.flag("strict"),
            )
        case "grammar" | "python" | "regex":
            raise Unsupported(
                f"response_format: {wanted.get('type')} is known to few providers and cannot be translated; give a "
                "JSON schema (type json_schema), or name a model served in OpenAI's chat format.",
                field="response_format",
            )
        case _:
            raise wanted.unknown("type", "text, json_object and json_schema")


def _reasoning_wish(root: Fields) -> ReasoningWish | None:
    effort = root.text("reasoning_effort")
    wish = root.object("reasoning")  # OpenRouter's
    if wish is not None:
        enabled = wish.flag("enabled")
        effort = effort or wish.text("effort") or ("none" if enabled is False else None)
        exclude = wish.flag("exclude")
        return ReasoningWish(effort, wish.whole("max_tokens"), None if exclude is None else not exclude)
    thinking = root.get("thinking")  # DeepSeek's, Moonshot's, Z.ai's
    if effort is None and isinstance(thinking, dict) and thinking.get("type") in ("enabled", "disabled"):
        return ReasoningWish(budget=0 if thinking["type"] == "disabled" else -1)
    return ReasoningWish(effort) if effort else None


def _name_results(messages: list[Message]) -> None:
    """A tool's result says only its call's id; other formats want the name too."""
    names: dict[str, str] = {}
    waiting: list[ToolCall] = []
    for message in messages:
        for part in message.parts:
            if isinstance(part, ToolCall):
                names[part.id] = part.name
                waiting.append(part)
            elif isinstance(part, ToolResult):
                if not part.call_id:
                    part.call_id = next((call.id for call in waiting if call.name == part.name), f"call_{part.name}")
                part.name = part.name or names.get(part.call_id)
                waiting = [call for call in waiting if call.id != part.call_id]
