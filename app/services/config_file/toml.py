"""Values as TOML text, in the manner of a person: inline tables for small things, one target a line."""

from __future__ import annotations

import json
import re
from typing import Any

_WIDTH = 100


def table(header: str, values: dict[str, Any]) -> str:
    """A table with its header and a line for each value."""
    return "\n".join([header, *(f"{_key(name)} = {_entry(value)}" for name, value in values.items()), ""])


def _entry(value: Any) -> str:
    text = _inline(value)
    if isinstance(value, list) and value and (len(text) > _WIDTH or isinstance(value[0], dict)):
        return "[\n" + "".join(f"  {_inline(each)},\n" for each in value) + "]"
    return text


def _inline(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        pairs = ", ".join(f"{_key(name)} = {_inline(each)}" for name, each in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list):
        return f"[{', '.join(_inline(each) for each in value)}]"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return _string(value) if isinstance(value, str) else repr(value)


def _string(text: str) -> str:
    # JSON's escapes are TOML's; only DEL is free there and not here
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _string(name)
