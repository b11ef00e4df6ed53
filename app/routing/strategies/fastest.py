"""Fastest: who is expected to have the whole answer first; a few requests go to those of whom little is known.

Exploring is a share of the requests that shrinks as one knows more («epsilon-greedy» with a fading epsilon), so a slow
memory is forgiven, and nobody unknown ever gets more than the share."""

from collections.abc import Sequence

from app.routing.question import Question
from app.routing.strategies.base import LAST, Candidate, Strategy, World
from app.routing.strategies.expected import expected_output

EXPLORES = 0.1
"""The most requests that explore, as a share: while somebody is wholly unknown."""


def rank(candidates: Sequence[Candidate], question: Question, world: World) -> list[float]:
    """Seconds: the time to the first token and the expected output by the tokens per second, divided by the share of
    calls that succeed, since a call that fails costs its time and another call's. One that was never called comes last.
    The one that this request explores has its number below zero, and so comes first."""
    output = expected_output(candidates, question, world.numbers)
    find, now = world.numbers.get, world.now()
    numbers: list[float] = []
    doubts: list[float] = []  # 1: nothing is known, and no call is under way that would tell
    best, most = -1, LAST
    for at, candidate in enumerate(candidates):
        seen = find(candidate.deployment.id)
        takes = None if seen is None else seen.takes(output)
        if seen is None:
            numbers.append(LAST)
            doubts.append(1.0)
            continue
        number = LAST if takes is None else takes / seen.succeeds(now)
        numbers.append(number)
        doubts.append(1 / (1 + seen.known(now) + seen.running))
        if number < most:
            best, most = at, number
    if best >= 0:
        doubts[best] = 0.0  # it is asked anyway
    draw = world.random.random()
    if doubts and draw < EXPLORES * max(doubts):
        at = world.random.choices(range(len(doubts)), doubts)[0]
        numbers[at] = -numbers[at]
    return numbers


def show(number: float) -> str:
    if abs(number) == LAST:
        return "not measured yet" if number > 0 else "asked to measure it"
    seconds = abs(number)
    said = f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
    return said if number >= 0 else f"{said} when it was last asked, measured anew"


STRATEGY = Strategy(
    "fastest",
    "Speed",
    "The target that is expected to have its whole answer first is next; now and then another one is measured.",
    rank,
    show,
)
