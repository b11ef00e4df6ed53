"""What a question holds that is advice only, and that a format has no word for: named, not said."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from app.core.chat import ChatRequest, File, Image, Part, Text, ToolResult

_FAMILY = "family"  # in `extra`, beside the fields: whose they are
_MOST = 20  # names are the client's: no more of them than a person would read


def left_out(request: ChatRequest, format_name: str, *, said: Collection[str] = ()) -> list[str]:
    """One sentence for each advice that stays behind. `said` names fields of `extra`, or "detail", that are said
    after all. Labels of the caller's own (`metadata`) are no advice and are passed over."""
    fields = [key for key in request.extra if key != _FAMILY and key not in said]
    found = [f"{key}: left out; {format_name} has no such field." for key in fields[:_MOST]]
    if request.user is not None:
        found.append(f"user: left out; {format_name} has no such field.")
    if any(message.name for message in request.messages):
        found.append(f"messages.name: left out; messages have no names in {format_name}.")
    parts = list(_parts(request))
    if any(isinstance(part, Text | Image | File) and part.cache_control for part in parts) or any(
        tool.cache_control for tool in request.tools
    ):
        found.append(f"cache_control: left out; {format_name} has no cache breakpoints.")
    if "detail" not in said and any(isinstance(part, Image) and part.detail for part in parts):
        found.append(f"detail: left out; {format_name} takes pictures without it.")
    return found


def _parts(request: ChatRequest) -> Iterator[Part]:
    for message in request.messages:
        for part in message.parts:
            yield part
            if isinstance(part, ToolResult):
                yield from part.parts
