"""Ids that sort by time and carry a prefix (`req_01J…`)."""

import random
import threading
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford base 32, as in ULID
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_lock = threading.Lock()
_random = random.Random()  # seeded by the system; ids are no secrets, and a system call for each would be felt
_last = 0
_head = ""  # the digits of the last id but the last two: ids of one millisecond often share them


def new_id(prefix: str) -> str:
    """`prefix_` and 26 characters: 48 bits of milliseconds, 80 bits that begin at random in each millisecond and then
    count; two of one process always sort in the order they were made (https://github.com/ulid/spec, monotonic)."""
    global _last, _head
    with _lock:
        value = _last + 1
        now = time.time_ns() // 1_000_000
        if value >> 80 < now:
            value = now << 80 | _random.getrandbits(79)  # half of the range is left for counting
        if value >> 10 != _last >> 10:
            _head = "".join([_PAIRS[value >> shift & 1023] for shift in range(120, 0, -10)])
        _last = value
        return f"{prefix}_{_head}{_PAIRS[value & 1023]}"
