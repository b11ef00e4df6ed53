"""What an answer says, freed from how a format says it: for comparing decoders with each other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from app.core.chat import (
    Audio,
    ChatResult,
    Choice,
    CitationDelta,
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


class Said(msgspec.Struct):
    """One choice."""

    said: str = ""  # text and refusals in their order
    text: str = ""
    refusal: str = ""
    reasoning: str = ""
    signatures: list[tuple[str, str]] = []  # (family, what must come back unchanged), redacted blocks too
    calls: dict[int, list[str]] = {}  # position → id, name, arguments
    media: dict[str, str] = {}  # audio, image … → data
    citations: list[str] = []
    logprobs: list[tuple[str, float]] = []
    foreign: list[str] = []  # family and type of what only one format knows
    finish: FinishReason | None = None
    stop_sequence: str | None = None


class Answer(msgspec.Struct):
    choices: dict[int, Said] = {}
    usage: Usage | None = None
    failed: bool = False

    def first(self) -> Said:
        return self.choices.get(0) or Said()


def read_events(events: list[Event]) -> Answer:
    answer = Answer(choices={})
    for event in events:
        match event:
            case UsageReport():
                answer.usage = event.usage
            case StreamFailed():
                answer.failed = True
            case _ if isinstance(index := getattr(event, "index", None), int):
                _add(answer.choices.setdefault(index, Said(calls={}, media={})), event)
    return answer


def read_result(result: ChatResult) -> Answer:
    events: list[Event] = []
    for number, choice in enumerate(result.choices):
        for event in _events(choice):
            if hasattr(event, "index"):
                event.index = number
            events.append(event)
    answer = read_events(events)
    answer.usage = result.usage
    return answer


def full(answer: Answer) -> dict[str, Any]:
    """Everything that can be compared, by its name."""
    first = answer.first()
    others = {index: choice.said for index, choice in answer.choices.items() if index}
    return {
        "text": first.text,
        "refusal": first.refusal,
        "reasoning": first.reasoning,
        "signatures": sorted(first.signatures),
        "calls": [(call_id, name, _value(arguments)) for call_id, name, arguments in first.calls.values()],
        "media": first.media,
        "citations": first.citations,
        "logprobs": first.logprobs,
        "foreign": first.foreign,
        "finish": first.finish,
        "stop_sequence": first.stop_sequence,
        "choices": others,
        "usage": None if answer.usage is None else msgspec.structs.asdict(answer.usage),
        "failed": answer.failed,
    }


def of_events(events: list[Event]) -> dict[str, Any]:
    """The first choice's text, reasoning, signatures, calls, finish; usage; whether it failed."""
    return _short(read_events(events))


def of_result(result: ChatResult) -> dict[str, Any]:
    return _short(read_result(result))


def _short(answer: Answer) -> dict[str, Any]:
    found, usage = full(answer), answer.usage
    return {
        "text": answer.first().said,
        "reasoning": found["reasoning"],
        "signatures": sorted(mark for _, mark in found["signatures"]),
        "calls": found["calls"],
        "media": "".join(found["media"].values()),
        "finish": found["finish"],
        "usage": None if usage is None else (usage.input, usage.output, usage.cache_read, usage.reasoning),
        "failed": found["failed"],
    }


def _events(choice: Choice) -> Iterator[Event]:
    calls = 0
    logprobs = choice.logprobs or {}
    for part in choice.parts:
        yield from _part(part, calls)
        calls += isinstance(part, ToolCall)
    if logprobs.get("content") or logprobs.get("refusal"):
        yield TextDelta("", logprobs=(logprobs.get("content") or []) + (logprobs.get("refusal") or []))
    if choice.finish is not None:
        yield Finished(choice.finish, stop_sequence=choice.stop_sequence)


def _part(part: Part, position: int) -> Iterator[Event]:
    match part:
        case Text():
            yield TextDelta(part.text)
            for citation in part.citations or []:
                yield CitationDelta(citation, "")
        case Refusal():
            yield RefusalDelta(part.text)
        case Reasoning():
            yield ReasoningDelta(part.text, part.signature, part.redacted, part.family)
        case ToolCall():
            yield ToolCallStart(position, part.id, part.name, part.signature)
            yield ToolCallDelta(position, part.arguments)
        case Image() | Audio():
            url = part.url if isinstance(part, Image) else None
            yield MediaDelta(part.data or url or "", part.media_type or "image/*")
        case Foreign():
            yield ForeignDelta(part.family, part.value)


def _add(said: Said, event: Event) -> None:
    match event:
        case TextDelta():
            said.said += event.text
            said.text += event.text
            said.logprobs = said.logprobs + _tokens(event.logprobs)
        case RefusalDelta():
            said.said += event.text
            said.refusal += event.text
            said.logprobs = said.logprobs + _tokens(event.logprobs)
        case ReasoningDelta():
            said.reasoning += event.text
            marks = [(event.family or "", mark) for mark in (event.signature, event.redacted) if mark]
            said.signatures = said.signatures + marks
        case ToolCallStart():
            said.calls[event.position] = [safe_id(event.id), event.name, ""]
            said.signatures = said.signatures + ([("call", event.signature)] if event.signature else [])
        case ToolCallDelta():
            said.calls[event.position][2] += event.arguments
        case MediaDelta():
            kind = event.media_type.partition("/")[0]
            said.media[kind] = said.media.get(kind, "") + event.data
        case CitationDelta():
            said.citations = [*said.citations, _citation(event.value)]
        case ForeignDelta():
            said.foreign = [*said.foreign, f"{event.family}: {event.value.get('type', '')}"]
        case Finished():
            said.finish = event.reason
            said.stop_sequence = event.stop_sequence


def _tokens(logprobs: list[dict[str, Any]] | None) -> list[tuple[str, float]]:
    return [(str(entry.get("token")), round(float(entry.get("logprob", 0)), 4)) for entry in logprobs or []]


def _citation(value: dict[str, Any]) -> str:
    """The address that is cited; else the citation as it came."""
    inner = value.get("url_citation")
    url = inner.get("url") if isinstance(inner, dict) else value.get("url")
    return str(url) if url else json.dumps(value, sort_keys=True)


def _value(arguments: str) -> Any:
    try:
        return json.loads(arguments or "{}")
    except ValueError:
        return arguments
