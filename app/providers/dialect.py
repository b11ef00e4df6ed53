"""What a provider's OpenAI chat refuses of OpenAI's own, said in its own words on the way out."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import msgspec

from app.providers.kinds import Dialect

FORMAT = "openai-chat"
_NINE = re.compile(r"[a-zA-Z0-9]{9}")
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def in_dialect(body: bytes, dialect: Dialect) -> bytes:
    """The same chat request as the provider takes it. One that holds nothing it refuses keeps its bytes, and so does
    one that is no JSON object: the provider says what is wrong with it."""
    if not _may_differ(body, dialect):
        return body
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body
    if not isinstance(value, dict) or not _adapt(value, dialect):
        return body
    return msgspec.json.encode(value)


def nine_letters(call_id: str) -> str:
    """An id of exactly nine letters and digits; the same id always becomes the same."""
    if _NINE.fullmatch(call_id):
        return call_id
    number = int.from_bytes(hashlib.blake2b(call_id.encode("utf-8", "replace"), digest_size=8).digest())
    letters = []
    for _ in range(9):
        number, place = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[place])
    return "".join(letters)


def _may_differ(body: bytes, dialect: Dialect) -> bool:
    """Whether to look closer: most requests are not even decoded."""
    names = [*dialect.roles, *dialect.rename, *dialect.leave_out]
    if dialect.tool_ids == "nine":
        names += ["tool_calls", "tool_call_id"]
    return any(f'"{name}"'.encode() in body for name in names)


def _adapt(request: dict[str, Any], dialect: Dialect) -> bool:
    """Whether anything was changed."""
    changed = False
    for name in dialect.leave_out:
        changed = request.pop(name, None) is not None or changed
    for name, own in dialect.rename.items():
        if name in request:
            request.setdefault(own, request.pop(name))
            changed = True
    messages = request.get("messages")
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict):
            changed = _adapt_message(message, dialect) or changed
    return changed


def _adapt_message(message: dict[str, Any], dialect: Dialect) -> bool:
    changed = False
    role = message.get("role")
    if isinstance(role, str) and role in dialect.roles:
        message["role"] = dialect.roles[role]
        changed = True
    if dialect.tool_ids == "nine":
        calls = message.get("tool_calls")
        places = [(message, "tool_call_id")]
        places += [(call, "id") for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
        for holder, name in places:
            call_id = holder.get(name)
            if isinstance(call_id, str) and (own := nine_letters(call_id)) != call_id:
                holder[name] = own
                changed = True
    return changed
