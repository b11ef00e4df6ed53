"""An answer for each feature, in no format: as a whole, and as the events of a stream."""

from __future__ import annotations

from typing import Any

from app.core.chat import (
    Audio,
    ChatResult,
    Choice,
    CitationDelta,
    Ended,
    Event,
    Finished,
    FinishReason,
    Foreign,
    ForeignDelta,
    Image,
    MediaDelta,
    Part,
    Reasoning,
    ReasoningDelta,
    Refusal,
    RefusalDelta,
    Started,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStart,
    Usage,
    UsageReport,
)

_PICTURE = "iVBORw0KGgo="
_ADDRESS = {
    "type": "url_citation",
    "url_citation": {"url": "https://example.com", "title": "A page", "start_index": 0, "end_index": 5},
}
_PAGE = {"type": "page_location", "cited_text": "rain", "document_index": 0, "start_page_number": 1}
_TOKENS = [{"token": "It", "logprob": -0.1, "bytes": [73, 116], "top_logprobs": []}]
_CALL = ToolCall("call_a", "weather", '{"city":"Oslo"}')
_SEARCH = {"type": "server_tool_use", "id": "srv_a", "name": "web_search", "input": {}}


def _said(
    *parts: Part, finish: FinishReason = FinishReason.STOP, usage: Usage | None = None, **more: Any
) -> ChatResult:
    choice = Choice(parts=list(parts), finish=finish, **more)
    return ChatResult(id="a", model="m", created=1, choices=[choice], usage=usage or Usage(input=20, output=9))


def _two() -> ChatResult:
    result = _said(Text("It rains."))
    result.choices.append(Choice(parts=[Text("It pours.")], finish=FinishReason.STOP, index=1))
    return result


ANSWERS: dict[str, ChatResult] = {
    "text": _said(Text("It rains.")),
    "tool call": _said(_CALL, finish=FinishReason.TOOL_CALLS),
    "parallel tool calls": _said(
        _CALL, ToolCall("call_b", "clock", '{"city":"Oslo"}'), finish=FinishReason.TOOL_CALLS
    ),
    "a signature on a call (Gemini)": _said(
        ToolCall("call_a", "weather", "{}", "c2lnbmVk"), finish=FinishReason.TOOL_CALLS
    ),
    "thoughts": _said(Reasoning("Look outside."), Text("It rains.")),
    "thoughts with their signature": _said(Reasoning("Hm.", signature="c2lnbmVk", family="anthropic"), Text("Rain.")),
    "redacted thoughts": _said(Reasoning(redacted="c2VjcmV0", family="anthropic"), Text("Rain.")),
    "refusal": _said(Refusal("I cannot.")),
    "citations of addresses": _said(Text("It rains.", citations=[_ADDRESS])),
    "citations of documents": _said(Text("It rains.", citations=[_PAGE])),
    "logprobs": _said(Text("It"), logprobs={"content": _TOKENS, "refusal": None}),
    "several choices (n)": _two(),
    "pictures": _said(Text("Here."), Image(data=_PICTURE, media_type="image/png")),
    "audio": _said(Text("Here."), Audio(data=_PICTURE, media_type="audio/wav")),
    "server tools and their results": _said(Foreign("anthropic", _SEARCH), Text("It rains.")),
    "end: length": _said(Text("It"), finish=FinishReason.LENGTH),
    "end: which stop sequence": _said(Text("It"), stop_sequence="END"),
    "end: content filter, safety block": _said(finish=FinishReason.CONTENT_FILTER),
    "end: refused": _said(Text("No."), finish=FinishReason.REFUSAL),
    "end: paused": _said(Text("It"), finish=FinishReason.PAUSE),
    "usage: cached tokens read": _said(Text("It"), usage=Usage(input=20, output=9, cache_read=8)),
    "usage: cached tokens written": _said(Text("It"), usage=Usage(input=20, output=9, cache_write=8)),
    "usage: written for an hour": _said(Text("It"), usage=Usage(input=20, output=9, cache_write=8, cache_write_1h=8)),
    "usage: reasoning tokens": _said(Text("It"), usage=Usage(input=20, output=9, reasoning=4)),
    "usage: audio tokens": _said(Text("It"), usage=Usage(input=20, output=9, audio_input=8, audio_output=4)),
}  # fmt: skip


def as_events(result: ChatResult) -> list[Event]:
    """The same answer as a stream, each part in one piece."""
    events: list[Event] = [Started(result.id, result.model, result.created)]
    for choice in result.choices:
        calls = 0
        tokens = (choice.logprobs or {}).get("content")
        for part in choice.parts:
            events += _part(part, choice.index, calls, tokens)
            calls += isinstance(part, ToolCall)
        events.append(Finished(choice.finish or FinishReason.STOP, choice.index, choice.stop_sequence))
    if result.usage is not None:
        events.append(UsageReport(result.usage))
    return [*events, Ended()]


def _part(part: Part, index: int, position: int, tokens: list[dict[str, Any]] | None) -> list[Event]:
    match part:
        case Text():
            cited = [CitationDelta(value, "openai", index) for value in part.citations or []]
            return [TextDelta(part.text, index, tokens), *cited]
        case Refusal():
            return [RefusalDelta(part.text, index)]
        case Reasoning():
            return [ReasoningDelta(part.text, part.signature, part.redacted, part.family, index)]
        case ToolCall():
            start = ToolCallStart(position, part.id, part.name, part.signature, index)
            return [start, ToolCallDelta(position, part.arguments, index)]
        case Image() | Audio():
            return [MediaDelta(part.data or "", part.media_type or "", index)]
        case Foreign():
            return [ForeignDelta(part.family, part.value, index)]
        case _:
            raise TypeError(part)
