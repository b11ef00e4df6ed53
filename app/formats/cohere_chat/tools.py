"""Tools and their choice in Cohere's words (https://docs.cohere.com/docs/tool-use-overview)."""

from __future__ import annotations

from typing import Any

from app.core.chat import ChatRequest, Tool
from app.formats.cohere_chat.parts import NAME
from app.formats.cohere_chat.words import FAMILY
from app.formats.extras import refuse


def write_tools(body: dict[str, Any], request: ChatRequest, notes: list[str]) -> None:
    choice = request.tool_choice
    names = choice.names if choice is not None and choice.mode in ("auto", "named") else []
    offered = [
        (number, tool) for number, tool in enumerate(request.tools) if not names or tool.name in names or tool.raw
    ]
    if not offered and request.tools:
        raise refuse("tool_choice", NAME, "it names no tool that is offered")
    if not offered:
        return
    body["tools"] = [_tool(tool, number) for number, tool in offered]
    _hold_to_schema(body, [tool for _, tool in offered], notes)
    if choice is None:
        return
    if choice.mode == "none":
        body["tool_choice"] = "NONE"
    elif choice.mode in ("required", "named"):
        body["tool_choice"] = "REQUIRED"
    if choice.mode == "named" and len(names) == 1:
        notes.append(f"tool_choice: said as REQUIRED with {names[0]} as the only tool; {NAME} cannot name one.")
    elif names:
        notes.append(f"tool_choice: said by offering the allowed tools only; {NAME} cannot name them.")
    if choice.parallel is False and choice.mode != "none":
        notes.append(f"parallel_tool_calls: left out; {NAME} cannot limit calls to one at a time.")


def _tool(tool: Tool, number: int) -> dict[str, Any]:
    if tool.raw is not None:
        if tool.family != FAMILY:
            raise refuse(f"tools[{number}]", NAME, f"{tool.name} runs at its own provider only")
        return tool.raw
    function: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    function["parameters"] = tool.parameters if tool.parameters is not None else {"type": "object", "properties": {}}
    return {"type": "function", "function": function}


def _hold_to_schema(body: dict[str, Any], tools: list[Tool], notes: list[str]) -> None:
    """`strict_tools` is said of all tools at once, and only where each has a required parameter (Cohere's
    documentation of structured outputs)."""
    strict = [tool for tool in tools if tool.strict]
    if not strict:
        return
    if len(strict) == len(tools) and all((tool.parameters or {}).get("required") for tool in tools):
        body["strict_tools"] = True
    else:
        notes.append(
            f"tools.strict: left out; {NAME} holds either all tools to their schema or none, and each of them "
            "needs a required parameter then."
        )
