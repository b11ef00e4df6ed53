"""Finish reasons, usage and log probabilities in Ollama's words, and the parts of its messages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.core.chat import FinishReason, Image, Usage
from app.formats.payload import as_count, as_dicts, as_list, as_text, dump_text
from app.formats.tool_ids import made_id

FAMILY = "ollama"
_FINISH = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "load": FinishReason.OTHER,  # nothing was asked: the model was only loaded
    "unload": FinishReason.OTHER,
}
_STARTS = {"/9j/": "image/jpeg", "R0lGOD": "image/gif", "UklGR": "image/webp"}


def read_finish(value: Any, has_tools: bool) -> FinishReason:
    """Tool calls end with "stop" too; old versions say no reason at all."""
    reason = _FINISH.get(as_text(value) or "stop", FinishReason.OTHER)
    return FinishReason.TOOL_CALLS if reason is FinishReason.STOP and has_tools else reason


def read_usage(value: dict[str, Any]) -> Usage | None:
    """Thinking counts into `eval_count`. A prompt whose start was cached may go uncounted: what is then said is too
    little, so it is marked as estimated."""
    if "eval_count" not in value and "prompt_eval_count" not in value:
        return None
    return Usage(
        input=as_count(value.get("prompt_eval_count")),
        output=as_count(value.get("eval_count")),
        estimated="prompt_eval_count" not in value,
    )


def read_logprobs(value: Any) -> dict[str, Any] | None:
    """Ollama writes each token as OpenAI does."""
    tokens = [{"bytes": None, "top_logprobs": []} | token for token in as_dicts(value)]
    return {"content": tokens, "refusal": None} if tokens else None


def read_images(message: dict[str, Any]) -> list[Image]:
    """Bare base64: what a picture is shows in its first bytes."""
    found = []
    for data in as_list(message.get("images")):
        if isinstance(data, str) and data:
            media_type = next((kind for start, kind in _STARTS.items() if data.startswith(start)), "image/png")
            found.append(Image(data=data, media_type=media_type))
    return found


def read_arguments(value: Any) -> str:
    """An object here; JSON text as everywhere else is taken too."""
    return as_text(value) if isinstance(value, str) else dump_text(value if isinstance(value, dict) else {})


def call_id(given: Any, taken: set[str], answer: str, position: int, name: str) -> str:
    """The call's id, or a made one where it has none or one that another call of this answer bears."""
    found = as_text(given)
    if not found or found in taken:
        found = made_id(answer, position, name)
    taken.add(found)
    return found


def seed_of(value: dict[str, Any]) -> str:
    """What made ids are made from: an answer has no id, but the moment of its first piece is its own."""
    return f"{as_text(value.get('model'))} {as_text(value.get('created_at'))}"


def read_seconds(value: Any) -> int:
    try:
        return max(int(datetime.fromisoformat(as_text(value)).timestamp()), 0)
    except (ValueError, OverflowError, OSError):
        return 0
