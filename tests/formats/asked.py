"""What a question asks for, freed from how a format says it: for finding what a translation loses unnamed."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
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
from app.formats.base import UpstreamCall
from app.formats.registry import CLIENT_FORMATS
from tests.formats.spoken import cohere_as_chat, ollama_as_chat

_SPACE = re.compile(r"\s+")
_SCALARS = ("max_tokens", "temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty", "seed", "user")
# what must stand in a note for a difference in this field to be named
_NAMED = {
    "system": "response_format",
    "user words": r"message of the user|Error|white space|refusal|stand beside",
    "assistant words": "white space|refusal",
    "results": "Error|message of the user|stand beside|refusal",
    "refusals": "refusal",
    "images": r"\bimage|picture",
    "names": "messages.name",
    "tools": "tool_choice: said|tools",
    "strict": "strict",
    "choice": "tool_choice",
    "parallel": "parallel_tool_calls",
    "output": "response_format",
    "reasoning": "reasoning|thinking",
    "showing": "showing of reasoning",
    "thoughts": "reasoning of",
    "call signatures": "thoughtSignature|signature",
    "citations": "citations",
    "cache_control": "cache_control",
    "top_p": "^(top_)?p:",
    "top_k": "^(top_)?k:",
}


def lost(question: ChatRequest, call: UpstreamCall, wire: str) -> list[str]:
    """The fields of a question that the body says otherwise and no note names."""
    said, wanted = aspects(read_again(call, wire, question)), aspects(question)
    notes = call.approximated
    found = []
    for field, value in wanted.items():
        if _satisfied(field, value, said[field], wire):
            continue
        if said[field] != value and not any(re.search(_NAMED.get(field, f"^{field}"), note) for note in notes):
            found.append(f"{field}: {str(value)[:300]} became {str(said[field])[:300]}")
    own = question.extra.get("family")
    if own != CLIENT_FAMILIES.get(wire):
        keys = [key for key, value in question.extra.items() if value not in (False, [], {})]
        keys = [key for key in keys if key not in ("family", "thinking")]
        body = json.loads(call.body)
        found += [
            f"{key}: not named"
            for key in keys[:20]
            if key not in body and not any(note.startswith(f"{key}:") for note in notes) and not _carried(key, body)
        ]
    return found


def _satisfied(field: str, wanted: Any, said: Any, wire: str) -> bool:
    """What a provider does without being told: Anthropic does not think, Responses show no thoughts."""
    return (field, wanted, said, wire) in (
        ("reasoning", "none", None, "anthropic-messages"),
        ("showing", True, False, "openai-responses"),
        ("choice", ("none", []), ("auto", []), "ollama"),  # no tools are offered then
    )


CLIENT_FAMILIES = {
    "openai-chat": "openai",
    "openai-responses": "openai-responses",
    "anthropic-messages": "anthropic",
    "gemini": "gemini",
    "ollama": "ollama",
    "cohere-chat": "cohere",
}


def read_again(call: UpstreamCall, wire: str, question: ChatRequest) -> ChatRequest:
    if wire == "ollama":
        return CLIENT_FORMATS["openai-chat"].decode_request(ollama_as_chat(call.body))
    if wire == "cohere-chat":
        return CLIENT_FORMATS["openai-chat"].decode_request(cohere_as_chat(call.body))
    return CLIENT_FORMATS[wire].decode_request(call.body, "some-model", "stream" in call.path or question.stream)


def aspects(request: ChatRequest) -> dict[str, Any]:
    """Everything that is asked for, by the name it is told by."""
    calls = [part for _, part in _parts(request) if isinstance(part, ToolCall)]
    order = {call.id: number for number, call in reversed(list(enumerate(calls)))}
    results = [part for _, part in _parts(request) if isinstance(part, ToolResult)]
    every = [part for _, part in _parts(request, inside=True)]
    choice, output = request.tool_choice, request.output
    mode = choice.mode if choice and request.tools else "auto"
    found: dict[str, Any] = {key: getattr(request, key) for key in _SCALARS}
    return found | {
        "stop": request.stop,
        "n": request.n or 1,
        "logprobs": bool(request.logprobs),
        "top_logprobs": request.top_logprobs or None,
        "stream": request.stream,
        "system": _words(request, Role.SYSTEM, Role.DEVELOPER),
        "user words": _words(request, Role.USER, Role.TOOL),
        "assistant words": _words(request, Role.ASSISTANT),
        "calls": [(call.name, _json(call.arguments)) for call in calls],
        "results": [(order.get(result.call_id, -1), _plain(result.parts), result.is_error) for result in results],
        "refusals": [part.text for part in every if isinstance(part, Refusal)],
        "images": sorted(part.data or part.url or "" for part in every if isinstance(part, Image)),
        "detail": sorted(part.detail for part in every if isinstance(part, Image) and part.detail not in (None, "auto")),
        "audio": [part.data for part in every if isinstance(part, Audio)],
        "files": [part.data or part.url or part.file_id for part in every if isinstance(part, File) and not _text(part)],
        "foreign": [part.value for part in every if isinstance(part, Foreign)],
        "names": [message.name for message in request.messages if message.name],
        "tools": sorted((_tool(tool) for tool in request.tools), key=repr) if mode != "none" else [],
        "strict": [tool.name for tool in request.tools if tool.strict],
        "choice": (mode, sorted(choice.names) if choice and mode != "none" else []),
        "parallel": choice.parallel is False if choice and request.tools and mode != "none" else False,
        "output": (output.kind, output.schema) if output and output.kind != "text" else None,
        "reasoning": _wish(request),
        "showing": bool(request.reasoning and request.reasoning.include is False),
        "thoughts": sorted(mark for part in every if isinstance(part, Reasoning) for mark in _marks(part)),
        "call signatures": [call.signature for call in calls if call.signature],
        "citations": [value for part in every if isinstance(part, Text) for value in part.citations or []],
        "cache_control": [part.cache_control for part in every if isinstance(part, Text | Image | File)
                          and part.cache_control],
    }  # fmt: skip


def _parts(request: ChatRequest, *, inside: bool = False) -> Iterator[tuple[Message, Part]]:
    for message in request.messages:
        for part in message.parts:
            yield message, part
            if inside and isinstance(part, ToolResult):
                for piece in part.parts:
                    yield message, piece


def _words(request: ChatRequest, *roles: Role) -> str:
    return _plain([part for message, part in _parts(request) if message.role in roles])


def _plain(parts: list[Part]) -> str:
    """All words that these parts say, text files among them, without their white space."""
    said = ""
    for part in parts:
        if isinstance(part, Text | Refusal):
            said += part.text
        elif isinstance(part, File) and part.data is not None and _text(part):
            said += base64.b64decode(part.data).decode()
    return _SPACE.sub("", said)


def _text(part: File) -> bool:
    return (part.media_type or "").startswith("text/")


def _tool(tool: Tool) -> Any:
    if tool.raw is not None:
        return tool.raw
    schema = {key: value for key, value in (tool.parameters or {}).items() if key != "type"}
    return tool.name, tool.description or "", schema or {"properties": {}}


def _wish(request: ChatRequest) -> Any:
    wish = request.reasoning
    if wish is None or (wish.effort is None and wish.budget in (None, -1)):
        return None
    if wish.effort == "none" or wish.budget == 0:
        return "none"
    return wish.effort or wish.budget


def _marks(part: Reasoning) -> list[tuple[str, str]]:
    return [(part.family or "", mark) for mark in (part.signature, part.redacted) if mark]


def _json(arguments: str) -> Any:
    try:
        value = json.loads(arguments or "{}")
    except ValueError:
        return arguments
    return value if isinstance(value, dict) else arguments


def _carried(key: str, body: dict[str, Any]) -> bool:
    """Fields that stand elsewhere in the body under another name."""
    return {"verbosity": "text", "repetition_penalty": "options", "min_p": "options"}.get(key, "") in body
