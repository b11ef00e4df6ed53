"""Rate limits in memory: requests by GCRA, tokens by a bucket that is reserved before and settled after."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.errors import RateLimited

PERIODS = {"rps": 1.0, "rpm": 60.0, "rpd": 86400.0}
NAMES = ("rps", "rpm", "rpd", "tpm", "concurrent")
_GRAIN = 1e-6  # seconds: what adding floats up may be off by
_WORDS = {"rps": "second", "rpm": "minute", "rpd": "day"}


class Gcra:
    """`rate` requests per `period` seconds, in bursts of up to `rate` (generic cell rate algorithm, ITU-T I.371)."""

    __slots__ = ("next", "period", "rate", "room", "step")

    def __init__(self, rate: int, period: float) -> None:
        self.rate, self.period = rate, period
        self.step = period / rate
        self.room = period - self.step + _GRAIN  # how far ahead `next` may be for one more
        self.next = 0.0  # theoretical arrival time

    def wait(self, now: float) -> float:
        """Seconds until the next request would be admitted; 0: now."""
        wait = self.reset(now) + self.step - self.period
        return wait if wait > _GRAIN else 0.0

    def take(self, now: float) -> None:
        self.next = (self.next if self.next > now else now) + self.step

    def remaining(self, now: float) -> int:
        left = int((self.period - self.reset(now) + _GRAIN) / self.step)
        return left if left > 0 else 0

    def reset(self, now: float) -> float:
        """Seconds until the full rate is there again."""
        ahead = self.next - now
        return ahead if ahead > 0 else 0.0


class TokenBucket:
    """`rate` tokens per `period` seconds. Settling may take more than was reserved: the debt is waited off."""

    def __init__(self, rate: int, period: float) -> None:
        self.rate, self.period = rate, period
        self._level = float(rate)
        self._at = 0.0

    def wait(self, now: float, tokens: int) -> float:
        wanted = tokens if tokens < self.rate else self.rate
        wait = (wanted - self.level(now)) * self.period / self.rate
        return wait if wait > _GRAIN else 0.0

    def take(self, now: float, tokens: int) -> None:
        self._level = self.level(now) - tokens

    def remaining(self, now: float) -> int:
        return max(int(self.level(now)), 0)

    def reset(self, now: float) -> float:
        return (self.rate - self.level(now)) * self.period / self.rate

    def level(self, now: float) -> float:
        """Tokens that are there now; less than none where more was used than reserved."""
        level = self._level + (now - self._at) * self.rate / self.period
        self._level = level = level if level < self.rate else float(self.rate)
        self._at = now
        return level


@dataclass(slots=True)
class Admitted:
    """What a request took; given back or settled at its end."""

    tokens: int = 0


class KeyLimits:
    """The limits of one key. Only admitted requests count: all are asked before any is taken."""

    def __init__(self, limits: dict[str, int]) -> None:
        self.running = 0
        self.change(limits)

    def change(self, limits: dict[str, int]) -> None:
        """Other limits for the same key: the counts begin anew, what is running still counts."""
        self.limits = dict(limits)
        self._requests = {name: Gcra(limits[name], PERIODS[name]) for name in PERIODS if name in limits}
        self._limiters = tuple(self._requests.values())
        self._tokens = TokenBucket(limits["tpm"], 60.0) if "tpm" in limits else None
        self._concurrent = limits.get("concurrent")

    def admit(self, now: float, tokens: int) -> Admitted:
        """Raises RateLimited with the time to wait."""
        if self._concurrent is not None and self.running >= self._concurrent:
            raise RateLimited(
                f"This key already has {self._concurrent} requests running, which is its limit; wait for one to end.",
                retry_after=1.0,
            )
        for limiter in self._limiters:
            if limiter.next - now > limiter.room:
                raise self._too_many(limiter, now)
        if self._tokens is not None and (wait := self._tokens.wait(now, tokens)) > 0:
            raise RateLimited(
                f"This key's limit of {self._tokens.rate:,} tokens per minute is reached; "
                f"try again in {seconds(wait)}.",
                retry_after=wait,
            )
        for limiter in self._limiters:
            ahead = limiter.next
            limiter.next = (ahead if ahead > now else now) + limiter.step
        if self._tokens is not None:
            self._tokens.take(now, tokens)
        self.running += 1
        return Admitted(tokens)

    def finish(self, now: float, admitted: Admitted, tokens: int | None) -> None:
        """The request ended; `tokens` is what it really used, None where it used nothing."""
        self.running -= 1
        if self._tokens is not None:
            self._tokens.take(now, (tokens or 0) - admitted.tokens)

    def headers(self, now: float) -> list[tuple[bytes, bytes]]:
        """`x-ratelimit-…` of the tightest request limit and of the token limit."""
        found: list[tuple[bytes, bytes]] = []
        tightest, used = None, -1.0
        for limiter in self._limiters:
            share = (limiter.next - now) / limiter.period
            if share < 0:
                share = 0.0
            if share > used:
                tightest, used = limiter, share
        if tightest is not None:
            found = _headers(b"requests", tightest.rate, tightest.remaining(now), tightest.reset(now))
        if (tokens := self._tokens) is not None:
            level = tokens.level(now)
            left = int(level) if level > 0 else 0
            found += _headers(b"tokens", tokens.rate, left, (tokens.rate - level) * tokens.period / tokens.rate)
        return found

    def _too_many(self, limiter: Gcra, now: float) -> RateLimited:
        name = next(name for name, each in self._requests.items() if each is limiter)
        wait = limiter.wait(now)
        return RateLimited(
            f"This key's limit of {limiter.rate} requests per {_WORDS[name]} is reached; try again in {seconds(wait)}.",
            retry_after=wait,
        )

    def left(self, now: float) -> dict[str, int]:
        left = {name: limiter.remaining(now) for name, limiter in self._requests.items()}
        if self._tokens is not None:
            left["tpm"] = self._tokens.remaining(now)
        if self._concurrent is not None:
            left["concurrent"] = self._concurrent - self.running
        return left


def seconds(value: float) -> str:
    """`0.4 s`, `12 s`, `3 min`: rounded up, as an advice to wait."""
    if value < 1:
        return f"{max(value, 0.1):.1f} s"
    if value < 120:
        return f"{int(value) + 1} s"
    return f"{int(value / 60) + 1} min"


def _headers(what: bytes, limit: int, remaining: int, reset: float) -> list[tuple[bytes, bytes]]:
    names = _NAMES[what]
    after, ms = divmod(int(reset * 1000 + 0.5), 1000)
    return [(names[0], b"%d" % limit), (names[1], b"%d" % remaining), (names[2], b"%d.%03ds" % (after, ms))]


_NAMES = {
    what: tuple(b"x-ratelimit-" + part + b"-" + what for part in (b"limit", b"remaining", b"reset"))
    for what in (b"requests", b"tokens")
}
