"""What a question holds that is advice only, and that a format has no word for: named, not said."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from app.core.chat import ChatRequest, File, Image, Message, Part, Reasoning, Refusal, Role, Text, ToolCall, ToolResult

_FAMILY = "family"  # in `extra`, beside the fields: whose they are
_MOST = 20  # names are the client's: no more of them than a person would read
_MOST_NOTES = 60
_NOTHING: tuple[Any, ...] = (False, [], {})  # asks for no more than a format does without the field

Keeps = Callable[[Reasoning, Message], bool]


def left_out(
    request: ChatRequest,
    format_name: str,
    *,
    family: str = "",
    said: Collection[str] = (),
    keeps: Keeps | None = None,
    cites: Callable[[dict[str, Any]], bool] | None = None,
) -> list[str]:
    """One sentence for each advice that stays behind in a format of this `family`. `said` names fields (of `extra` or
    the request's own, "name", "cache_control", "detail", "call signatures") that are said after all; `keeps` tells
    which thoughts go back, `cites` which citations. Labels of the caller's own (`metadata`) are no advice and are
    passed over."""
    own = request.extra.get(_FAMILY) == family
    read = (_FAMILY, "thinking")  # the second is read as a wish for reasoning
    fields = (
        []
        if own
        else [
            key for key, value in request.extra.items() if key not in read and key not in said and value not in _NOTHING
        ]
    )
    found = [f"{key}: left out; {format_name} has no such field." for key in fields[:_MOST]]
    if request.user is not None and "user" not in said:
        found.append(f"user: left out; {format_name} has no such field.")
    if "name" not in said and any(message.name for message in request.messages):
        found.append(f"messages.name: left out; messages have no names in {format_name}.")
    parts = [part for _, part in _parts(request)]
    if "cache_control" not in said and (
        any(isinstance(part, Text | Image | File) and part.cache_control for part in parts)
        or any(tool.cache_control for tool in request.tools)
    ):
        found.append(f"cache_control: left out; {format_name} has no cache breakpoints.")
    if "detail" not in said and any(isinstance(part, Image) and part.detail for part in parts):
        found.append(f"detail: left out; {format_name} takes pictures without it.")
    cited = [value for part in parts if isinstance(part, Text) for value in part.citations or []]
    if any(cites is None or not cites(value) for value in cited):
        found.append(f"citations: left out; {format_name} takes back what the assistant said without them.")
    if "showing" not in said and request.reasoning is not None and request.reasoning.include is False:
        found.append(f"showing of reasoning: left out; in {format_name} it cannot be hidden.")
    found += _left_thoughts(request, format_name, keeps)
    if "call signatures" not in said and any(isinstance(part, ToolCall) and part.signature for part in parts):
        found.append(f"thoughtSignature: left out; in {format_name} a call bears none.")
    if "refusal" not in said and any(isinstance(part, Refusal) for part in parts):
        found.append(f"refusal: said as text; {format_name} has no part for it in a question.")
    known = {key for tool in request.tools if tool.family != family for key in tool.extra}
    found += [f"tools.{key}: left out; functions have no such field in {format_name}." for key in sorted(known)[:_MOST]]
    return found


def without(request: ChatRequest, format_name: str, *fields: str) -> list[str]:
    """One sentence for each of these fields of the request that is set."""
    return [f"{key}: left out; {format_name} has none." for key in fields if getattr(request, key) is not None]


def moved_prompts(request: ChatRequest, format_name: str) -> list[str]:
    """For formats that gather system prompts at the front: those that stand among the turns lose their place."""
    spoken = False
    for number, message in enumerate(request.messages):
        if message.role not in (Role.SYSTEM, Role.DEVELOPER):
            spoken = True
        elif spoken:
            return [f"messages[{number}]: the system prompt goes to the front; {format_name} has it nowhere else."]
    return []


def outline(notes: list[str]) -> list[str]:
    """Each note once, and no more than a person would read."""
    found = list(dict.fromkeys(notes))
    if len(found) > _MOST_NOTES:
        return [*found[:_MOST_NOTES], f"{len(found) - _MOST_NOTES} more of this kind."]
    return found


def _left_thoughts(request: ChatRequest, format_name: str, keeps: Keeps | None) -> list[str]:
    families = {
        part.family or "an unknown family"
        for message, part in _parts(request)
        if isinstance(part, Reasoning) and not (keeps is not None and keeps(part, message))
    }
    return [f"reasoning of {name}: left out; {format_name} does not take it back." for name in sorted(families)]


def _parts(request: ChatRequest) -> Iterator[tuple[Message, Part]]:
    for message in request.messages:
        for part in message.parts:
            yield message, part
            if isinstance(part, ToolResult):
                for piece in part.parts:
                    yield message, piece
