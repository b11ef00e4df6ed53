"""Adaptive: learns which target answers best from success, time, cost and votes, and goes on learning.

A bandit by Thompson sampling: for each target a plausible utility is drawn from what is known of it, and the highest
is asked. Little known means wide draws, so that everybody gets a chance; numbers fade, so that changes are noticed.
Gaussian draws of variance ~ 1/(n + 1): Agrawal and Goyal, «Further optimal regret bounds for Thompson sampling»
(AISTATS 2013); fading: Raj and Kalyani, «Taming non-stationary bandits: a Bayesian approach» (2017)."""

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist

from app.routing.numbers import USUAL_SUCCESS
from app.routing.question import Question
from app.routing.strategies.base import Candidate, Strategy, World
from app.routing.strategies.compared import UNKNOWN, middle_of
from app.routing.strategies.expected import expected_costs, expected_output

SPREAD = 0.25
"""The standard deviation of a stranger's draw; utilities are 0…1."""
_BITS = 10
_NORMAL = [NormalDist(0, SPREAD).inv_cdf((step + 0.5) / 2**_BITS) for step in range(2**_BITS)]  # drawn from: it is fast
_STRANGER = (0.0, USUAL_SUCCESS, UNKNOWN, 0)


def rank(candidates: Sequence[Candidate], question: Question, world: World) -> list[float]:
    """A draw of the utility, below zero. The utility is the share of calls that succeed times the weighted mean of
    quality (votes), cost and speed for a request of this size, by the router's weights: an answer that fails is worth
    nothing. Calls in flight count as known, so that not everybody rushes at a stranger."""
    output = expected_output(candidates, question, world.numbers)
    find, bits, now = world.numbers.get, world.random.getrandbits, world.now()
    times: list[float | None] = []
    found: list[tuple[float, float, float, int]] = []
    for candidate in candidates:
        numbers = find(candidate.deployment.id)
        if numbers is None:
            times.append(None)
            found.append(_STRANGER)
        else:
            times.append(numbers.takes(output))
            quality = numbers.quality
            liked = UNKNOWN if quality is None else quality
            found.append((numbers.known(now), numbers.succeeds(now), liked, numbers.running))
    weights = world.weights
    of_quality, of_cost, of_time = weights.quality, weights.cost, weights.performance
    total = of_quality + of_cost + of_time
    scale, base = (1 / total, 0.0) if total else (0.0, 1.0)
    costs = expected_costs(candidates, question, output)
    cost_middle, time_middle = middle_of(costs), middle_of(times)
    draws: list[float] = []
    for (known, succeeds, quality, running), cost, time in zip(found, costs, times, strict=True):
        cheap = UNKNOWN if cost is None else cost_middle / (cost_middle + cost)
        fast = UNKNOWN if time is None else time_middle / (time_middle + time)
        fast = UNKNOWN + (fast - UNKNOWN) * known / (known + 1)  # a slow memory is forgiven
        utility = succeeds * (base + scale * (of_quality * quality + of_cost * cheap + of_time * fast))
        draws.append(-utility - _NORMAL[bits(_BITS)] / sqrt(1 + known + running))
    return draws


def show(number: float) -> str:
    return f"{-number:.2f}"


STRATEGY = Strategy(
    "adaptive",
    "Learning",
    "Learns from success, speed, cost and votes which target serves best, and keeps trying the others a little.",
    rank,
    show,
)
