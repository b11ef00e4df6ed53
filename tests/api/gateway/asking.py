"""What the tests of the gateway ask, and how they read the answers."""

from __future__ import annotations

import json
from typing import Any

CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
QUESTION = [{"role": "user", "content": "Say hello."}]


def chat(model: str, **fields: Any) -> dict[str, Any]:
    """A body for /v1/chat/completions."""
    return {"model": model, "messages": QUESTION, **fields}


def messages(model: str, **fields: Any) -> dict[str, Any]:
    """A body for /v1/messages."""
    return {"model": model, "messages": QUESTION, "max_tokens": 100, **fields}


def events(body: str) -> list[Any]:
    """The data of an event stream: JSON values, and "[DONE]" as it stands."""
    found = [line.removeprefix("data:").strip() for line in body.splitlines() if line.startswith("data:")]
    return [data if data == "[DONE]" else json.loads(data) for data in found]


def openai_text(body: str) -> str:
    chunks = [event for event in events(body) if event != "[DONE]" and "choices" in event]
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


def anthropic_text(body: str) -> str:
    return "".join(
        event["delta"].get("text", "") for event in events(body) if event.get("type") == "content_block_delta"
    )
