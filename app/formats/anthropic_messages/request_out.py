"""A question in no format → a request to Anthropic's messages API."""

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
from app.formats.anthropic_messages.blocks import FAMILY, image_source, write_reasoning, write_tool_use
from app.formats.base import UpstreamCall
from app.formats.extras import own_extras, refuse, refuse_extras
from app.formats.left_out import left_out, moved_prompts, outline, without
from app.formats.media import read_text
from app.formats.payload import as_dict, dump
from app.formats.sampling import leave_out_of_claude
from app.formats.tool_ids import safe_id

PATH = "/messages"
HEADERS = {"anthropic-version": "2023-06-01"}
DEFAULT_MAX_TOKENS = 4096
_NAME = "Anthropic's format"
_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_EFFORTS = {"minimal": "low", "xhigh": "max"}
_BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 32768, "max": 32768}
_LEAST_BUDGET = 1024
# up to 4.5 these models think by budget, later ones adapt and refuse a budget
_BY_BUDGET = re.compile(r"claude-(?:[123]|instant|(?:opus|sonnet|haiku)-(?:3|4(?:[-@]20|-?$|[-.][0-5](?!\d))))")


_JSON = "Answer with one JSON object and nothing else: no other words, no code fence."


def encode_request(request: ChatRequest, model: str) -> UpstreamCall:
    _refuse(request)
    notes = left_out(
        request, _NAME, family=FAMILY, said=("user", "cache_control", "showing"), keeps=_goes_back, cites=_own
    )
    # Anthropic documents that its OpenAI endpoint ignores them too
    notes += without(request, _NAME, "seed", "frequency_penalty", "presence_penalty")
    notes += moved_prompts(request, _NAME)
    system, messages = _messages(request.messages, notes)
    limit = request.max_tokens if request.max_tokens is not None else DEFAULT_MAX_TOKENS  # 0 warms a cache
    body: dict[str, Any] = {"model": model, "max_tokens": limit}
    if request.max_tokens is None:
        notes.append(f"max_tokens: set to {DEFAULT_MAX_TOKENS} and what thinking may take; {_NAME} needs a limit.")
    if request.output is not None and request.output.kind == "json":
        system.append({"type": "text", "text": _JSON})
        notes.append(f"response_format: said as a sentence in the system prompt; {_NAME} has JSON by schema only.")
    if system:
        plain = len(system) == 1 and "cache_control" not in system[0]
        body["system"] = system[0]["text"] if plain else system
    body["messages"] = messages
    _tools(body, request, notes)
    if request.output is not None and request.output.kind == "json_schema":
        body["output_config"] = {"format": {"type": "json_schema", "schema": request.output.schema or {}}}
    for key in ("top_p", "top_k"):
        if (value := getattr(request, key)) is not None:
            body[key] = value
    if request.temperature is not None:
        body["temperature"] = min(request.temperature, 1.0)  # as Anthropic's own OpenAI endpoint does
        if request.temperature > 1:
            notes.append(f"temperature: {request.temperature} said as 1.0, the most that {_NAME} takes.")
    if request.stop:
        body["stop_sequences"] = request.stop
    if request.user is not None:
        body["metadata"] = {"user_id": request.user}
    notes += leave_out_of_claude(body, model)
    _think(body, request, model, notes)
    config = body.get("output_config", {})
    body |= own_extras(request, FAMILY)
    if config:
        body["output_config"] = as_dict(body.get("output_config")) | config
    if request.stream:
        body["stream"] = True
    return UpstreamCall(path=PATH, body=dump(body), headers=dict(HEADERS), approximated=outline(notes))


def _goes_back(part: Reasoning, _: Message) -> bool:
    return part.family == FAMILY and bool(part.signature or part.redacted)


def _refuse(request: ChatRequest) -> None:
    refuse_extras(request, FAMILY, _NAME)
    if request.n is not None and request.n > 1:
        raise refuse("n", _NAME, "ask for one answer at a time")
    if request.logprobs or request.top_logprobs:
        raise refuse("logprobs" if request.logprobs else "top_logprobs", _NAME)
    if any(not sequence.strip() for sequence in request.stop):
        raise refuse("stop", _NAME, "a stop sequence needs more than white space there")


def _messages(messages: list[Message], notes: list[str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """System prompts are gathered at the front, neighbours of one role are joined, as Anthropic documents it."""
    system: list[dict[str, Any]] = []
    written: list[dict[str, Any]] = []
    for number, message in enumerate(messages):
        place = f"messages[{number}]"
        if message.role in (Role.SYSTEM, Role.DEVELOPER):
            for part in message.parts:
                if not isinstance(part, Text):
                    raise refuse(place, _NAME, "a system prompt is text there")
                if part.text:
                    system.append(_cached({"type": "text", "text": part.text}, part.cache_control))
            continue
        role = "assistant" if message.role is Role.ASSISTANT else "user"
        blocks = [block for part in message.parts for block in _block(part, place)]
        if not blocks:
            continue
        if written and written[-1]["role"] == role:
            written[-1]["content"] += blocks
        else:
            written.append({"role": role, "content": blocks})
    if not written:
        raise Unsupported(f"messages: {_NAME} needs a message of the user; add one.", field="messages")
    for entry in written:
        if entry["role"] == "user":  # a result must directly follow its call
            entry["content"].sort(key=lambda block: block["type"] != "tool_result")
    last = written[-1]["content"][-1]
    if written[-1]["role"] == "assistant" and last["type"] == "text":
        given = last["text"]
        last["text"] = given.rstrip()  # a prefill may not end in white space
        if last["text"] != given:
            notes.append(
                f"messages: the white space at the end is left out; {_NAME} takes no beginning of an answer so."
            )
        if not last["text"]:
            written[-1]["content"].pop()
            if not written[-1]["content"]:
                written.pop()
    return system, written


def _block(part: Part, place: str) -> list[dict[str, Any]]:
    match part:
        case Text():
            block: dict[str, Any] = {"type": "text", "text": part.text}
            if cited := [value for value in part.citations or [] if _own(value)]:
                block["citations"] = cited  # others' have no place in a question
            return [_cached(block, part.cache_control)] if part.text else []
        case Refusal():
            return [{"type": "text", "text": part.text}] if part.text else []
        case Image():
            if part.data is not None and part.media_type not in _IMAGES:
                raise refuse(place, _NAME, f"pictures are {', '.join(_IMAGES)} there, not {part.media_type}")
            return [_cached({"type": "image", "source": image_source(part)}, part.cache_control)]
        case File():
            return [_cached(_document(part, place), part.cache_control)]
        case ToolCall():
            return [{key: value for key, value in write_tool_use(part).items() if key != "extra_content"}]
        case ToolResult():
            result: dict[str, Any] = {"type": "tool_result", "tool_use_id": safe_id(part.call_id)}
            result["content"] = [inner for piece in part.parts for inner in _block(piece, place)]
            if part.is_error:
                result["is_error"] = True
            return [result]
        case Reasoning(family="anthropic") if part.signature or part.redacted:  # as `_goes_back` has it
            return [write_reasoning(part)]
        case Reasoning():
            return []  # another family's, or without its signature: Anthropic would refuse it
        case Foreign(family="anthropic"):
            return [part.value]
        case Foreign():
            raise refuse(place, _NAME, f"leave out the {part.value.get('type', 'part')} of {part.family}")
        case Audio():
            raise refuse(place, _NAME, "it takes no audio; send text, or name another model")


def _own(citation: dict[str, Any]) -> bool:
    """Whether Anthropic wrote it: those of others that our answers show in its words lack what it wants back."""
    return "cited_text" in citation and citation.get("encrypted_index") != ""


def _document(part: File, place: str) -> dict[str, Any]:
    media_type = part.media_type or "application/pdf"
    if part.file_id is not None:
        raise refuse(place, _NAME, "a file id belongs to one provider; send the file's data in base64")
    if part.url is not None:
        source: dict[str, Any] = {"type": "url", "url": part.url}
    elif media_type == "application/pdf":
        source = {"type": "base64", "media_type": media_type, "data": part.data or ""}
    elif media_type.startswith("text/") or media_type == "application/json":
        source = {"type": "text", "media_type": "text/plain", "data": read_text(part.data or "", place)}
    else:
        raise refuse(place, _NAME, f"documents are PDF or text there, not {media_type}")
    block = {"type": "document", "source": source}
    return block | {"title": part.name} if part.name else block


def _tools(body: dict[str, Any], request: ChatRequest, notes: list[str]) -> None:
    choice = request.tool_choice
    tools = request.tools
    if choice is not None and choice.names and (choice.mode != "named" or len(choice.names) > 1):
        tools = [tool for tool in tools if tool.name in choice.names]
        notes.append(f"tool_choice: said by offering the allowed tools only; {_NAME} cannot name several.")
    if tools:
        body["tools"] = [_tool(tool, number) for number, tool in enumerate(tools)]
    if choice is None or not tools:
        return
    written: dict[str, Any]
    if choice.mode == "named" and len(choice.names) == 1:
        written = {"type": "tool", "name": choice.names[0]}
    else:
        written = {"type": {"auto": "auto", "none": "none"}.get(choice.mode, "any")}
    if choice.parallel is not None and written["type"] != "none":
        written["disable_parallel_tool_use"] = not choice.parallel
    body["tool_choice"] = written


def _tool(tool: Tool, number: int) -> dict[str, Any]:
    if tool.raw is not None:
        if tool.family != FAMILY:
            raise refuse(f"tools[{number}]", _NAME, f"{tool.name} runs at its own provider only")
        return tool.raw
    written: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        written["description"] = tool.description
    written["input_schema"] = {"type": "object"} | (tool.parameters or {"properties": {}})
    if tool.strict:
        written["strict"] = True
    if tool.family == FAMILY:
        written |= tool.extra
    return _cached(written, tool.cache_control)


def _think(body: dict[str, Any], request: ChatRequest, model: str, notes: list[str]) -> None:
    wish = request.reasoning
    if wish is None or wish.effort == "none" or wish.budget == 0:
        return
    if wish.effort is None and wish.budget is None and wish.include is not True:
        return  # a word on showing thoughts is no wish for them
    if body.get("tool_choice", {}).get("type") in ("tool", "any"):
        # the tool is what was asked for
        notes.append(f"reasoning: left out; {_NAME} does not think where the choice of a tool is forced.")
        return
    budget = wish.budget if wish.budget and wish.budget > 0 else _BUDGETS.get(wish.effort or "medium", 8192)
    if not _BY_BUDGET.search(model):
        effort = wish.effort or ("low" if budget <= 4096 else "medium" if budget <= 16384 else "high")
        body["thinking"] = {"type": "adaptive"}
        if wish.effort or (wish.budget or 0) > 0:
            said = body.setdefault("output_config", {})["effort"] = _EFFORTS.get(effort, effort)
            if said != wish.effort:
                asked = wish.effort or f"a budget of {wish.budget} tokens"
                notes.append(f"reasoning: {asked} said as effort {said}; this model has no other word for it.")
    else:
        if request.max_tokens is None:
            body["max_tokens"] = DEFAULT_MAX_TOKENS + budget
        elif budget >= request.max_tokens:
            budget = request.max_tokens * 4 // 5
        if budget < _LEAST_BUDGET or _unsigned_loop(body["messages"]):
            why = "max_tokens leaves no room for it" if budget < _LEAST_BUDGET else "the round of tools began without"
            notes.append(f"reasoning: left out; {why}.")
            return
        body["thinking"] = {"type": "enabled", "budget_tokens": budget}
        if budget != wish.budget:
            notes.append(f"reasoning: said as a budget of {budget} tokens; this model thinks by budget.")
    if wish.include is not None:
        body["thinking"]["display"] = "summarized" if wish.include else "omitted"
    for key in ("temperature", "top_k", "top_p"):
        if body.pop(key, None) is not None:
            notes.append(f"{key}: left out; {_NAME} takes none beside thinking.")


def _unsigned_loop(messages: list[dict[str, Any]]) -> bool:
    """A running round of tools that began without thinking: it cannot go on with it."""
    if len(messages) < 2 or messages[-1]["content"][0]["type"] != "tool_result":
        return False
    return messages[-2]["content"][0]["type"] not in ("thinking", "redacted_thinking")


def _cached(block: dict[str, Any], cache: dict[str, Any] | None) -> dict[str, Any]:
    return block | {"cache_control": cache} if cache else block
