"""Circuit breaker of one deployment: closed, open, half open, on a sliding window."""

from __future__ import annotations

from collections import deque

WINDOW_S = 60.0
WINDOW_SIZE = 20
MIN_VOLUME = 10
CONSECUTIVE = 5
OPEN_S = 4.0
OPEN_MAX_S = 8.0


class Breaker:
    """Opens after five failures in a row, or when half of at least ten recent calls failed. While open nothing is
    sent; then one call at a time may try (half open), and its success closes it. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._outcomes: deque[tuple[float, bool]] = deque(maxlen=WINDOW_SIZE)
        self._failures_in_row = 0
        self._opened_at: float | None = None
        self._open_for = OPEN_S
        self._trying = False
        self.reason = ""

    def state(self, now: float) -> str:
        if self._opened_at is None:
            return "closed"
        return "half_open" if now - self._opened_at >= self._open_for else "open"

    def allows(self, now: float) -> bool:
        state = self.state(now)
        return state == "closed" or (state == "half_open" and not self._trying)

    def start(self, now: float) -> None:
        """A call begins; in half open it is the single trial."""
        if self.state(now) == "half_open":
            self._trying = True

    def succeeded(self, now: float) -> None:
        self._outcomes.append((now, True))
        self._failures_in_row = 0
        self._trying = False
        if self._opened_at is not None:
            self._opened_at = None
            self._open_for = OPEN_S
            self._outcomes.clear()

    def failed(self, now: float, reason: str) -> None:
        self._outcomes.append((now, False))
        self._failures_in_row += 1
        self.reason = reason
        if self._opened_at is not None:
            if self._trying:
                self._open_for = min(self._open_for * 2, OPEN_MAX_S)
                self._opened_at = now
        elif self._failures_in_row >= CONSECUTIVE or self._half_failed(now):
            self._opened_at = now
        self._trying = False

    def released(self) -> None:
        """A call ended without telling anything (the client left, the request was at fault)."""
        self._trying = False

    def _half_failed(self, now: float) -> bool:
        recent = [ok for at, ok in self._outcomes if now - at <= WINDOW_S]
        return len(recent) >= MIN_VOLUME and recent.count(False) * 2 >= len(recent)
