"""A client's request to Anthropic's messages API → a question in no format."""

from __future__ import annotations

import base64
from typing import Any

from app.core.chat import (
    ChatRequest,
    File,
    Foreign,
    Image,
    Message,
    OutputFormat,
    Part,
    ReasoningWish,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from app.core.errors import BadRequest
from app.formats.anthropic_messages.blocks import FAMILY, call_signature, read_redacted, read_thinking
from app.formats.extras import keep_extras
from app.formats.fields import Fields, check_model
from app.formats.payload import as_dicts, dump_text, kind, read_request

_READ = {"model", "messages", "system", "max_tokens", "stop_sequences", "stream", "temperature", "top_k", "top_p"}
_READ |= {"tools", "tool_choice", "thinking", "output_format", "metadata"}
_OF_TOOLS = {"type", "name", "description", "input_schema", "strict", "cache_control"}


def decode_request(body: bytes) -> ChatRequest:
    root = Fields(read_request(body))
    model = root.needed_text("model")
    check_model(model)
    messages = [_message(fields) for fields in root.objects("messages")]
    if not messages:
        raise BadRequest("messages: the list is missing or empty; send at least one message.", field="messages")
    _name_results(messages)
    system = _content(root, "system")
    if system:
        messages.insert(0, Message(Role.SYSTEM, system))
    metadata = root.object("metadata")
    return ChatRequest(
        model=model,
        messages=messages,
        tools=[_tool(tool) for tool in root.objects("tools")],
        tool_choice=_tool_choice(root),
        output=_output(root),
        max_tokens=root.whole("max_tokens"),
        temperature=root.number("temperature"),
        top_p=root.number("top_p"),
        top_k=root.whole("top_k"),
        stop=root.texts("stop_sequences"),
        reasoning=_reasoning(root),
        user=metadata.text("user_id") if metadata else None,
        stream=bool(root.flag("stream")),
        include_usage=True,
        extra=keep_extras(root.value | {"output_config": _rest_of_config(root)}, _READ, FAMILY),
    )


def _message(fields: Fields) -> Message:
    match fields.get("role"):
        case "user":
            return Message(Role.USER, _content(fields, "content"))
        case "assistant":
            return Message(Role.ASSISTANT, _content(fields, "content"))
        case "system":
            return Message(Role.SYSTEM, _content(fields, "content"))
        case _:
            raise fields.unknown("role", "user and assistant")


def _content(fields: Fields, key: str) -> list[Part]:
    value = fields.get(key)
    if value is None:
        return []
    if isinstance(value, str):
        return [Text(value)] if value else []
    if not isinstance(value, list):
        raise fields.wrong(key, "a string or a list of blocks")
    return [_block(block) for block in fields.objects(key)]


def _block(fields: Fields) -> Part:
    cache = fields.plain("cache_control")
    match fields.get("type"):
        case "text":
            return Text(fields.needed_text("text"), cache, as_dicts(fields.get("citations")) or None)
        case "image":
            return _image(fields, cache)
        case "document":
            return _document(fields, cache)
        case "tool_use":
            value = fields.get("input")
            if value is not None and not isinstance(value, dict):
                raise fields.wrong("input", "an object")
            name = fields.needed_text("name")
            return ToolCall(fields.needed_text("id"), name, dump_text(value or {}), call_signature(fields.value))
        case "tool_result":
            parts = _content(fields, "content")
            return ToolResult(fields.needed_text("tool_use_id"), parts, is_error=bool(fields.flag("is_error")))
        case "thinking":
            return read_thinking(fields.text("thinking") or "", fields.text("signature") or None)
        case "redacted_thinking":
            return read_redacted(fields.needed_text("data"))
        case str():
            return Foreign(FAMILY, fields.value)  # server tools and what else only Anthropic knows
        case other:
            place = fields.at("type")
            raise BadRequest(f"{place}: expected the name of a block's type, got {kind(other)}.", field=place)


def _image(fields: Fields, cache: dict[str, Any] | None) -> Part:
    source = fields.object("source")
    match source and source.get("type"):
        case "base64" if source:
            data, media_type = source.needed_text("data"), source.needed_text("media_type")
            return Image(data=data, media_type=media_type, cache_control=cache)
        case "url" if source:
            return Image(url=source.needed_text("url"), cache_control=cache)
        case "file":
            return Foreign(FAMILY, fields.value)
        case _:
            place = fields.at("source")
            raise BadRequest(f"{place}: expected a source of type base64, url or file.", field=place)


def _document(fields: Fields, cache: dict[str, Any] | None) -> Part:
    source = fields.object("source")
    citations = fields.object("citations")
    if fields.get("context") is not None or (citations and citations.flag("enabled")):
        return Foreign(FAMILY, fields.value)  # no other format cites from documents
    name = fields.text("title")
    match source and source.get("type"):
        case "base64" if source:
            media_type = source.text("media_type") or "application/pdf"
            return File(data=source.needed_text("data"), media_type=media_type, name=name, cache_control=cache)
        case "text" if source:
            data = base64.b64encode(source.needed_text("data").encode()).decode()
            return File(data=data, media_type="text/plain", name=name, cache_control=cache)
        case "url" if source:
            return File(url=source.needed_text("url"), media_type="application/pdf", name=name, cache_control=cache)
        case "file" | "content":
            return Foreign(FAMILY, fields.value)
        case _:
            place = fields.at("source")
            raise BadRequest(f"{place}: expected a source of type base64, text, url, content or file.", field=place)


def _tool(fields: Fields) -> Tool:
    kind_of_tool = fields.text("type")
    name = fields.text("name") or kind_of_tool or ""
    if kind_of_tool not in (None, "custom"):
        return Tool(name=name, raw=fields.value, family=FAMILY)
    return Tool(
        name=fields.needed_text("name"),
        description=fields.text("description"),
        parameters=fields.plain("input_schema"),
        strict=fields.flag("strict"),
        family=FAMILY,
        cache_control=fields.plain("cache_control"),
        extra={key: value for key, value in fields.value.items() if key not in _OF_TOOLS and value is not None},
    )


def _tool_choice(root: Fields) -> ToolChoice | None:
    choice = root.object("tool_choice")
    if choice is None:
        return None
    single = choice.flag("disable_parallel_tool_use")
    parallel = None if single is None else not single
    match choice.get("type"):
        case "auto" | "none" as mode:
            return ToolChoice(mode, parallel=parallel)
        case "any":
            return ToolChoice("required", parallel=parallel)
        case "tool":
            return ToolChoice("named", [choice.needed_text("name")], parallel)
        case _:
            raise choice.unknown("type", "auto, any, tool and none")


def _output(root: Fields) -> OutputFormat | None:
    config = root.object("output_config")
    wanted = (config.object("format") if config else None) or root.object("output_format")
    if wanted is None:
        return None
    if wanted.get("type") != "json_schema":
        raise wanted.unknown("type", "json_schema")
    return OutputFormat("json_schema", schema=wanted.plain("schema") or {}, strict=True)


def _rest_of_config(root: Fields) -> dict[str, Any] | None:
    config = root.plain("output_config") or {}
    return {key: value for key, value in config.items() if key not in ("effort", "format")} or None


def _reasoning(root: Fields) -> ReasoningWish | None:
    config, thinking = root.object("output_config"), root.object("thinking")
    effort = config.text("effort") if config else None
    if thinking is None:
        return ReasoningWish(effort) if effort else None
    include = None if thinking.text("display") is None else thinking.text("display") != "omitted"
    match thinking.get("type"):
        case "enabled":
            return ReasoningWish(effort, thinking.whole("budget_tokens"), include)
        case "adaptive":
            return ReasoningWish(effort, -1, include)
        case "disabled":
            return ReasoningWish("none", 0)
        case _:
            raise thinking.unknown("type", "enabled, adaptive and disabled")


def _name_results(messages: list[Message]) -> None:
    names: dict[str, str] = {}
    for message in messages:
        for part in message.parts:
            if isinstance(part, ToolCall):
                names[part.id] = part.name
            elif isinstance(part, ToolResult):
                part.name = names.get(part.call_id)
