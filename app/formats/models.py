"""Lists of models in each format's shape, from simple rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from app.core.clock import rfc3339
from app.formats.payload import dump


class ModelRow(msgspec.Struct, kw_only=True):
    """One model a client may ask for."""

    id: str
    created: int = 0
    owned_by: str = ""
    context_window: int | None = None
    max_output_tokens: int | None = None
    capabilities: list[str] | None = None
    display_name: str | None = None


def openai_model(row: ModelRow) -> dict[str, Any]:
    value: dict[str, Any] = {"id": row.id, "object": "model", "created": row.created, "owned_by": row.owned_by}
    more = {
        "context_window": row.context_window,
        "max_output_tokens": row.max_output_tokens,
        "capabilities": row.capabilities,
    }
    return value | {key: item for key, item in more.items() if item is not None}


def openai_list(rows: list[ModelRow]) -> bytes:
    return dump({"object": "list", "data": [openai_model(row) for row in rows]})


def anthropic_model(row: ModelRow) -> dict[str, Any]:
    made = rfc3339(datetime.fromtimestamp(row.created, UTC))
    return {"type": "model", "id": row.id, "display_name": row.display_name or row.id, "created_at": made}


def anthropic_list(rows: list[ModelRow]) -> bytes:
    data = [anthropic_model(row) for row in rows]
    first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    return dump({"data": data, "has_more": False, "first_id": first, "last_id": last})


def gemini_model(row: ModelRow) -> dict[str, Any]:
    value: dict[str, Any] = {"name": f"models/{row.id}", "version": "001", "displayName": row.display_name or row.id}
    if row.context_window is not None:
        value["inputTokenLimit"] = row.context_window
    if row.max_output_tokens is not None:
        value["outputTokenLimit"] = row.max_output_tokens
    value["supportedGenerationMethods"] = ["generateContent", "streamGenerateContent", "countTokens"]
    return value


def gemini_list(rows: list[ModelRow]) -> bytes:
    return dump({"models": [gemini_model(row) for row in rows]})
