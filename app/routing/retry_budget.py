"""A budget that keeps repeats and hedges within a fifth of the traffic, so that trouble does not become a storm.

A bucket of credit, as in Finagle's `RetryBudget`: every request adds 0.2, a repeat on the same deployment or a hedge
takes 1. A quiet system earns 1 in ten seconds as well, so that it may repeat at all. The first move to another
deployment is always allowed, and never asks here."""

SHARE = 0.2
PER_SECOND = 0.1
MOST = 10.0  # credit of quiet times, spent at once at worst
_TRACE = 1e-9  # what adding fifths up may be off by


class RetryBudget:
    """Over any span of time: repeats ≤ 0.2 · requests + 0.1 · seconds + 10. Times are monotonic seconds."""

    __slots__ = ("_at", "_credit")

    def __init__(self) -> None:
        self._credit = 1.0
        self._at: float | None = None

    def request(self, now: float) -> None:
        """A client's request has come."""
        self._credit = min(self.left(now) + SHARE, MOST)

    def take(self, now: float) -> bool:
        """Whether one more call may be made; if so, it is paid for."""
        if self.left(now) < 1 - _TRACE:
            return False
        self._credit -= 1
        return True

    def left(self, now: float) -> float:
        """The credit: how many calls could be made at once."""
        if self._at is not None and now > self._at:
            self._credit = min(self._credit + (now - self._at) * PER_SECOND, MOST)
        self._at = now
        return self._credit
