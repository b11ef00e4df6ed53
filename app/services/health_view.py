"""What is wrong just now, in one list: what, since when, why, and what may help."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core.clock import Clock
from app.core.folder import DataFolder
from app.core.money import NANO, show_usd
from app.core.price import Price
from app.services.health import Health
from app.services.job_board import JobBoard
from app.services.limits import seconds
from app.services.prices import Prices
from app.services.probes import Probes
from app.services.snapshot import Provider
from app.services.spool import DurableWriter
from app.services.state import State

DOWN, WARNING = "down", "warning"
LEAST_FREE = 200 * 2**20  # as `anygpt doctor` says it
LOOK_AT_DISK_S = 30.0


@dataclass(frozen=True, slots=True)
class Problem:
    """`kind`: deployment | key | provider | ledger | disk | price | job; `level`: down | warning. `subject` is what an
    action needs: a deployment's provider and model, a key's provider and id, the id of a held price, a job's name."""

    kind: str
    level: str
    title: str
    why: str
    since: datetime | None = None
    next_try: datetime | None = None
    subject: tuple[str, ...] = ()
    provider_id: str | None = None
    model: str | None = None

    @property
    def id(self) -> str:
        return "/".join((self.kind, *self.subject))


class HealthView:
    """From memory alone, so that the menu can count it at any time; only the disk is asked, now and then."""

    def __init__(
        self,
        state: State,
        health: Health,
        probes: Probes,
        prices: Prices,
        jobs: JobBoard,
        writer: DurableWriter,
        folder: DataFolder,
        clock: Clock,
        *,
        free: Callable[[str], int] = lambda path: shutil.disk_usage(path).free,
    ) -> None:
        """`free` gives the bytes left where a path lies: a seam for tests."""
        self._state, self._health, self._probes, self._prices = state, health, probes, prices
        self._jobs, self._writer, self._folder, self._clock, self._free = jobs, writer, folder, clock, free
        self._disk: tuple[float, int] | None = None

    def problems(self) -> list[Problem]:
        """The worst first."""
        found = [*self._server(), *self._providers(), *self._held(), *self._failed_jobs()]
        return sorted(found, key=lambda problem: problem.level != DOWN)

    def _server(self) -> Iterator[Problem]:
        if self._writer.spooling:
            yield Problem(
                "ledger",
                DOWN,
                "The ledger cannot be written",
                "New requests get 503 until what waits in the spool is written back. Is the disk full?",
            )
        free = self._free_bytes()
        if free < LEAST_FREE:
            yield Problem(
                "disk",
                WARNING,
                f"{free // 2**20} MB left on the disk",
                f"The data folder lies there. Make room: below {LEAST_FREE // 2**20} MB the ledger is at risk.",
            )

    def _providers(self) -> Iterator[Problem]:
        doubted = self._health.doubted()
        for provider in self._state.current.providers.values():
            if not provider.enabled:
                continue
            if provider.kind.key_required and not any(each.secret for each in provider.credentials):
                yield Problem(
                    "provider",
                    WARNING,
                    f"{provider.name} has no key",
                    "It is switched on, but nothing can be asked of it.",
                    subject=(provider.id,),
                    provider_id=provider.id,
                )
                continue
            for model in provider.models:
                condition = doubted.get(model.deployment.id)
                if condition is None or condition.state == "closed":
                    continue
                trying = "A single call is trying it now. " if condition.trying else ""
                yield Problem(
                    "deployment",
                    DOWN,
                    f"{model.deployment.model} at {provider.name}",
                    f"{trying}{self._reason(provider, condition.reason)} "
                    f"Its breaker is {condition.state.replace('_', ' ')}.",
                    self._health.wall(condition.since),
                    self._health.wall(condition.retry_at),
                    (provider.id, model.deployment.model),
                    provider.id,
                    model.deployment.model,
                )
            yield from self._keys(provider)
            history = self._probes.history(provider.id)
            if history.at is not None and not history.ok and not self._health.answered_lately(provider.id):
                yield Problem(
                    "provider",
                    DOWN,
                    f"{provider.name} does not answer probes",
                    _sentence(history.error or "no answer"),
                    history.down_since or history.at,
                    subject=(provider.id,),
                    provider_id=provider.id,
                )

    def _reason(self, provider: Provider, label: str) -> str:
        recent = self._health.recent.get(provider.id)
        return _sentence(recent.last_error if recent is not None and recent.last_error else label)

    def _keys(self, provider: Provider) -> Iterator[Problem]:
        number = max(len(provider.credentials), 1)
        for credential, left, reason in self._health.cooling(provider):
            what = f"Key {credential.hint} of {provider.name}" if credential.id else provider.name
            others = number - len(self._health.cooling(provider))
            rest = f"{others} of {number} keys go on." if others else "No other key is left."
            yield Problem(
                "key",
                WARNING if others else DOWN,
                what,
                f"{_sentence(reason)} {rest} It cools for {seconds(left)}.",
                next_try=self._clock.now() + timedelta(seconds=left),
                subject=(provider.id, credential.id),
                provider_id=provider.id,
            )

    def _held(self) -> Iterator[Problem]:
        for change in self._prices.held(in_use=True):
            yield Problem(
                "price",
                WARNING,
                f"The price of {change.model} at {change.provider} jumped",
                f"{_price(change.before)} in force; {change.source} says {_price(change.after)}. The old price stays "
                "until an admin decides.",
                change.at,
                subject=(change.id,),
                model=change.model,
            )

    def _failed_jobs(self) -> Iterator[Problem]:
        for state in self._jobs.states():
            if state.last_ok is False:
                yield Problem(
                    "job",
                    WARNING,
                    f"The job {state.job.name} failed",
                    state.last_result,
                    state.last_at,
                    state.next_at,
                    (state.job.name,),
                )

    def _free_bytes(self) -> int:
        now = self._clock.monotonic()
        if self._disk is None or now - self._disk[0] > LOOK_AT_DISK_S:
            self._disk = (now, self._free(str(self._folder.root)))
        return self._disk[1]


def _price(price: Price | None) -> str:
    return "unknown" if price is None else f"{_usd(price.input)} in, {_usd(price.output)} out"


def _usd(nano: int) -> str:
    """Of a price, two decimals where that says it."""
    return f"${nano / NANO:,.2f}" if nano % (NANO // 100) == 0 else show_usd(nano)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "."
