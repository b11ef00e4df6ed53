"""What an answer says, freed from how a format says it: for comparing decoders with each other."""

from __future__ import annotations

import json
from typing import Any

from app.core.chat import (
    Audio,
    ChatResult,
    Choice,
    Event,
    Finished,
    FinishReason,
    Image,
    MediaDelta,
    Reasoning,
    ReasoningDelta,
    Refusal,
    RefusalDelta,
    StreamFailed,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStart,
    Usage,
    UsageReport,
)
from app.formats.tool_ids import safe_id


def of_events(events: list[Event]) -> dict[str, Any]:
    """The first choice's text, reasoning, signatures, calls, finish; usage; whether it failed."""
    text = reasoning = media = ""
    signatures: list[str] = []
    calls: dict[int, list[str]] = {}
    finish: FinishReason | None = None
    usage: Usage | None = None
    failed = False
    for event in events:
        if getattr(event, "index", 0):
            continue
        match event:
            case TextDelta() | RefusalDelta():
                text += event.text
            case ReasoningDelta():
                reasoning += event.text
                signatures += [mark for mark in (event.signature, event.redacted) if mark]
            case ToolCallStart():
                calls[event.position] = [safe_id(event.id), event.name, ""]
                signatures += [event.signature] if event.signature else []
            case ToolCallDelta():
                calls[event.position][2] += event.arguments
            case MediaDelta():
                media += event.data
            case Finished():
                finish = event.reason
            case UsageReport():
                usage = event.usage
            case StreamFailed():
                failed = True
    return _meaning(text, reasoning, signatures, list(calls.values()), media, finish, usage) | {"failed": failed}


def of_result(result: ChatResult) -> dict[str, Any]:
    choice = result.choices[0] if result.choices else Choice(parts=[])
    text = reasoning = media = ""
    signatures: list[str] = []
    calls: list[list[str]] = []
    for part in choice.parts:
        match part:
            case Text() | Refusal():
                text += part.text
            case Reasoning():
                reasoning += part.text
                signatures += [mark for mark in (part.signature, part.redacted) if mark]
            case ToolCall():
                calls.append([safe_id(part.id), part.name, part.arguments])
                signatures += [part.signature] if part.signature else []
            case Image() | Audio():
                media += part.data or part.url or ""
    return _meaning(text, reasoning, signatures, calls, media, choice.finish, result.usage) | {"failed": False}


def _meaning(
    text: str,
    reasoning: str,
    signatures: list[str],
    calls: list[list[str]],
    media: str,
    finish: FinishReason | None,
    usage: Usage | None,
) -> dict[str, Any]:
    return {
        "text": text,
        "reasoning": reasoning,
        "signatures": sorted(signatures),
        "calls": [(call_id, name, _value(arguments)) for call_id, name, arguments in calls],
        "media": media,
        "finish": finish,
        "usage": None if usage is None else (usage.input, usage.output, usage.cache_read, usage.reasoning),
    }


def _value(arguments: str) -> Any:
    try:
        return json.loads(arguments or "{}")
    except ValueError:
        return arguments
