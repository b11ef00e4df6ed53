"""Clients that ask one deployment through its breaker, in virtual time; who is not allowed goes elsewhere."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from app.routing.breaker import Breaker


@dataclass
class Seen:
    """`late` are calls that began in an outage after its first failure was seen, `back_after` the seconds from its end to
    the first call that succeeded."""

    requests: int = 0
    sent: int = 0
    failed: int = 0
    late: int = 0
    back_after: float | None = None

    @property
    def share(self) -> float:
        return self.sent / self.requests


class Crowd:
    """Each client asks again as soon as it has its answer; elsewhere an answer takes as long as a good one here."""

    def __init__(
        self,
        *,
        answers_s: float,
        fails_s: float,
        first_content_s: float | None = None,
        fails: float = 0.0,
        outage: tuple[float, float] | None = None,
        clients: int = 32,
        seed: int = 0,
    ) -> None:
        self.breaker, self.seen = Breaker(), Seen()
        self._answers_s, self._fails_s, self._first_s = answers_s, fails_s, first_content_s
        self._fails, self._outage = fails, outage
        self._random = Random(seed)
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._count = 0
        self._known = False
        for _ in range(clients):
            self._after(0.0, self._random.random() * answers_s, self._ask)

    def run(self, until: float) -> Seen:
        while self._events and self._events[0][0] < until:
            now, _, happens = heapq.heappop(self._events)
            happens(now)
        return self.seen

    def _ask(self, now: float) -> None:
        self.seen.requests += 1
        if not self.breaker.allows(now):
            self._after(now, self._takes(self._answers_s), self._ask)
            return
        self.breaker.start(now)
        self.seen.sent += 1
        down = self._outage is not None and self._outage[0] <= now < self._outage[1]
        self.seen.late += down and self._known
        if down or self._random.random() < self._fails:
            self.seen.failed += 1
            self._after(now, self._takes(self._fails_s), lambda then: self._failed(then, now, down))
        else:
            if self._first_s is not None:
                self._after(now, self._takes(self._first_s), lambda then: self.breaker.answering(now))
            self._after(now, self._takes(self._answers_s), lambda then: self._answered(then, now))

    def _failed(self, now: float, began: float, down: bool) -> None:
        self.breaker.failed(now, "unavailable", began)
        self._known = self._known or down
        self._after(now, self._takes(self._answers_s), self._ask)

    def _answered(self, now: float, began: float) -> None:
        self.breaker.succeeded(now, began)
        if self._outage is not None and began >= self._outage[1] and self.seen.back_after is None:
            self.seen.back_after = now - self._outage[1]
        self._ask(now)

    def _takes(self, seconds: float) -> float:
        return seconds * self._random.uniform(0.8, 1.2)

    def _after(self, now: float, wait: float, happens: Callable[[float], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (now + wait, self._count, happens))
