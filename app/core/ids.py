"""Ids that sort by time and carry a prefix (`req_01J…`)."""

import secrets
import threading
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford base 32, as in ULID
_lock = threading.Lock()
_last = 0


def new_id(prefix: str) -> str:
    """`prefix_` and 26 characters: 48 bits of milliseconds, 80 random bits; two of one process always sort
    in the order they were made (https://github.com/ulid/spec, monotonic)."""
    global _last
    with _lock:
        value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
        if value <= _last:
            value = _last + 1 + secrets.randbits(32)
        _last = value
    return f"{prefix}_{_encode(value)}"


def _encode(value: int) -> str:
    digits = []
    for _ in range(26):
        value, digit = divmod(value, 32)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
