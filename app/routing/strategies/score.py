"""Score: quality, cost, performance and availability in one number, by the weights of the router."""

from collections.abc import Sequence

from app.routing.question import Question
from app.routing.strategies.base import Candidate, Strategy, World
from app.routing.strategies.compared import UNKNOWN, line_of, middle_of
from app.routing.strategies.expected import expected_costs, expected_output

QUALITY_RANGE = 0.2  # votes have to differ by so much to count in full
AVAILABILITY_RANGE = 0.1


def rank(candidates: Sequence[Candidate], question: Question, world: World) -> list[float]:
    """The score, 0…1, below zero. Quality is what votes say, cost and performance (the expected time) are for a request
    of this size, availability is the share of calls that succeed; each is compared among the candidates, and what is
    not known is in the middle."""
    output = expected_output(candidates, question, world.numbers)
    find, now = world.numbers.get, world.now()
    qualities: list[float | None] = []
    times: list[float | None] = []
    successes: list[float | None] = []
    for candidate in candidates:
        numbers = find(candidate.deployment.id)
        if numbers is None:
            qualities.append(None)
            times.append(None)
            successes.append(None)
        else:
            qualities.append(numbers.quality)
            times.append(numbers.takes(output))
            successes.append(numbers.succeeds(now))
    costs = expected_costs(candidates, question, output)
    cost_middle, time_middle = middle_of(costs), middle_of(times)
    quality_at_0, quality_slope = line_of(qualities, QUALITY_RANGE)
    success_at_0, success_slope = line_of(successes, AVAILABILITY_RANGE)
    weights = world.weights
    scale = -1 / ((weights.quality + weights.cost + weights.performance + weights.availability) or 1.0)
    of_quality, of_cost = weights.quality * scale, weights.cost * scale
    of_time, of_success = weights.performance * scale, weights.availability * scale
    return [
        of_quality * (UNKNOWN if quality is None else quality_at_0 + quality_slope * quality)
        + of_cost * (UNKNOWN if cost is None else cost_middle / (cost_middle + cost))
        + of_time * (UNKNOWN if time is None else time_middle / (time_middle + time))
        + of_success * (UNKNOWN if success is None else success_at_0 + success_slope * success)
        for quality, cost, time, success in zip(qualities, costs, times, successes, strict=True)
    ]


def show(number: float) -> str:
    return f"{abs(number):.2f}"


STRATEGY = Strategy(
    "score",
    "Score",
    "Quality, cost, speed and availability make one score by weights that you choose; the highest is next.",
    rank,
    show,
)
