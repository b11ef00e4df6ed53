"""JSON as some providers write it: with half characters, with numbers that are none, with bytes that are no text."""

from __future__ import annotations

import json
import math
from typing import Any

_CONSTANTS = {"-Infinity": -9999.0}  # the logprob of a token that cannot be, as OpenAI writes it


def read_loosely(body: bytes) -> Any:
    """Half characters (lone surrogates) are still in it, for `mend`; `NaN` and `Infinity` are null. Raises ValueError
    and RecursionError."""
    return json.loads(body.decode("utf-8", "replace"), parse_constant=_CONSTANTS.get)


def mend(value: Any) -> Any:
    """The same value as it can be written again: U+FFFD for half a character, null for what is no number."""
    if isinstance(value, str):
        return mend_text(value)
    if isinstance(value, dict):
        return {mend_text(key): mend(item) for key, item in value.items()}
    if isinstance(value, list):
        return [mend(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):  # 1e999
        return None
    return value


def mend_text(text: str) -> str:
    """Halves that stand side by side become one character, others U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
