"""Which requests a canary takes: always the same share, and all of a conversation or none."""

from __future__ import annotations

from hashlib import blake2b

_WHOLE = 1 << 64


def takes_canary(conversation: str, router: str, version: int, percent: float) -> bool:
    """By a hash of the conversation's id, of a request without one of its own. Each canary draws anew."""
    digest = blake2b(f"{router}/{version}/{conversation}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) * 100 < percent * _WHOLE
