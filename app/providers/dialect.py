"""A translated request in a provider's own dialect of OpenAI's chat format; relayed requests keep their bytes."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import msgspec

from app.formats.base import UpstreamCall
from app.providers.kinds import Dialect

_LIMITS = ("max_tokens", "max_completion_tokens")
_NINE = re.compile(r"[a-zA-Z0-9]{9}")
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def in_dialect(call: UpstreamCall, format_name: str, dialect: Dialect) -> UpstreamCall:
    """The same question, said as the provider wants it; calls in other formats stay as they are."""
    if format_name != "openai-chat" or not _differs(call.body, dialect):
        return call
    body: dict[str, Any] = msgspec.json.decode(call.body)
    left_out = [name for name in dialect.leave_out if body.pop(name, None) is not None]
    for name, own in dialect.rename.items():
        if name in body:
            body[own] = body.pop(name)
    if dialect.limit is not None:
        for name in _LIMITS:
            if name in body:
                body[dialect.limit] = body.pop(name)
    for message in body.get("messages", ()):
        _adapt_message(message, dialect)
    return msgspec.structs.replace(
        call,
        body=msgspec.json.encode(body),
        approximated=[*call.approximated, *(f"{name}: left out; the provider has none" for name in left_out)],
    )


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


def _differs(body: bytes, dialect: Dialect) -> bool:
    """Whether anything is to be said otherwise: most requests are not even looked into."""
    if not dialect.developer and b'"developer"' in body:
        return True
    if dialect.tool_ids == "nine" and b'"tool_call' in body:
        return True
    names = [*dialect.rename, *dialect.leave_out, *(_LIMITS if dialect.limit else ())]
    return any(f'"{name}"'.encode() in body for name in names)


def _adapt_message(message: dict[str, Any], dialect: Dialect) -> None:
    if message.get("role") == "developer" and not dialect.developer:
        message["role"] = "system"
    if dialect.tool_ids == "nine":
        if isinstance(answered := message.get("tool_call_id"), str):
            message["tool_call_id"] = nine_letters(answered)
        for tool_call in message.get("tool_calls") or ():
            tool_call["id"] = nine_letters(tool_call["id"])
