"""Limits that a client sets on its answer, read as leniently as the providers do."""

from __future__ import annotations

from typing import Any

from app.core.errors import BadRequest
from app.formats.payload import kind


def read_limit(value: Any, field: str, least: int = 1, most: int | None = None) -> int | None:
    """A whole number, which many clients write as 100.0. Raises BadRequest for anything else, and out of bounds."""
    if type(value) is float and value.is_integer():
        value = int(value)
    elif value is None:
        return None
    if type(value) is int and least <= value and (most is None or value <= most):
        return value
    given = value if type(value) in (int, float) else kind(value)
    bounds = f"from {least}" if most is None else f"from {least} to {most}"
    raise BadRequest(f"{field}: expected a whole number {bounds}, got {given}.", field=field)
