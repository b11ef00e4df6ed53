"""A client's request to Responses → a question in no format."""

from __future__ import annotations

from typing import Any

from app.core.chat import (
    ChatRequest,
    Foreign,
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
from app.formats.fields import Fields, check_model
from app.formats.openai_responses.content import read_content
from app.formats.openai_responses.items import call_signature
from app.formats.openai_responses.words import OWN
from app.formats.payload import read_request
from app.formats.reasoning_items import read_item as read_reasoning

LOGPROBS = "message.output_text.logprobs"  # of `include`
_ROLES = {
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "system": Role.SYSTEM,
    "developer": Role.DEVELOPER,
}
_READ = {"model", "input", "instructions", "tools", "parallel_tool_calls", "max_output_tokens", "temperature"}
_READ |= {"top_p", "top_logprobs", "user", "metadata", "stream"}
_STORED = ("previous_response_id", "conversation", "prompt")  # what a request without input goes on with


def decode_request(body: bytes) -> ChatRequest:
    root = Fields(read_request(body))
    model = root.needed_text("model")
    check_model(model)
    messages = _messages(root)
    _name_results(messages)
    if instructions := root.text("instructions"):
        messages.insert(0, Message(Role.SYSTEM, [Text(instructions)]))
    top_logprobs = root.whole("top_logprobs") or None
    choice, own_choice = _tool_choice(root)
    text = root.object("text")
    rest = {key: value for key, value in text.value.items() if key != "format"} if text else {}
    # kept whole for this format beside what others can say of it
    kept = root.value | {"text": rest or None, "tool_choice": own_choice}
    return ChatRequest(
        model=model,
        messages=messages,
        tools=[_tool(tool) for tool in root.objects("tools")],
        tool_choice=choice,
        output=_output(text) if text else None,
        max_tokens=root.whole("max_output_tokens"),
        temperature=root.number("temperature"),
        top_p=root.number("top_p"),
        logprobs=True if top_logprobs or LOGPROBS in root.texts("include") else None,
        top_logprobs=top_logprobs,
        reasoning=_reasoning(root),
        user=root.text("user"),
        metadata=root.plain("metadata") or {},
        stream=bool(root.flag("stream")),
        include_usage=True,
        extra=keep_extras(kept, _READ, OWN),
    )


def _messages(root: Fields) -> list[Message]:
    value = root.get("input")
    if isinstance(value, str):
        return [Message(Role.USER, read_content(root, "input"))]
    if value is not None and not isinstance(value, list):
        raise root.wrong("input", "a string or a list of items")
    messages: list[Message] = []
    for fields in root.objects("input"):
        message = _item(fields)
        if messages and _belongs(message, messages[-1]):
            messages[-1].parts += message.parts
        else:
            messages.append(message)
    if not messages and not any(root.get(key) for key in _STORED):
        raise BadRequest("input: this field is missing or empty; send a string or a list of items.", field="input")
    return messages


def _item(fields: Fields) -> Message:
    match fields.get("type"):
        case "message":
            return _message(fields)
        case None if fields.get("role") is not None:
            return _message(fields)
        case "function_call":
            call_id, name = fields.needed_text("call_id"), fields.needed_text("name")
            call = ToolCall(call_id, name, fields.text("arguments") or "{}", call_signature(fields.value))
            return Message(Role.ASSISTANT, [call])
        case "function_call_output":
            call_id = fields.needed_text("call_id")
            if fields.get("output") is None:
                place = fields.at("output")
                raise BadRequest(f"{place}: this field is missing; it takes a string or a list of parts.", field=place)
            return Message(Role.TOOL, [ToolResult(call_id, read_content(fields, "output"), fields.text("name"))])
        case "reasoning":
            return Message(Role.ASSISTANT, [read_reasoning(fields.value)])
        case str() as kind:
            role = Role.USER if kind.endswith(("_output", "_response")) else Role.ASSISTANT
            return Message(role, [Foreign(OWN, fields.value)])
        case None if isinstance(fields.get("id"), str):
            return Message(Role.ASSISTANT, [Foreign(OWN, fields.value)])  # a reference may go without its type
        case None:
            place = fields.at("type")
            raise BadRequest(f"{place}: this field is missing; give an item's type, or a message's role.", field=place)
        case _:
            raise fields.wrong("type", "the name of an item's type")


def _message(fields: Fields) -> Message:
    value = fields.get("role")
    role = _ROLES.get(value) if isinstance(value, str) else None
    if role is None:
        raise fields.unknown("role", "user, assistant, system and developer")
    if fields.get("content") is None:
        place = fields.at("content")
        raise BadRequest(f"{place}: this field is missing; it takes a string or a list of parts.", field=place)
    return Message(role, read_content(fields, "content"))


def _belongs(message: Message, before: Message) -> bool:
    """One turn of the assistant comes as several items: other formats have it as one message, with all its calls."""
    if message.role is not before.role or message.role not in (Role.ASSISTANT, Role.TOOL):
        return False
    said = [part for part in before.parts if not isinstance(part, Reasoning | ToolCall)]
    if message.role is Role.TOOL or not said:
        return True
    return not any(_spoken(part) for part in message.parts)


def _spoken(part: Part) -> bool:
    return not isinstance(part, Reasoning | ToolCall)


def _tool(fields: Fields) -> Tool:
    kind = fields.needed_text("type")
    if kind != "function":
        name = fields.text("name") or fields.text("server_label") or kind
        return Tool(name=name, raw=fields.value, family=OWN)
    return Tool(
        name=fields.needed_text("name"),
        description=fields.text("description"),
        parameters=fields.plain("parameters"),
        strict=fields.flag("strict"),
    )


def _tool_choice(root: Fields) -> tuple[ToolChoice | None, dict[str, Any] | None]:
    """The choice, and its own words where it names tools that only this format has."""
    parallel = root.flag("parallel_tool_calls")
    value = root.get("tool_choice")
    if value is None:
        return (None if parallel is None else ToolChoice("auto", parallel=parallel)), None
    if isinstance(value, str):
        if value not in ("auto", "none", "required"):
            raise root.unknown("tool_choice", "auto, none, required and a tool")
        return ToolChoice(value, parallel=parallel), None
    choice = root.object("tool_choice")
    if choice is None:
        raise root.wrong("tool_choice", "a string or an object")
    match choice.needed_text("type"):
        case "function":
            return ToolChoice("named", [choice.needed_text("name")], parallel), None
        case "allowed_tools":
            tools = list(choice.objects("tools"))
            names = [_tool_name(tool) for tool in tools]
            plain = all(tool.get("type") == "function" for tool in tools)
            mode = "named" if choice.get("mode") == "required" else "auto"
            return ToolChoice(mode, names, parallel), None if plain else choice.value
        case _:
            return ToolChoice("named", [_tool_name(choice)], parallel), choice.value


def _tool_name(fields: Fields) -> str:
    kind = fields.needed_text("type")
    if kind == "function":
        return fields.needed_text("name")
    return (fields.text("server_label") if kind == "mcp" else fields.text("name")) or kind


def _output(text: Fields) -> OutputFormat | None:
    wanted = text.object("format")
    if wanted is None:
        return None
    match wanted.get("type"):
        case "text":
            return OutputFormat("text")
        case "json_object":
            return OutputFormat("json")
        case "json_schema":
            return OutputFormat(
                "json_schema",
                schema=wanted.plain("schema") or {},
                name=wanted.text("name"),
                description=wanted.text("description"),
                strict=wanted.flag("strict"),
            )
        case _:
            raise wanted.unknown("type", "text, json_object and json_schema")


def _reasoning(root: Fields) -> ReasoningWish | None:
    wish = root.object("reasoning")
    if wish is None:
        return None
    effort, summary = wish.text("effort"), wish.text("summary") or wish.text("generate_summary")
    if effort is None and summary is None:
        return None
    return ReasoningWish(effort, include=True if summary else None)


def _name_results(messages: list[Message]) -> None:
    """A result says only its call's id; other formats want the name too."""
    names: dict[str, str] = {}
    for message in messages:
        for part in message.parts:
            if isinstance(part, ToolCall):
                names[part.id] = part.name
            elif isinstance(part, ToolResult) and part.name is None:
                part.name = names.get(part.call_id)
