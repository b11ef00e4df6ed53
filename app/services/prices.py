"""Prices: brought up to date from public lists, held back where they jumped, overridden by an admin, with history."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

import httpx
from sqlmodel import Session, select

from app.core.clock import Clock
from app.core.errors import Conflict, NotFound, UpstreamDown, UpstreamError
from app.core.price import Price, read_stored_price, stored_price
from app.core.price_text import read_price, write_price
from app.db.engine import Database
from app.db.tables.prices import PriceChangeRow
from app.db.tables.providers import DeploymentRow
from app.providers.catalog import Catalog, Rows
from app.providers.price_sources import SOURCES, PriceSource, download
from app.services.audit import note
from app.services.catalog_store import packed, read_catalog, take_over, write_catalog
from app.services.price_history import (
    APPLIED,
    CONFIRMED,
    HELD,
    REJECTED,
    PriceChange,
    list_change,
    own_change,
    read_held,
    read_history,
    read_rejected,
)
from app.services.price_merge import Merged, ModelKey, PriceMove, merge, with_price
from app.services.snapshot import Model, Provider, Snapshot
from app.services.state import State
from app.services.views import Actor

CATALOGUE = "catalogue"  # as a model says where its price is from
THEN = "; since then "  # between the last whole list and one that knows some of its models


@dataclass(frozen=True, slots=True)
class Refreshed:
    source: str
    models: int
    changed: int  # prices of models that some provider here serves
    held: int
    failures: tuple[str, ...] = ()  # of the lists that were asked first

    @property
    def sentence(self) -> str:
        held = f", {self.held} held for an admin to confirm" if self.held else ""
        failed = f" Not: {' '.join(self.failures)}" if self.failures else ""
        changed = f"{self.changed} {'price' if self.changed == 1 else 'prices'} in use changed"
        return f"{self.models} models from {self.source}; {changed}{held}.{failed}"


class Prices:
    def __init__(
        self, db: Database, state: State, catalog: Catalog, clock: Clock, web: httpx.AsyncBaseTransport
    ) -> None:
        self._db, self._state, self._catalog, self._clock, self._web = db, state, catalog, clock, web
        self._held: list[PriceChange] = []
        self._used: tuple[Snapshot, Rows, set[ModelKey]] | None = None
        self._writing = asyncio.Lock()

    async def load(self) -> None:
        """Before the first snapshot: what an earlier run fetched, and what waits for an admin."""
        blob = await self._db.read(read_catalog)
        if blob is not None:
            await asyncio.to_thread(take_over, self._catalog, blob)
        self._held = await self._db.read(read_held)

    def held(self, *, in_use: bool = False) -> list[PriceChange]:
        """Jumps that wait for an admin; those of models that are served here, or all."""
        if not in_use or not self._held:
            return list(self._held)
        used = self._in_use()
        return [change for change in self._held if (change.provider, change.model) in used]

    async def refresh(self, sources: Sequence[PriceSource] = SOURCES) -> Refreshed:
        """From the first list that can be read. Raises UpstreamDown where none can: the known prices stay."""
        failures: list[str] = []
        for source in sources:
            try:
                rows = await asyncio.to_thread(source.read, await download(self._web, source))
                return await self._take_over(rows, source, tuple(failures))
            except UpstreamError as error:
                failures.append(error.message)
        raise UpstreamDown(f"No list of prices could be read. {' '.join(failures)} {self.age}")

    @property
    def age(self) -> str:
        made = date.fromisoformat(self._catalog.made_at)
        days = (self._clock.now().date() - made).days
        old = "of today" if days <= 0 else "one day old" if days == 1 else f"{days} days old"
        return f"The prices of {made.isoformat()} are kept; they are {old}."

    async def confirm(self, actor: Actor | str, change_id: str) -> PriceChange:
        """The held price is in force from the next request on. Raises NotFound, Conflict."""
        async with self._writing:
            change = self._waiting(change_id)
            row = self._catalog.rows.get(change.provider, {}).get(change.model)
            if row is None:
                raise Conflict(f"The catalogue has no model {change.model} of {change.provider} any more.")
            rows = {name: dict(models) for name, models in self._catalog.rows.items()}
            rows[change.provider][change.model] = with_price(row, change.after)
            blob = await asyncio.to_thread(packed, rows, self._catalog.source, self._catalog.made_at)
            await self._decide(actor, change, CONFIRMED, rows, blob)
        return change

    async def reject(self, actor: Actor | str, change_id: str) -> PriceChange:
        """The old price stays, and the same jump is not held again. Raises NotFound."""
        async with self._writing:
            change = self._waiting(change_id)
            await self._decide(actor, change, REJECTED, None, None)
        return change

    async def override(self, actor: Actor | str, provider_id: str, model_id: str, price: dict[str, Any] | None) -> None:
        """An admin's own price of a provider's model, as in the file (decimal strings of USD); None goes back to what
        the provider or the catalogue says. Raises BadRequest naming the field, NotFound."""
        wanted = stored_price(read_price(price)) if price is not None else None
        provider, model = self._served(provider_id, model_id)
        before = model.deployment.price
        found = None if model.listed else self.catalogue_price(provider, model_id)

        def write(session: Session) -> None:
            query = select(DeploymentRow).where(
                DeploymentRow.provider_id == provider.id, DeploymentRow.model_id == model_id
            )
            row = session.exec(query).one()
            if row.listed:  # then the price of the list is the admin's own
                row.price = wanted
            else:
                row.own_price = wanted
            row.updated_at = now = self._clock.now()
            session.add(row)
            after = wanted or row.price or _stored(found)
            email = actor if isinstance(actor, str) else actor.email
            kind = provider.kind.name
            session.add(own_change(now, kind, provider.id, model_id, _stored(before), after, actor=email))
            shown = _audited(read_stored_price(after) if after is not None else None)
            note(session, actor, "change price", f"{provider.name}/{model_id}", _audited(before), shown)

        await self._state.change(write)

    def in_force(self, provider_id: str, model_id: str) -> Price | None:
        """What requests are counted with. Raises NotFound."""
        return self._served(provider_id, model_id)[1].deployment.price

    async def history(self, provider_id: str, model_id: str) -> list[PriceChange]:
        """Of one provider's model, the newest first."""
        provider, _ = self._served(provider_id, model_id)
        facts = self._catalog.find(provider.kind, model_id)
        catalogue = (facts.provider, facts.id) if facts is not None else None
        return await self._db.read(partial(read_history, provider_id=provider.id, model=model_id, catalogue=catalogue))

    def catalogue_price(self, provider: Provider, model_id: str) -> Price | None:
        facts = self._catalog.find(provider.kind, model_id)
        return facts.price if facts is not None else None

    async def _take_over(self, newer: Rows, source: PriceSource, failures: tuple[str, ...]) -> Refreshed:
        async with self._writing:
            merged = await asyncio.to_thread(merge, self._catalog.rows, newer)
            if merged.distrusted:
                raise UpstreamDown(
                    f"{source.name} changed {len(merged.jumps)} prices more than tenfold at once, so it is not trusted."
                )
            today = self._clock.now().date().isoformat()
            known = self._catalog.source.split(THEN)[0]
            said = source.name if source.whole else f"{known}{THEN}{source.name}"
            made_at = today if source.whole else self._catalog.made_at
            blob = await asyncio.to_thread(packed, merged.rows, said, made_at)
            used = self._in_use()
            moves = [move for move in merged.moves if move.key in used]
            await self._db.write(partial(self._write, merged=merged, moves=moves, source=source.name, blob=blob))
            self._catalog.replace(merged.rows, said, made_at)
            self._held = await self._db.read(read_held)
        await self._state.load()
        return Refreshed(source.name, self._catalog.size, len(moves), len(self.held(in_use=True)), failures)

    def _write(self, session: Session, merged: Merged, moves: list[PriceMove], source: str, blob: bytes) -> None:
        """The catalogue, what changed of what is in use, and what is held."""
        now = self._clock.now()
        write_catalog(session, blob)
        session.add_all(list_change(now, move, source, APPLIED) for move in moves)
        rejected = read_rejected(session)
        jumps = {move.key: move for move in merged.jumps}
        for row in session.exec(select(PriceChangeRow).where(PriceChangeRow.state == HELD)):
            move = jumps.pop((row.provider_kind, row.model), None)
            if move is not None and move.after is not None:
                row.after, row.source = stored_price(move.after), source  # the newest word counts
            elif row.source == source:  # the list itself took it back
                row.state, row.decided_at = REJECTED, now
            session.add(row)
        session.add_all(
            list_change(now, move, source, HELD) for key, move in jumps.items() if (*key, move.after) not in rejected
        )

    async def _decide(
        self, actor: Actor | str, change: PriceChange, state: str, rows: Rows | None, blob: bytes | None
    ) -> None:
        def write(session: Session) -> None:
            row = session.get(PriceChangeRow, change.id)
            if row is None or row.state != HELD:
                raise Conflict("Somebody decided on this price already.")
            row.state, row.decided_at = state, self._clock.now()
            row.decided_by = actor if isinstance(actor, str) else actor.email
            session.add(row)
            if blob is not None:
                write_catalog(session, blob)
            before, after = (
                {"price": write_price(price) if price else None} for price in (change.before, change.after)
            )
            note(session, actor, f"{state} price", f"{change.provider}/{change.model}", before, after)

        await self._db.write(write)
        if rows is not None:
            self._catalog.replace(rows, self._catalog.source, self._catalog.made_at)
        self._held = [other for other in self._held if other.id != change.id]
        await self._state.load()

    def _waiting(self, change_id: str) -> PriceChange:
        found = next((change for change in self._held if change.id == change_id), None)
        if found is None:
            raise NotFound("That price does not wait for anybody any more.")
        return replace(found)

    def _served(self, provider_id: str, model_id: str) -> tuple[Provider, Model]:
        provider = self._state.current.provider_named(provider_id)
        if provider is None:
            raise NotFound(f'There is no provider "{provider_id}".')
        model = next((model for model in provider.models if model.deployment.model == model_id), None)
        if model is None:
            raise NotFound(f'{provider.name} has no model "{model_id}".')
        return provider, model

    def _in_use(self) -> set[ModelKey]:
        """Entries of the catalogue whose price is in force for some provider's model; the menu asks often."""
        snapshot, rows = self._state.current, self._catalog.rows
        if self._used is None or self._used[0] is not snapshot or self._used[1] is not rows:
            self._used = (
                snapshot,
                rows,
                {key for provider in snapshot.providers.values() for key in self._of(provider)},
            )
        return self._used[2]

    def _of(self, provider: Provider) -> Iterator[ModelKey]:
        for model in provider.models:
            facts = self._catalog.find(provider.kind, model.deployment.model) if model.price_from == CATALOGUE else None
            if facts is not None:
                yield facts.provider, facts.id


def _audited(price: Price | None) -> dict[str, Any]:
    return {"price": write_price(price) if price is not None else None}


def _stored(price: Price | None) -> dict[str, Any] | None:
    return stored_price(price) if price is not None else None
