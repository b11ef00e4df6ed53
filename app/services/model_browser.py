"""Looking for a model among all that are known: filters, order, what was measured of it, how it is now."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from app.core.clock import Clock
from app.core.errors import BadRequest
from app.core.money import NANO
from app.providers.catalog import Catalog, Rows
from app.routing.question import Question
from app.routing.standing import Standing
from app.routing.strategies import score
from app.routing.strategies.base import Candidate, Weights, World
from app.services.health import Health
from app.services.model_entries import ModelEntry, all_entries
from app.services.probes import Probes
from app.services.snapshot import Snapshot
from app.services.state import State

USABLE, THROTTLED, DOWN, OFF, NOT_SET_UP = "usable", "throttled", "down", "off", "not set up"
STATES = (USABLE, THROTTLED, DOWN, OFF, NOT_SET_UP)


@dataclass(frozen=True, slots=True)
class ModelFilter:
    """`capabilities`: any of them. `price_up_to`: nano-dollars per million tokens of input."""

    text: str = ""
    provider: str = ""
    capabilities: tuple[str, ...] = ()
    price_up_to: int | None = None
    context_at_least: int | None = None
    free: bool = False
    usable: bool = False
    unpriced: bool = False


@dataclass(frozen=True, slots=True)
class Measured:
    """`rate`: output tokens a second. `score`: 0…1 among all that are served, by the usual weights. None: not known."""

    rate: float | None = None
    first_token_ms: float | None = None
    score: float | None = None
    quality: float | None = None
    success: float | None = None


@dataclass(frozen=True, slots=True)
class FoundModel:
    entry: ModelEntry
    state: str
    measured: Measured


@dataclass(frozen=True, slots=True)
class FoundModels:
    """`total`: how many there are without the filter."""

    items: tuple[FoundModel, ...]
    total: int


NOTHING = Measured()
BREATH, BREATH_S = 100, 0.0002  # entries between two pauses of a search, and seconds of a pause
USUAL_INPUT = 1_000  # tokens of the request by which costs and times are held against each other
_ORDER: dict[str, Callable[[FoundModel], Any]] = {
    "model": lambda found: found.entry.alias.lower(),
    "provider": lambda found: found.entry.provider.lower(),
    "context": lambda found: found.entry.context_window,
    "output_limit": lambda found: found.entry.max_output_tokens,
    "input": lambda found: found.entry.price.input if found.entry.price else None,
    "output": lambda found: found.entry.price.output if found.entry.price else None,
    "cached": lambda found: found.entry.price.cache_read if found.entry.price else None,
    "rate": lambda found: found.measured.rate,
    "first_token": lambda found: found.measured.first_token_ms,
    "score": lambda found: found.measured.score,
    "used": lambda found: len(found.entry.rules) or None,
    "state": lambda found: STATES.index(found.state),
    "released": lambda found: found.entry.released,
}
ORDERS = tuple(_ORDER)


class ModelBrowser:
    """The entries are made once for each state of configuration and catalogue, off the loop."""

    def __init__(
        self, state: State, catalog: Catalog, health: Health, probes: Probes, standing: Standing, clock: Clock
    ) -> None:
        self._state, self._catalog = state, catalog
        self._health, self._probes, self._standing, self._clock = health, probes, standing, clock
        self._made: tuple[Snapshot, Rows, tuple[ModelEntry, ...]] | None = None
        self._making = asyncio.Lock()

    async def entries(self) -> tuple[ModelEntry, ...]:
        async with self._making:
            snapshot = self._state.current
            made = self._made
            if made is None or made[0] is not snapshot or made[1] is not self._catalog.rows:
                entries = await asyncio.to_thread(_in_order, snapshot, self._catalog)
                made = self._made = (snapshot, self._catalog.rows, entries)
            return made[2]

    async def search(self, wanted: ModelFilter, order: str = "model", *, descending: bool = False) -> FoundModels:
        """All that match. By name, those that are served come first; what is unknown comes last in every order.
        Raises BadRequest for an order that is none."""
        if order not in _ORDER:
            raise BadRequest(f'sort: "{order}" is not one of {", ".join(ORDERS)}.', field="sort")
        entries = await self.entries()
        measured = self._measured(entries)
        return await asyncio.to_thread(self._search, entries, measured, wanted, order, descending)

    async def find(self, entry_id: str) -> FoundModel | None:
        entries = await self.entries()
        entry = next((each for each in entries if each.id == entry_id), None)
        if entry is None:
            return None
        return FoundModel(entry, self.state_of(entry), self._measured(entries).get(entry.id, NOTHING))

    async def stats(self) -> dict[str, Any]:
        """Counts over all that are known."""
        entries = await self.entries()
        served = [entry for entry in entries if entry.deployment is not None]
        states = Counter(self.state_of(entry) for entry in served)
        return {
            "models": len(entries),
            "served": len(served),
            "enabled": sum(entry.enabled for entry in served),
            "usable": states[USABLE],
            "throttled": states[THROTTLED],
            "down": states[DOWN],
            "free": sum(entry.free for entry in entries),
            "price_unknown": sum(entry.price is None for entry in entries),
            "served_price_unknown": sum(entry.price is None for entry in served),
            "providers": len({entry.provider for entry in entries}),
            "by_capability": dict(
                sorted(Counter(word for entry in entries for word in entry.capabilities or ()).items())
            ),
        }

    def state_of(self, entry: ModelEntry) -> str:
        deployment = entry.deployment
        if deployment is None:
            return NOT_SET_UP
        if not entry.enabled:
            return OFF
        blocked = self._health.blocked(deployment)
        if blocked is not None:
            return DOWN if blocked.startswith("breaker") else THROTTLED
        history = self._probes.history(deployment.provider_id)
        if history.at is not None and not history.ok and not self._health.answered_lately(deployment.provider_id):
            return DOWN
        return USABLE

    def _search(
        self,
        entries: Sequence[ModelEntry],
        measured: dict[str, Measured],
        wanted: ModelFilter,
        order: str,
        descending: bool,
    ) -> FoundModels:
        words = wanted.text.lower().split()
        found: list[FoundModel] = []
        for number, entry in enumerate(entries):
            if not number % BREATH:
                time.sleep(BREATH_S)  # requests need the interpreter, too, and would else get it every 5 ms only
            if _matches(entry, wanted, words) and ((state := self.state_of(entry)) == USABLE or not wanted.usable):
                found.append(FoundModel(entry, state, measured.get(entry.id, NOTHING)))
        if order == "model" and not descending:  # as the entries are kept
            return FoundModels(tuple(found), len(entries))
        value = _ORDER[order]
        known = [each for each in found if value(each) is not None]
        known.sort(key=lambda each: (each.entry.alias.lower(), each.entry.provider))
        known.sort(key=value, reverse=descending)
        if order == "model":
            known.sort(key=lambda each: each.entry.deployment is None)
        unknown = [each for each in found if value(each) is None]
        return FoundModels((*known, *unknown), len(entries))

    def _measured(self, entries: Sequence[ModelEntry]) -> dict[str, Measured]:
        """Of those that were asked at least once."""
        find = self._standing.numbers.get
        asked = [
            (entry, entry.deployment, numbers)
            for entry in entries
            if entry.deployment is not None and (numbers := find(entry.deployment.id)) is not None
        ]
        if not asked:
            return {}
        now = self._clock.monotonic()
        world = World(
            numbers=self._standing.numbers,
            turns={},
            weights=Weights(),
            random=Random(0),
            now=self._clock.monotonic,
        )
        candidates = [Candidate(deployment) for _, deployment, _ in asked]
        scores = score.rank(candidates, Question(model="", input_tokens=USUAL_INPUT, now=self._clock.now()), world)
        return {
            entry.id: Measured(
                rate=numbers.rate.mean,
                first_token_ms=_ms(numbers.first_tokens.quantile(0.5)),
                score=-below if numbers.success.mean is not None else None,
                quality=numbers.quality,
                success=numbers.succeeds(now) if numbers.success.mean is not None else None,
            )
            for (entry, _, numbers), below in zip(asked, scores, strict=True)
        }


def _in_order(snapshot: Snapshot, catalog: Catalog) -> tuple[ModelEntry, ...]:
    """By name, those that are served first."""
    entries = all_entries(snapshot, catalog)
    return tuple(sorted(entries, key=lambda each: (each.deployment is None, each.alias.lower(), each.provider)))


def price_filter(usd: float | None) -> int | None:
    return None if usd is None else round(usd * NANO)


def _matches(entry: ModelEntry, wanted: ModelFilter, words: Sequence[str]) -> bool:
    price = entry.price
    return (
        all(word in entry.text for word in words)
        and (not wanted.provider or entry.provider == wanted.provider)
        and (not wanted.capabilities or bool(set(wanted.capabilities) & set(entry.capabilities or ())))
        and (wanted.price_up_to is None or (price is not None and price.input <= wanted.price_up_to))
        and (wanted.context_at_least is None or (entry.context_window or 0) >= wanted.context_at_least)
        and (not wanted.free or entry.free)
        and (not wanted.unpriced or price is None)
    )


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
