"""Circuit breaker of one deployment: how many calls may find out that it is down, and when one tries again.

A failure begins a doubt. Meanwhile there is room for few new calls. When they have failed or the room is used up,
nothing is sent but a single call after 4 s, and another one every 9 s. A call ends the doubt that began after the one
that failed, and that succeeds or brings the first of its answer. Calls of before tell of the past: each failure takes
room for one away, and once a second a success makes room for one more.

- The room is one call less than the failures in a row that would happen by chance once in 10,000 calls: 2 where
  failures are rare, 7 where every third call fails as usual. So an outage is found out at little cost, and a deployment
  that fails 30 % of the time stays useful. What is usual is learned from the calls, outages left out.
- It is shut as well when half of the latest 100 calls of the last minute failed, 40 at least.
- An outage of 30 s costs 2 calls that find out and 3 that try, at 4, 13 and 22 s. However long it was, a deployment
  that is well again is asked within 9 s.

Closed, open and half open are the states of M. Nygard, «Release It!» (2007)."""

from __future__ import annotations

from collections import deque
from math import ceil, log

import msgspec

WINDOW_S = 60.0
WINDOW_SIZE = 100
MIN_VOLUME = 40
OPEN_S = 4.0
AGAIN_S = 9.0
MORE_S = 1.0  # how often a call of before the doubt may make room
RETRY_AFTER_MAX_S = 60.0
FEWEST, MOST = 3, 8  # failures in a row that shut it
_LOG_CHANCE = log(1e-4)
_MEMORY = 1 - 1 / 200  # what a call counts for at the next one
_PRIOR_FAILURES, _PRIOR_CALLS = 0.5, 16.0


class Condition(msgspec.Struct, frozen=True):
    """For a page. `doubted`: it failed and has not succeeded since. `since` and `retry_at` (when a single call may try,
    None where calls may begin) are monotonic seconds. `trying`: that call is under way."""

    state: str
    doubted: bool
    since: float | None
    reason: str
    retry_at: float | None
    trying: bool


class Breaker:
    """Times are monotonic seconds. `began` says when a call began; without it every success ends the doubt. Ask
    `allows` again right before `start`: others may have failed since the plan was made."""

    __slots__ = (
        "_after",
        "_calls",
        "_failures",
        "_latest",
        "_latest_failed",
        "_left",
        "_more_at",
        "_new_failed",
        "_pending",
        "_retry_at",
        "_room",
        "_row",
        "_since",
        "_sure",
        "_trial",
        "reason",
    )

    def __init__(self) -> None:
        self.reason = ""
        self._since: float | None = None  # when the doubt began
        self._after = 0.0  # when the call began that failed
        self._sure = False  # that it is down
        self._room = self._left = 0  # new calls: how many there may be, and how many may still begin
        self._pending = self._new_failed = 0  # of the new calls
        self._row = 0  # failures since the doubt began
        self._retry_at = self._more_at = 0.0
        self._trial: float | None = None  # when the single call began
        self._calls = self._failures = 0.0  # as usual
        self._latest: deque[tuple[float, bool]] = deque(maxlen=WINDOW_SIZE)
        self._latest_failed = 0

    def state(self, now: float) -> str:
        if self._since is None or self._left > 0:
            return "closed"
        trying = self._trial is not None or (self._pending > 0 and not self._sure)
        return "half_open" if trying or now >= self._retry_at else "open"

    @property
    def doubted(self) -> bool:
        """It failed, and has not succeeded since."""
        return self._since is not None

    def allows(self, now: float) -> bool:
        return self._since is None or self._left > 0 or now >= self._retry_at

    def condition(self, now: float) -> Condition:
        waits = self._since is not None and self._left <= 0
        return Condition(
            self.state(now),
            self._since is not None,
            self._since,
            self.reason,
            self._retry_at if waits else None,
            self._trial is not None,
        )

    def start(self, now: float) -> None:
        """A call begins. It may be one that is not allowed, where nobody else is left."""
        if self._since is None:
            return
        if self._left > 0:
            self._left -= 1
            self._pending += 1
            if not self._left:
                self._retry_at = now + OPEN_S
        elif now >= self._retry_at:
            self._trial = now
            self._retry_at = now + AGAIN_S  # even if it hangs

    def succeeded(self, now: float, began: float | None = None) -> None:
        self._count(now, failed=False)
        self.answering(began)
        if not self._sure:
            self._learn(1, 0)
            if self._since is not None and now >= self._more_at:
                self._left += 1
                self._more_at = now + MORE_S

    def answering(self, began: float | None = None) -> None:
        """The first content of an answer has come."""
        if self._since is None or (began is not None and began < self._after):
            return
        if self._sure:  # an outage is no habit, and is forgotten
            self._latest.clear()
            self._latest_failed = 0
        else:
            self._learn(self._row, self._row)
        self._since = self._trial = None
        self._sure = False

    def failed(self, now: float, reason: str, began: float | None = None, wait: float | None = None) -> None:
        """`wait`: the seconds for which the provider asked to be left alone (`asked_wait`)."""
        self.reason = reason
        self._count(now, failed=True)
        if self._since is None:
            self._doubt(now, now if began is None else began)
        else:
            self._row += 1
            if self._is_trial(began):
                self._trial = None
                self._sure = True
            elif self._is_new(began):
                self._pending = max(self._pending - 1, 0)
                self._new_failed += 1
                # calls that still run may yet succeed: failures are often the faster ones
                if self._new_failed >= self._room and self._new_failed >= 4 * self._pending:
                    self._shut(now)
            elif self._left > 0:
                self._left -= 1
                self._retry_at = now + OPEN_S
        if wait:
            self._sure, self._left, self._after = True, 0, now
            self._retry_at = max(self._retry_at, now + min(wait, RETRY_AFTER_MAX_S))
        elif len(self._latest) >= MIN_VOLUME and self._latest_failed * 2 >= len(self._latest):
            self._shut(now)

    def released(self, began: float | None = None) -> None:
        """A call ended without telling anything (the client left, the request was at fault)."""
        if self._since is None:
            return
        if self._is_trial(began) and self._trial is not None:
            self._retry_at = self._trial
            self._trial = None
        elif self._pending and self._is_new(began):
            self._pending -= 1
            if not self._sure:
                self._left += 1

    def _doubt(self, now: float, began: float) -> None:
        self._since, self._after = now, began
        self._more_at = now + MORE_S
        self._row, self._pending, self._new_failed = 1, 0, 0
        usual = (self._failures + _PRIOR_FAILURES) / (self._calls + _PRIOR_CALLS)
        in_a_row = ceil(_LOG_CHANCE / log(usual)) if usual < 0.9 else MOST
        self._room = self._left = min(max(in_a_row, FEWEST), MOST) - 1

    def _shut(self, now: float) -> None:
        """It is down; an older call's success means nothing any more."""
        if not self._sure:
            self._sure, self._left, self._retry_at = True, 0, now + OPEN_S

    def _is_trial(self, began: float | None) -> bool:
        return self._trial is not None and (began is None or began >= self._trial)

    def _is_new(self, began: float | None) -> bool:
        return self._pending > 0 if began is None else self._since is not None and began >= self._since

    def _learn(self, calls: int, failures: int) -> None:
        self._calls = self._calls * _MEMORY + calls
        self._failures = self._failures * _MEMORY + failures

    def _count(self, now: float, *, failed: bool) -> None:
        latest = self._latest
        if latest and (len(latest) == WINDOW_SIZE or now - latest[0][0] > WINDOW_S):
            self._latest_failed -= latest.popleft()[1]
        while latest and now - latest[0][0] > WINDOW_S:
            self._latest_failed -= latest.popleft()[1]
        latest.append((now, failed))
        self._latest_failed += failed


def asked_wait(status: int, retry_after: float | None) -> float | None:
    """Seconds for which a provider asks to be left alone: `Retry-After` counts with 429 (RFC 6585, 4) and 503 (RFC
    9110, 10.2.3) only, since some send it with every answer, and for a minute at most."""
    if retry_after is None or retry_after <= 0 or status not in (429, 503):
        return None
    return min(retry_after, RETRY_AFTER_MAX_S)
