"""The object around an answer: what the specification wants of every response, known or not."""

from __future__ import annotations

import time
from typing import Any

from app.core.ids import new_id
from app.formats.base import Peek

_NOBODY = Peek(model="")


def envelope(answer_id: str = "", model: str = "", created: int = 0, asked: Peek = _NOBODY) -> dict[str, Any]:
    """A response in its first state. Another format's id is no name of a response: it gets one of its own."""
    value: dict[str, Any] = {
        "id": answer_id if answer_id.startswith("resp_") else new_id("resp"),
        "object": "response",
        "created_at": created or int(time.time()),
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": asked.max_tokens,
        "max_tool_calls": None,
        "model": model or asked.model,
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": asked.extensions.get("previous_response_id"),
        "reasoning": {"effort": None, "summary": None},
        "store": False,
        "temperature": None,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "truncation": "disabled",
        "metadata": asked.metadata,
    }
    if asked.user is not None:
        value["user"] = asked.user
    return value


def item_id(prefix: str, answer_id: str, index: int) -> str:
    """An item's id, told from its answer's: no longer than the 64 characters OpenAI takes back."""
    return f"{prefix}_{answer_id.removeprefix('resp_')[:48]}_{index}"
