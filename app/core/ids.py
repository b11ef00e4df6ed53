"""Ids that sort by time and carry a prefix (`req_01J…`)."""

import random
import threading
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford base 32, as in ULID
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_lock = threading.Lock()
_random = random.Random()  # seeded by the system; ids are no secrets, and a system call for each would be felt
_last = 0


def new_id(prefix: str) -> str:
    """`prefix_` and 26 characters: 48 bits of milliseconds, 80 random bits; two of one process always sort
    in the order they were made (https://github.com/ulid/spec, monotonic)."""
    global _last
    with _lock:
        value = (time.time_ns() // 1_000_000) << 80 | _random.getrandbits(80)
        if value <= _last:
            value = _last + 1 + _random.getrandbits(32)
        _last = value
    return f"{prefix}_{_encode(value)}"


def _encode(value: int) -> str:
    # two digits at a time
    return "".join([_PAIRS[value >> shift & 1023] for shift in range(120, -10, -10)])
