"""The usage of embeddings, images, speech and transcriptions, in OpenAI's words for each."""

from __future__ import annotations

import math
from typing import Any

from app.core.chat import Usage
from app.formats.openai_chat.words import read_usage
from app.formats.payload import as_count, as_dict, as_list


def read_operation_usage(value: dict[str, Any]) -> Usage | None:
    """Tokens where they are reported; images are counted, and seconds of sound where a transcription bills by them."""
    usage = value.get("usage")
    images = len(as_list(value.get("data"))) if "data" in value and "created" in value else 0
    if not isinstance(usage, dict):
        if "duration" in value and "text" in value:
            return Usage(seconds=_seconds(value["duration"]))  # a verbose transcription says it there
        return Usage(images=images, estimated=True) if images else None
    if "prompt_tokens" in usage:
        return read_usage(usage)
    if usage.get("type") == "duration":
        return Usage(seconds=_seconds(usage.get("seconds")))
    if "input_tokens" not in usage and "output_tokens" not in usage:
        return Usage(images=images, estimated=True) if images else None
    details = as_dict(usage.get("input_tokens_details")) or as_dict(usage.get("input_token_details"))
    return Usage(
        input=as_count(usage.get("input_tokens")),
        output=as_count(usage.get("output_tokens")),
        cache_read=as_count(details.get("cached_tokens")),
        audio_input=as_count(details.get("audio_tokens")),
        image_input=as_count(details.get("image_tokens")),
        images=images,
    )


def _seconds(value: Any) -> int:
    """Begun seconds count whole, as OpenAI bills them."""
    return as_count(math.ceil(value)) if isinstance(value, int | float) and math.isfinite(value) else 0
