"""What the planner remembers between requests: numbers of deployments, turns of rules, the random source."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from app.routing.numbers import Numbers
from app.routing.strategies.base import Weights, World


class Standing:
    """One for the whole gateway. `now` gives monotonic seconds. Bounded by the deployments and the rules there are:
    `forget` after each change of them."""

    def __init__(self, now: Callable[[], float], seed: int | None = None) -> None:
        self.numbers: dict[str, Numbers] = {}  # by deployment
        self._turns: dict[str, dict[str, float]] = {}  # by rule or group, then by deployment
        self._random = Random(seed)
        self.now = now

    def of(self, deployment_id: str) -> Numbers:
        """The numbers of a deployment, begun where there are none."""
        numbers = self.numbers.get(deployment_id)
        if numbers is None:
            numbers = self.numbers[deployment_id] = Numbers()
        return numbers

    def world(self, key: str, weights: Weights) -> World:
        """As a rule or group sees it."""
        turns = self._turns.get(key)
        if turns is None:
            turns = self._turns[key] = {}
        return World(numbers=self.numbers, turns=turns, weights=weights, random=self._random, now=self.now)

    def aside(self) -> Standing:
        """For a dry run: as it is now, but nobody's turn is over after it."""
        aside = Standing(self.now)
        aside.numbers = self.numbers
        aside._turns = {key: dict(turns) for key, turns in self._turns.items()}
        aside._random.setstate(self._random.getstate())
        return aside

    def forget(self, deployments: set[str], keys: set[str]) -> None:
        """What is neither among these deployments nor among the keys of these rules and groups."""
        self.numbers = {id: numbers for id, numbers in self.numbers.items() if id in deployments}
        self._turns = {
            key: {id: turn for id, turn in turns.items() if id in deployments}
            for key, turns in self._turns.items()
            if key in keys
        }
