"""Gemini's own schema of a function (a part of OpenAPI 3.0) as JSON Schema."""

from __future__ import annotations

from typing import Any

_NUMBERS = {"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"}
_TYPES = {1: "string", 2: "number", 3: "integer", 4: "boolean", 5: "array", 6: "object"}


def to_json_schema(value: Any) -> dict[str, Any]:
    """Types in small letters, `nullable` as a type, counts as numbers; all else as it is."""
    if not isinstance(value, dict):
        return {}
    schema: dict[str, Any] = {}
    for key, item in value.items():
        match key:
            case "type":
                schema["type"] = (
                    item.lower() if isinstance(item, str) else _TYPES.get(item, item) if isinstance(item, int) else item
                )
            case "nullable" | "propertyOrdering" | "property_ordering":
                continue
            case "properties" if isinstance(item, dict):
                schema["properties"] = {name: to_json_schema(inner) for name, inner in item.items()}
            case "items" | "additionalProperties" if isinstance(item, dict):
                schema[key] = to_json_schema(item)
            case "anyOf" | "any_of" if isinstance(item, list):
                schema["anyOf"] = [to_json_schema(inner) for inner in item]
            case _ if key in _NUMBERS and isinstance(item, str) and item.isdigit():
                schema[key] = int(item)
            case _:
                schema[key] = item
    if value.get("nullable") is True and isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
    return schema
