"""Whether two versions of a router really differ, or chance alone would bring as much: three tests, in plain words.

Failures: the two-proportion z-test with the pooled share (NIST/SEMATECH e-Handbook of Statistical Methods, 7.3.3).
Cost per request: Welch's test of two means with unequal variances (B. L. Welch, «The generalization of Student's
problem when several different population variances are involved», Biometrika 34, 1947), with the normal distribution
for t: there are a hundred values and more. Time: the Mann-Whitney U test with the correction for ties and the normal
approximation (H. B. Mann and D. R. Whitney, Annals of Mathematical Statistics 18, 1947), since a few very slow answers
must not decide. Three questions are asked at once, so each one has a third of the usual 5 % (Bonferroni)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, sqrt
from statistics import fmean, variance

from app.core.money import show_usd

LEAST_REQUESTS = 100  # of each version, before anything is said
HARDLY_BY_CHANCE = 0.05 / 3


@dataclass(frozen=True, slots=True)
class Sample:
    """Of one version. `costs` are nano-dollars of its newest requests with a known price, `times` milliseconds of
    its newest answers."""

    requests: int
    failures: int
    costs: Sequence[int]
    times: Sequence[int]


def note(live: Sample, canary: Sample) -> str:
    """How the canary compares: «Fails less often: 1.2 % against 3.4 %, hardly by chance (p = 0.01).»"""
    least = min(live.requests, canary.requests)
    if least < LEAST_REQUESTS:
        return (
            f"Not enough requests yet: {live.requests:,} through the live version and {canary.requests:,} through "
            f"the canary; {LEAST_REQUESTS} of each are needed."
        )
    return " ".join((_failures(live, canary), _cost(live, canary), _time(live, canary)))


def proportions_p(one: int, of_one: int, other: int, of_other: int) -> float:
    """How likely chance alone makes two shares differ at least so much (two-sided)."""
    pooled = (one + other) / (of_one + of_other)
    spread = sqrt(pooled * (1 - pooled) * (1 / of_one + 1 / of_other))
    return 1.0 if spread == 0 else _two_sided((one / of_one - other / of_other) / spread)


def means_p(one: Sequence[int], other: Sequence[int]) -> float:
    """The same of the means of two or more values each."""
    mean_one, mean_other = fmean(one), fmean(other)
    error = variance(one, mean_one) / len(one) + variance(other, mean_other) / len(other)
    if error == 0:
        return 1.0 if mean_one == mean_other else 0.0
    return _two_sided((mean_one - mean_other) / sqrt(error))


def ranks_p(one: Sequence[int], other: Sequence[int]) -> float:
    """The same of which side's values are the larger ones."""
    m, n = len(one), len(other)
    if not m or not n:
        return 1.0
    ranks, ties = _ranks(one, other)
    u = sum(ranks[value] for value in one) - m * (m + 1) / 2
    total = m + n
    spread = m * n / 12 * (total + 1 - ties / (total * (total - 1)))
    return 1.0 if spread <= 0 else _two_sided((u - m * n / 2) / sqrt(spread))


def _failures(live: Sample, canary: Sample) -> str:
    p = proportions_p(canary.failures, canary.requests, live.failures, live.requests)
    one, other = canary.failures / canary.requests, live.failures / live.requests
    figures = f"{one:.1%} against {other:.1%}".replace("%", " %")
    return _verdict("Fails", "less often", "more often", one, other, figures, p)


def _cost(live: Sample, canary: Sample) -> str:
    if min(len(canary.costs), len(live.costs)) < LEAST_REQUESTS:
        return "Too few requests have a known price to compare the cost."
    one, other = fmean(canary.costs), fmean(live.costs)
    p = means_p(canary.costs, live.costs)
    figures = f"{show_usd(round(one))} against {show_usd(round(other))} a request"
    return _verdict("Costs", "less", "more", one, other, figures, p)


def _time(live: Sample, canary: Sample) -> str:
    if min(len(canary.times), len(live.times)) < LEAST_REQUESTS:
        return "Too few requests were answered to compare the time."
    one, other = (sorted(each.times)[len(each.times) // 2] for each in (canary, live))
    figures = f"half of the answers within {one:,} ms against {other:,} ms"
    p = ranks_p(canary.times, live.times)
    # the test compares ranks, not medians: of equal medians the ranks tell which side is the faster one
    return _verdict("Takes", "less time", "more time", *_typical(canary.times, live.times), figures, p)


def _typical(one: Sequence[int], other: Sequence[int]) -> tuple[float, float]:
    ranks, _ = _ranks(one, other)
    return sum(ranks[value] for value in one) / len(one), sum(ranks[value] for value in other) / len(other)


def _verdict(does: str, less: str, more: str, one: float, other: float, figures: str, p: float) -> str:
    if one == other:
        return f"{does} the same: {figures}."
    word = less if one < other else more
    shown = "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
    if p <= HARDLY_BY_CHANCE:
        return f"{does} {word}: {figures}, hardly by chance ({shown})."
    return f"{does} {word}, but that may well be chance: {figures} ({shown})."


def _ranks(one: Sequence[int], other: Sequence[int]) -> tuple[dict[int, float], float]:
    """Of each value its rank in both together, equals sharing theirs, and the sum of t³ - t over the ties."""
    counts = Counter(one)
    counts.update(other)
    ranks: dict[int, float] = {}
    before, ties = 0, 0.0
    for value in sorted(counts):
        count = counts[value]
        ranks[value] = before + (count + 1) / 2
        before += count
        ties += count**3 - count
    return ranks, ties


def _two_sided(z: float) -> float:
    return erfc(abs(z) / sqrt(2))
