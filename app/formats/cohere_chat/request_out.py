"""A question in no format → a request to Cohere's /v2/chat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.core.chat import ChatRequest, Message, Part, Reasoning, Refusal, Role, Text, ToolCall, ToolResult
from app.formats.base import UpstreamCall
from app.formats.cohere_chat.parts import NAME, content_part, unsayable
from app.formats.cohere_chat.tools import write_tools
from app.formats.cohere_chat.words import FAMILY
from app.formats.extras import own_extras, refuse, refuse_extras
from app.formats.left_out import left_out
from app.formats.payload import dump
from app.formats.tool_ids import safe_id

PATH = "/v2/chat"
_MOST_STOPS = 5
_BUDGETS = {"minimal": 512, "low": 1024, "medium": 8192, "high": 24576}
# the narrowest and the widest that Cohere documents; OpenAI's own ranges are wider
_RANGES: dict[str, tuple[float, float]] = {
    "p": (0.01, 0.99),
    "k": (0, 500),
    "frequency_penalty": (0.0, 1.0),
    "presence_penalty": (0.0, 1.0),
}


def encode_request(request: ChatRequest, model: str) -> UpstreamCall:
    _refuse(request)
    notes = left_out(request, NAME, said=("detail",))
    body: dict[str, Any] = {
        "model": model,
        "messages": _messages(request.messages, notes),
        "stream": request.stream,
    }
    write_tools(body, request, notes)
    if request.output is not None and request.output.kind != "text":
        body["response_format"] = {"type": "json_object"}
        if request.output.schema:
            body["response_format"]["schema"] = request.output.schema
    _sample(body, request, notes)
    _think(body, request, notes)
    body |= own_extras(request, FAMILY)
    return UpstreamCall(path=PATH, body=dump(body), approximated=notes)


def _refuse(request: ChatRequest) -> None:
    refuse_extras(request, FAMILY, NAME)
    if request.n is not None and request.n > 1:
        raise refuse("n", NAME, "ask for one answer at a time")
    if request.top_logprobs:
        raise refuse("top_logprobs", NAME, "it tells the chosen token's probability only; ask for logprobs alone")
    if len(request.stop) > _MOST_STOPS:
        raise refuse("stop", NAME, f"it takes {_MOST_STOPS} stop sequences at most")


def _messages(messages: list[Message], notes: list[str]) -> list[dict[str, Any]]:
    written: list[dict[str, Any]] = []
    for number, message in enumerate(messages):
        place = f"messages[{number}]"
        after: list[dict[str, Any]] = []  # pictures of results, when all results of this message are said
        for part in message.parts:
            if isinstance(part, ToolResult):
                written.append(_result(part, place, after, notes))
        written += after
        rest = [part for part in message.parts if not isinstance(part, ToolResult)]
        if message.role is Role.TOOL or (not rest and message.parts):
            continue
        match message.role:
            case Role.ASSISTANT:
                written.append(_assistant(rest, place))
            case Role.SYSTEM | Role.DEVELOPER:
                written.append({"role": "system", "content": _texts(rest, place, "a system prompt is text there")})
            case _:
                written.append({"role": "user", "content": _content(rest, place)})
    return written


def _content(parts: Sequence[Part], place: str) -> str | list[dict[str, Any]]:
    parts = [part for part in parts if not isinstance(part, Reasoning)]
    if all(isinstance(part, Text) for part in parts) and len(parts) <= 1:
        return "".join(part.text for part in parts if isinstance(part, Text))
    return [content_part(part, place) for part in parts]


def _texts(parts: Sequence[Part], place: str, otherwise: str) -> str | list[dict[str, Any]]:
    if not all(isinstance(part, Text | Refusal) for part in parts):
        raise refuse(place, NAME, otherwise)
    return _content(parts, place)


def _assistant(parts: Sequence[Part], place: str) -> dict[str, Any]:
    for part in parts:
        if not isinstance(part, Text | Refusal | Reasoning | ToolCall):
            raise unsayable(part, place)
    text = "".join(part.text for part in parts if isinstance(part, Text | Refusal))
    # what bears a signature belongs to the family that signed it; a plain thought before calls is their plan
    plan = "".join(part.text for part in parts if isinstance(part, Reasoning) and not (part.signature or part.redacted))
    calls = [part for part in parts if isinstance(part, ToolCall)]
    entry: dict[str, Any] = {"role": "assistant"}
    if text or not calls:
        entry["content"] = text
    if calls:
        if plan:
            entry["tool_plan"] = plan
        entry["tool_calls"] = [
            {
                "id": safe_id(call.id),
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments or "{}"},
            }
            for call in calls
        ]
    return entry


def _result(result: ToolResult, place: str, after: list[dict[str, Any]], notes: list[str]) -> dict[str, Any]:
    """A tool's message is text; a picture in a result follows as a message of the user."""
    text = "\n".join(part.text for part in result.parts if isinstance(part, Text | Refusal))
    media = [content_part(part, place) for part in result.parts if not isinstance(part, Text | Refusal | Reasoning)]
    said = [part["text"] for part in media if part.get("type") == "text"]  # a text file
    images = [part for part in media if part.get("type") != "text"]
    if images:
        label = {"type": "text", "text": f"The result of {result.name or 'the tool'} ({safe_id(result.call_id)}):"}
        after.append({"role": "user", "content": [label, *images]})
        notes.append(f"{place}: the result's pictures follow as a message of the user; {NAME} has no place for them.")
    content = "\n".join([text, *said] if text else said)
    if result.is_error:
        content = f"Error: {content}"
        notes.append(f'{place}: a failed result begins with "Error:"; {NAME} has no flag for it.')
    return {"role": "tool", "tool_call_id": safe_id(result.call_id), "content": content}


def _sample(body: dict[str, Any], request: ChatRequest, notes: list[str]) -> None:
    fields = {
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "p": request.top_p,
        "k": request.top_k,
        "frequency_penalty": request.frequency_penalty,
        "presence_penalty": request.presence_penalty,
        "stop_sequences": request.stop or None,
        "seed": request.seed,
        "logprobs": request.logprobs or None,
    }
    for key, value in fields.items():
        if value is None:
            continue
        if key in _RANGES and isinstance(value, int | float):
            least, most = _RANGES[key]
            if not least <= value <= most:
                asked, value = value, least if value < least else most
                notes.append(f"{key}: {asked} said as {value}; {NAME} takes {least} to {most}.")
        if key == "seed" and isinstance(value, int) and value < 0:
            notes.append(f"seed: left out; {NAME} takes none below 0.")
            continue
        body[key] = value


def _think(body: dict[str, Any], request: ChatRequest, notes: list[str]) -> None:
    wish = request.reasoning
    if wish is None or (wish.effort is None and wish.budget is None):
        return
    if wish.effort == "none" or (wish.effort is None and wish.budget == 0):
        body["thinking"] = {"type": "disabled"}
        return
    body["thinking"] = {"type": "enabled"}
    if wish.budget is not None and wish.budget > 0:
        body["thinking"]["token_budget"] = wish.budget
    elif wish.effort is not None:
        if (budget := _BUDGETS.get(wish.effort)) is not None:
            body["thinking"]["token_budget"] = budget
        said = f"a budget of {budget} tokens" if budget is not None else "thinking without a budget"
        notes.append(f"reasoning effort: said as {said}; {NAME} has no words for effort.")
