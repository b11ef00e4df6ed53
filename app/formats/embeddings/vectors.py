"""Vectors: decimals in a list, or the bytes of their numbers in base64."""

from __future__ import annotations

import base64
import binascii
import math
import sys
from array import array
from typing import Any

from app.core.errors import UnreadableAnswer


def read_vector(value: Any, *, small: bool = False) -> list[float]:
    """A list of numbers, or base64 of little-endian 32-bit floats (of signed bytes where `small` says so: Perplexity).
    Raises UnreadableAnswer."""
    if isinstance(value, str):
        found = _bytes(value, "b" if small else "f")
    elif isinstance(value, list) and all(isinstance(item, int | float) for item in value):
        try:
            found = list(array("f", value))
        except OverflowError:
            raise UnreadableAnswer("The provider's embedding holds a number out of range.") from None
    else:
        raise UnreadableAnswer("The provider's embedding is neither a list of numbers nor base64.")
    if not found:
        raise UnreadableAnswer("The provider's embedding is empty.")
    if not all(map(math.isfinite, found)):
        raise UnreadableAnswer("The provider's embedding holds what is no number.")
    return found


def read_vectors(value: Any) -> list[list[float]]:
    if not isinstance(value, list) or not value:
        raise UnreadableAnswer("The provider's answer has no embeddings.")
    return [read_vector(item) for item in value]


def write_base64(vector: list[float]) -> str:
    numbers = array("f", vector)
    if sys.byteorder == "big":
        numbers.byteswap()
    return base64.b64encode(numbers.tobytes()).decode()


def _bytes(text: str, kind: str) -> list[float]:
    numbers = array(kind)
    try:
        numbers.frombytes(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        raise UnreadableAnswer("The provider's embedding is not base64 of numbers.") from None
    if sys.byteorder == "big":
        numbers.byteswap()
    return [float(number) for number in numbers]
