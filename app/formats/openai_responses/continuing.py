"""A request that goes on from a stored response, said with everything that came before."""

from __future__ import annotations

from typing import Any

from app.formats.payload import add_members, as_dicts, as_text, dump, read_any, read_request
from app.formats.splice import relay_body, set_member


def items_of(body: bytes) -> list[dict[str, Any]]:
    """A request's own input, as items."""
    said = read_request(body).get("input")
    if isinstance(said, str):
        return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": said}]}]
    return as_dicts(said)


def outputs_of(response: dict[str, Any]) -> list[dict[str, Any]]:
    """What a response said, as input for the next: ids mean something only where they were made, so they stay behind,
    and with them reasoning that is nothing but an id."""
    kept = []
    for item in as_dicts(response.get("output")):
        if item.get("type") == "reasoning":
            if item.get("encrypted_content"):
                kept.append(item)
        else:
            kept.append({key: value for key, value in item.items() if key not in ("id", "status")})
    return kept


def with_context(body: bytes, before: bytes) -> bytes:
    """The client's bytes with the items before (JSON) put in front of its own, and without `previous_response_id`."""
    items = [*as_dicts(read_any(before)), *items_of(body)]
    body = relay_body(body, remove=("previous_response_id",))
    if "input" not in read_request(body):
        return add_members(body, {"input": items})
    return set_member(body, "input", dump(items))


def finished_response(data: bytes) -> dict[str, Any] | None:
    """The response in a whole answer, or in the terminal event at the end of a stream; None for a failed one."""
    if not data.lstrip().startswith(b"{"):
        found = [line[5:] for line in data.replace(b"\r\n", b"\n").split(b"\n") if line.startswith(b"data:")]
        data = next((line for line in reversed(found) if b'"response.' in line), b"null")
    value = read_any(data)
    if isinstance(value, dict) and isinstance(value.get("response"), dict):
        value = value["response"]
    if not isinstance(value, dict) or value.get("status") not in ("completed", "incomplete", None):
        return None
    return value if as_text(value.get("id")) else None
