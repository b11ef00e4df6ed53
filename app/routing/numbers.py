"""What is known of one deployment from the calls it has answered: means and quantiles that forget with time.

A call that ended `t` seconds ago weighs 2^(-t / HALF_LIFE_S); the sum of the weights is on how many calls the means
rest («effective sample size»). Sums are kept by forward decay (Cormode, Shkapenyuk, Srivastava and Xu, «Forward decay:
a practical time decay model for streaming systems», ICDE 2009): instead of making all that is old lighter at each call,
the new call is made heavier, by 2^(seconds since the origin / HALF_LIFE_S); in a quotient of two sums the origin
cancels out. Votes are rare, so they keep longer. Times are monotonic seconds, except in a dump: that has the wall
clock's, since only this goes on while the process is down."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp2
from typing import Annotated, Any

import msgspec

from app.routing.sketch import Sketch

HALF_LIFE_S = 300.0
VOTE_HALF_LIFE_S = 14 * 86400.0
USUAL_SUCCESS, SUCCESS_CALLS = 0.95, 2.0  # what is assumed of a stranger, and for how many calls that counts
MIDDLE_QUALITY, QUALITY_VOTES = 0.5, 4.0
LEAST_GENERATION_S = 0.001  # of an answer that came in one piece with its first token
_AGES = 1 / HALF_LIFE_S
_VOTE_AGES = 1 / VOTE_HALF_LIFE_S
_SUCCESSES = USUAL_SUCCESS * SUCCESS_CALLS
_LIKED = MIDDLE_QUALITY * QUALITY_VOTES
_REBASE = 64.0  # half-lives after which the origin moves, long before a weight is too large
_MEANS = ("success", "first_token", "seconds", "output", "rate", "price")
VERSION = 1


class Mean:
    """Of values with weights; None until there was one."""

    __slots__ = ("mean", "total", "weight")

    def __init__(self, weight: float = 0.0, total: float = 0.0) -> None:
        self.weight, self.total = weight, total
        self.mean = total / weight if weight else None

    def add(self, weight: float, value: float) -> None:
        self.weight = all_weight = self.weight + weight
        self.total = total = self.total + weight * value
        self.mean = total / all_weight


class Numbers:
    """Of one deployment. `success` is a share 0…1; `first_token` and `seconds` (the whole answer) are seconds; `output`
    is tokens an answer; `rate` is output tokens per second after the first one, `price` nano-dollars per 1,000 tokens
    in and out: both quotients of sums, so that long answers count for more. `first_tokens` and `times` have the
    quantiles. `quality` is 0…1 by votes, near the middle with few, None without any; it is worked out anew at each
    vote, and every few hours. `running` are the calls that have begun and not ended."""

    __slots__ = (*_MEANS, "_liked", "_origin", "_voted_at", "_votes", "first_tokens", "quality", "running", "times")

    def __init__(self) -> None:
        self.running = 0
        self.success = Mean()
        self.first_token = Mean()
        self.seconds = Mean()
        self.output = Mean()
        self.rate = Mean()
        self.price = Mean()
        self.first_tokens = Sketch()
        self.times = Sketch()
        self.quality: float | None = None
        self._origin = 0.0  # when a call weighs 1
        self._votes = self._liked = self._voted_at = 0.0

    def started(self) -> None:
        self.running += 1

    def ended(
        self,
        now: float,
        ok: bool | None,
        seconds: float = 0.0,
        first_token: float | None = None,
        output: int = 0,
        tokens: int = 0,
        cost: int | None = None,
    ) -> None:
        """A call is over. `ok` None tells nothing of the deployment (the client left, the request was at fault).
        `first_token` only where the answer was streamed. `tokens` are all, in and out; `cost` is nano-dollars, None
        where the price is unknown."""
        if self.running:
            self.running -= 1
        if ok is None:
            return
        age = (now - self._origin) * _AGES
        if age > _REBASE:
            self._rebase(now, age)
            age = 0.0
        weight = exp2(age)
        if tokens and cost is not None:
            self.price.add(weight * tokens, 1000 * cost / tokens)
        if not ok:
            self.success.add(weight, 0.0)
            return
        self.success.add(weight, 1.0)
        self.seconds.add(weight, seconds)
        self.times.add(seconds, weight)
        if first_token is not None:
            self.first_token.add(weight, first_token)
            self.first_tokens.add(first_token, weight)
        if output:
            self.output.add(weight, output)
            # of a whole answer nobody saw the first token: what is usual counts, and without that the whole time
            waited = first_token if first_token is not None else self.first_token.mean or 0.0
            generation = seconds - waited
            if generation < LEAST_GENERATION_S:
                generation = LEAST_GENERATION_S
            self.rate.add(weight * generation, output / generation)

    def voted(self, value: float, now: float) -> None:
        """A person judged an answer: 0 is bad, 1 is good."""
        faded = exp2((self._voted_at - now) * _VOTE_AGES)
        self._votes = self._votes * faded + 1.0
        self._liked = self._liked * faded + value
        self._voted_at = now
        self._judge(now)

    def known(self, now: float) -> float:
        """How many calls the means rest on, the older ones counted for less."""
        return self.success.weight * exp2((self._origin - now) * _AGES)

    def succeeds(self, now: float) -> float:
        """The share of calls to expect to succeed: a stranger's share counts for a few calls, so that little is not
        taken for much."""
        success = self.success
        known = success.weight * exp2((self._origin - now) * _AGES)
        return ((success.mean or 0.0) * known + _SUCCESSES) / (known + SUCCESS_CALLS)

    def score(self, now: float) -> float:
        """One number for people and tiers, 0…1: the share of calls that succeed, and what votes say of the answers,
        weighed one to one; without votes the share alone."""
        succeeds = self.succeeds(now)
        return succeeds if self.quality is None else (succeeds + self.quality) / 2

    def votes(self, now: float) -> float:
        """How many votes the quality rests on."""
        return self._votes * exp2((self._voted_at - now) * _VOTE_AGES)

    def takes(self, output: float) -> float | None:
        """Expected seconds of an answer with so many output tokens; None where no answer was seen."""
        rate = self.rate.mean
        if rate is None or not output:
            return self.seconds.mean
        return (self.first_token.mean or 0.0) + output / rate

    def dump(self, now: float, wall: float) -> dict[str, Any]:
        """As JSON can hold it. `wall` is the wall clock's time (seconds since 1970) at the monotonic time `now`."""
        factor = exp2((self._origin - now) * _AGES)
        faded = exp2((self._voted_at - now) * _VOTE_AGES)
        dumped = Dumped(
            at=wall,
            votes=(_short(self._votes * faded), _short(self._liked * faded)),
            first_tokens=self.first_tokens.dump(factor),
            times=self.times.dump(factor),
            means={name: _pair(getattr(self, name), factor) for name in _MEANS},
        )
        value: dict[str, Any] = msgspec.to_builtins(dumped)
        return value

    @classmethod
    def load(cls, value: Mapping[str, Any], now: float, wall: float) -> Numbers:
        """What was known, as old as it is by the wall clock; nothing runs. Raises ValueError where `value` is not what
        `dump` gives."""
        try:
            dumped = msgspec.convert(value, Dumped)
        except msgspec.ValidationError as error:
            raise ValueError(f"these are no numbers of a deployment: {error}") from None
        numbers = cls()
        numbers._origin = numbers._voted_at = now - max(wall - dumped.at, 0.0)  # clocks are set back at times
        for name in _MEANS:
            setattr(numbers, name, Mean(*dumped.means.get(name, _NONE)))
        numbers._votes, numbers._liked = dumped.votes
        numbers._judge(now)
        numbers.first_tokens = Sketch.load(dumped.first_tokens)
        numbers.times = Sketch.load(dumped.times)
        return numbers

    def _rebase(self, now: float, age: float) -> None:
        factor = exp2(-age)
        for name in _MEANS:
            mean: Mean = getattr(self, name)
            mean.weight *= factor  # may become nothing; the mean itself stays until there is a newer one
            mean.total *= factor
        self.first_tokens.scale(factor)
        self.times.scale(factor)
        self._origin = now
        self._judge(now)

    def _judge(self, now: float) -> None:
        if not self._votes:
            return
        faded = exp2((self._voted_at - now) * _VOTE_AGES)
        self.quality = (self._liked * faded + _LIKED) / (self._votes * faded + QUALITY_VOTES)


_Weight = Annotated[float, msgspec.Meta(ge=0, le=1e30)]
_Pair = tuple[_Weight, _Weight]
_NONE: _Pair = (0.0, 0.0)


class Dumped(msgspec.Struct, kw_only=True):
    """Weights and sums as they were at `at`."""

    at: float
    v: int = VERSION
    means: dict[str, _Pair]
    votes: _Pair = _NONE
    first_tokens: list[_Weight] = []
    times: list[_Weight] = []


def _pair(mean: Mean, factor: float) -> _Pair:
    return (_short(mean.weight * factor), _short(mean.total * factor))


def _short(value: float) -> float:
    return float(f"{value:.6g}")
