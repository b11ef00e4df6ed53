"""Takes keys out of what providers say before anyone reads it."""

from __future__ import annotations

import re

_MASK = "[key]"
_SHORTEST_KEY = 8  # "none" or "local" is no secret, and a word that answers may hold

# What keys look like; masked forms such as sk-abc***xyz count.
_SHAPES = (
    r"(?:sk|gsk|xai|csk|fw|tgp_v1|hf|gw_(?:live|test|staging|dev)|pplx|r8|nvapi)[-_][A-Za-z0-9_*.\-]{8,}"
    r"|AIza[A-Za-z0-9_\-*]{8,}|eyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-.]+|(?<=[Bb]earer )[A-Za-z0-9_\-.~+/=*]{8,}"
)
_IN_TEXT = re.compile(rf"(?<![A-Za-z0-9])(?:{_SHAPES})")
_IN_BYTES = re.compile(rf"(?<![A-Za-z0-9])(?:{_SHAPES})".encode())


def redact(text: str, secret: str | None = None) -> str:
    """Without the key that was used and without anything that looks like one."""
    if secret and len(secret) >= _SHORTEST_KEY:
        text = text.replace(secret, _MASK)
    return _IN_TEXT.sub(_MASK, text)


def redact_bytes(body: bytes, secret: str | None = None) -> bytes:
    if secret and len(secret) >= _SHORTEST_KEY:
        body = body.replace(secret.encode(), _MASK.encode())
    return _IN_BYTES.sub(_MASK.encode(), body)
