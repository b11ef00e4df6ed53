"""Hedging: a second attempt beside one that takes unusually long to begin; the first with content answers.

J. Dean and L. A. Barroso, «The Tail at Scale» (CACM 56(2), 2013): asked after the 95th percentile, a second request
costs a twentieth more and cuts the tail."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from app.core.clock import Clock
from app.core.errors import UpstreamError
from app.routing.retry_budget import RetryBudget
from app.routing.standing import Standing
from app.routing.strategies.base import Candidate
from app.services.gateway.alarm import Deadline, Running, running
from app.services.gateway.attempt import Attempts, Commit
from app.services.gateway.call import Call, ClientSide
from app.services.gateway.race import Outrun, Race
from app.services.health import Health
from app.services.snapshot import Credential, Provider
from app.services.state import State

LEAST_WAIT_S = 0.05  # before a second attempt, however fast a deployment usually is
ENOUGH = 10.0  # calls that must be known before it is said what is unusual


@dataclass(frozen=True, slots=True)
class Entrant:
    """Who may be asked."""

    candidate: Candidate
    provider: Provider
    credential: Credential


class Hedge:
    def __init__(self, state: State, health: Health, standing: Standing, attempts: Attempts, clock: Clock) -> None:
        self._state, self._health, self._standing = state, health, standing
        self._attempts, self._clock = attempts, clock
        self.budget = RetryBudget()

    def wait(self, call: Call, candidate: Candidate) -> float | None:
        """Seconds after which a deployment takes longer to begin than in 19 of 20 calls; None where too little is
        known of it."""
        now = self._clock.monotonic()
        self.budget.request(now)
        numbers = self._standing.numbers.get(candidate.deployment.id)
        if numbers is None or numbers.known(now) < ENOUGH:
            return None
        seconds = (numbers.first_tokens if call.peek.stream else numbers.times).quantile(0.95)
        return None if seconds is None else max(seconds, LEAST_WAIT_S)

    async def run(
        self,
        call: Call,
        client: ClientSide,
        first: Entrant,
        ahead: deque[Candidate],
        deadline: Deadline,
        wait_s: float,
        commit: Commit,
        least_rate: float | None = None,
    ) -> list[UpstreamError]:
        """Returns when the client has its answer, with what failed beside it; the second attempt is taken from
        `ahead`. Raises the last failure."""
        race = Race()

        async def attempt(each: Entrant) -> None:
            mine = deadline.of(running())
            await self._attempts.run(
                *(call, client, each.candidate, each.provider, each.credential, mine, commit),
                race=race,
                least_rate=least_rate if each is first or ahead else None,
            )

        try:
            runners = [race.start(attempt(first))]
            await asyncio.wait(runners, timeout=wait_s)
            if race.open and (second := self._next(ahead)) is not None:
                runners.append(race.start(attempt(second)))
            return await _first_of(runners)
        finally:
            await race.close()

    def _next(self, ahead: deque[Candidate]) -> Entrant | None:
        """Takes the next candidate that can be called, if the budget for such calls allows one."""
        for candidate in list(ahead):
            provider = self._state.current.providers.get(candidate.deployment.provider_id)
            if provider is None or self._health.blocked(candidate.deployment) is not None:
                continue
            credential = self._health.credential(provider, set())
            if credential is None:
                continue
            if not self.budget.take(self._clock.monotonic()):
                return None
            ahead.remove(candidate)
            return Entrant(candidate, provider, credential)
        return None


async def _first_of(runners: list[Running]) -> list[UpstreamError]:
    failures: list[UpstreamError] = []
    waiting = set(runners)
    while True:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for runner in done:
            error = None if runner.cancelled() else runner.exception()
            if error is None and not runner.cancelled():
                return failures
            if error is not None and not isinstance(error, UpstreamError):
                raise error
            if error is not None and not isinstance(error, Outrun):
                failures.append(error)
            if not waiting:
                raise failures.pop() if failures else Outrun("Another provider was faster.")
