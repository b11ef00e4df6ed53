"""What is well and what is not: breakers per deployment, cooling credentials, recent numbers per provider."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.core.clock import Clock
from app.core.errors import BadCredential, Throttled, UpstreamError
from app.routing.breaker import Breaker, Condition, asked_wait
from app.routing.deployment import Deployment
from app.services.limits import Gcra, TokenBucket, seconds
from app.services.snapshot import Credential, Provider, Snapshot

BAD_KEY_S = 60.0
THROTTLED_S = 5.0
RECENT = 50
LATELY_S = 300.0


@dataclass(slots=True)
class Cooling:
    until: float
    reason: str


@dataclass(slots=True)
class Recent:
    """The last calls of one provider, for its card."""

    outcomes: deque[bool] = field(default_factory=lambda: deque(maxlen=RECENT))
    first_token_ms: deque[int] = field(default_factory=lambda: deque(maxlen=RECENT))
    last_error: str = ""
    last_error_at: float = 0.0
    last_answer_at: float | None = None

    def failing(self) -> bool:
        """Whether the latest three calls (or all there were) failed."""
        latest = list(self.outcomes)[-3:]
        return bool(latest) and not any(latest)


@dataclass(slots=True)
class ProviderLimit:
    requests: Gcra | None
    tokens: TokenBucket | None


class Health:
    """Everything here is in memory and bounded by the number of deployments and credentials."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._breakers: dict[str, Breaker] = {}
        self._cooling: dict[str, Cooling] = {}
        self._turn: dict[str, int] = {}
        self._limits: dict[str, tuple[dict[str, int], ProviderLimit]] = {}
        self.recent: dict[str, Recent] = {}
        self._doubted: set[str] = set()  # deployments whose breaker may say no
        self._snapshot: Snapshot | None = None

    async def follow(self, snapshot: Snapshot) -> None:
        """Forgets what is gone and takes over provider limits."""
        self._snapshot = snapshot
        deployments = {m.deployment.id for p in snapshot.providers.values() for m in p.models}
        credentials = {c.id for p in snapshot.providers.values() for c in p.credentials} | set(snapshot.providers)
        self._breakers = {key: value for key, value in self._breakers.items() if key in deployments}
        self._doubted &= deployments
        self._cooling = {key: value for key, value in self._cooling.items() if key in credentials}
        self._turn = {key: value for key, value in self._turn.items() if key in snapshot.providers}
        self.recent = {key: value for key, value in self.recent.items() if key in snapshot.providers}
        limits: dict[str, tuple[dict[str, int], ProviderLimit]] = {}
        for provider in snapshot.providers.values():
            if provider.rate_limit:
                known = self._limits.get(provider.id)
                same = known is not None and known[0] == provider.rate_limit
                limits[provider.id] = known if known and same else (provider.rate_limit, _limit(provider.rate_limit))
        self._limits = limits

    @property
    def doubts(self) -> bool:
        """Whether anybody may be blocked at all."""
        return bool(self._doubted or self._cooling or self._limits)

    def blocked(self, deployment: Deployment) -> str | None:
        """Why a deployment cannot be called now; None: it can."""
        now = self._clock.monotonic()
        breaker = self._breakers.get(deployment.id)
        if breaker is not None and not breaker.allows(now):
            return f"breaker open: {breaker.reason}"
        limit = self._limits.get(deployment.provider_id)
        if limit is not None and (wait := _wait(limit[1], now)) > 0:
            return f"the provider's own limit is reached, free in {seconds(wait)}"
        provider = self._snapshot.providers.get(deployment.provider_id) if self._snapshot else None
        if provider is not None and self._cooling:
            return self._all_cooling(provider, now)
        return None

    def credential(self, provider: Provider, tried: set[str]) -> Credential | None:
        """The next key in turn that is not cooling; where all are, the one that is ready first. None: all were tried.
        A provider without keys has one nameless credential."""
        if not provider.credentials:
            return None if "" in tried else Credential("", None, "", None)
        left = [c for c in provider.credentials if c.id not in tried]
        if not left:
            return None
        now = self._clock.monotonic()
        ready = [c for c in left if c.id not in self._cooling or self._cooling[c.id].until <= now]
        if not ready:
            return None if tried else min(left, key=lambda c: self._cooling[c.id].until)
        if len(ready) == 1:
            return ready[0]
        turn = self._turn[provider.id] = self._turn.get(provider.id, -1) + 1
        return ready[turn % len(ready)]

    def started(self, deployment: Deployment, tokens: int, now: float) -> None:
        """`now`: when the call began, in monotonic seconds; say it again at its end."""
        if (breaker := self._breakers.get(deployment.id)) is not None:
            breaker.start(now)
        if (limit := self._limits.get(deployment.provider_id)) is not None:
            if limit[1].requests is not None:
                limit[1].requests.take(now)
            if limit[1].tokens is not None:
                limit[1].tokens.take(now, tokens)

    def answering(self, deployment: Deployment, began: float) -> None:
        """The first content of an answer has come."""
        if deployment.id in self._doubted:
            breaker = self._breakers[deployment.id]
            breaker.answering(began)
            self._look(deployment.id, breaker)

    def succeeded(
        self, deployment: Deployment, credential_id: str, first_token_ms: int | None, began: float | None = None
    ) -> None:
        now = self._clock.monotonic()
        if (breaker := self._breakers.get(deployment.id)) is not None:
            breaker.succeeded(now, began)
            self._look(deployment.id, breaker)
        if self._cooling:
            self._cooling.pop(credential_id or deployment.provider_id, None)
        recent = self._recent(deployment.provider_id)
        recent.outcomes.append(True)
        recent.last_answer_at = now
        if first_token_ms is not None:
            recent.first_token_ms.append(first_token_ms)

    def failed(
        self, deployment: Deployment, credential_id: str, error: UpstreamError, began: float | None = None
    ) -> None:
        """Counts a failure where it belongs: on the deployment, on the key, or nowhere."""
        now = self._clock.monotonic()
        asked = asked_wait(error.upstream_status, error.retry_after)
        cools = credential_id or deployment.provider_id  # a provider without keys cools as a whole
        match error:
            case BadCredential():
                self._cooling[cools] = Cooling(now + BAD_KEY_S, "key refused")
            case Throttled():
                self._cooling[cools] = Cooling(now + (asked_wait(429, error.retry_after) or THROTTLED_S), "rate limit")
        breaker = self._breakers.get(deployment.id)
        if error.blames_deployment:
            if breaker is None:
                breaker = self._breakers[deployment.id] = Breaker()
            breaker.failed(now, error.label, began, asked)
            self._look(deployment.id, breaker)
        elif breaker is not None:
            breaker.released(began)
        if error.retry:
            recent = self._recent(deployment.provider_id)
            recent.outcomes.append(False)
            recent.last_error, recent.last_error_at = error.message, now

    def released(self, deployment: Deployment, began: float | None = None) -> None:
        """A call ended without telling anything: the client left."""
        if (breaker := self._breakers.get(deployment.id)) is not None:
            breaker.released(began)

    def breaker_state(self, provider: Provider) -> str:
        """The worst of the provider's deployments."""
        now = self._clock.monotonic()
        states = {
            self._breakers[m.deployment.id].state(now) for m in provider.models if m.deployment.id in self._breakers
        }
        return next((state for state in ("open", "half_open") if state in states), "closed")

    def recall(self, provider_id: str, first_token_ms: Iterable[int]) -> None:
        """What the ledger knows of a provider's latest answers, the oldest first: at the start."""
        self._recent(provider_id).first_token_ms.extend(first_token_ms)

    def doubted(self) -> dict[str, Condition]:
        """Deployments that failed and have not succeeded since, by id; times are the clock's monotonic seconds."""
        now = self._clock.monotonic()
        return {id: self._breakers[id].condition(now) for id in self._doubted}

    def wall(self, monotonic: float | None) -> datetime | None:
        """The time of day of a moment of the monotonic clock."""
        if monotonic is None:
            return None
        return self._clock.now() + timedelta(seconds=monotonic - self._clock.monotonic())

    def cooling(self, provider: Provider) -> list[tuple[Credential, float, str]]:
        """Keys that are cooling, with the seconds left and the reason."""
        now = self._clock.monotonic()
        found = []
        for credential in provider.credentials or (Credential("", None, "", None),):
            cooling = self._cooling.get(credential.id or provider.id)
            if cooling is not None and cooling.until > now:
                found.append((credential, cooling.until - now, cooling.reason))
        return found

    def answered_lately(self, provider_id: str) -> bool:
        """Whether a real request was answered in the last five minutes."""
        recent = self.recent.get(provider_id)
        if recent is None or recent.last_answer_at is None:
            return False
        return self._clock.monotonic() - recent.last_answer_at < LATELY_S

    def first_token_p50_ms(self, provider_id: str) -> int | None:
        recent = self.recent.get(provider_id)
        if recent is None or not recent.first_token_ms:
            return None
        return sorted(recent.first_token_ms)[len(recent.first_token_ms) // 2]

    def clear(self, provider: Provider) -> None:
        """A probe or test by a person succeeded: everything may be tried again."""
        for model in provider.models:
            self._breakers.pop(model.deployment.id, None)
            self._doubted.discard(model.deployment.id)
        for cooling in (provider.id, *(credential.id for credential in provider.credentials)):
            self._cooling.pop(cooling, None)

    def _look(self, deployment_id: str, breaker: Breaker) -> None:
        if breaker.doubted:
            self._doubted.add(deployment_id)
        else:
            self._doubted.discard(deployment_id)

    def _all_cooling(self, provider: Provider, now: float) -> str | None:
        if not provider.credentials:
            return None
        coolings = [self._cooling.get(credential.id) for credential in provider.credentials]
        if any(cooling is None or cooling.until <= now for cooling in coolings):
            return None
        first = min((cooling for cooling in coolings if cooling is not None), key=lambda cooling: cooling.until)
        return f"{first.reason}, free in {seconds(first.until - now)}"

    def _recent(self, provider_id: str) -> Recent:
        recent = self.recent.get(provider_id)
        if recent is None:
            recent = self.recent[provider_id] = Recent()
        return recent


def _limit(limit: dict[str, int]) -> ProviderLimit:
    window = float(limit.get("window_s", 60))
    return ProviderLimit(
        Gcra(limit["requests"], window) if limit.get("requests") else None,
        TokenBucket(limit["tokens"], window) if limit.get("tokens") else None,
    )


def _wait(limit: ProviderLimit, now: float) -> float:
    return max(
        limit.requests.wait(now) if limit.requests else 0.0,
        limit.tokens.wait(now, 1) if limit.tokens else 0.0,
    )
