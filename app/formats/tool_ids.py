"""Ids of tool calls: every format has its own rules, and the same call must keep one id through all of them."""

from __future__ import annotations

import hashlib
import re

_ODD = re.compile(r"[^a-zA-Z0-9_-]")
MAX_LENGTH = 40  # OpenAI takes no longer ones


def safe_id(call_id: str) -> str:
    """The id in letters that every format takes: `functions.weather:0` (Kimi) is refused by Anthropic.
    The same id always becomes the same, so a call and its result still belong together."""
    if call_id and len(call_id) <= MAX_LENGTH and not _ODD.search(call_id):
        return call_id
    digest = hashlib.blake2b(call_id.encode("utf-8", "replace"), digest_size=6).hexdigest()
    return f"{_ODD.sub('_', call_id)[: MAX_LENGTH - 13]}_{digest}"


def made_id(answer: str, position: int, name: str) -> str:
    """An id for a call that has none (Gemini): the same for the same call however its stream was cut."""
    digest = hashlib.blake2b(f"{answer}\n{position}\n{name}".encode("utf-8", "replace"), digest_size=9).hexdigest()
    return f"call_{digest}"
