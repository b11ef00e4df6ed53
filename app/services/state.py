"""Keeps the snapshot in step with the database: after our own writes, and when the command line wrote."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import structlog
from sqlmodel import Session, col, select

from app.core.errors import AnyGPTError
from app.core.price import FREE, Price, read_stored_price
from app.core.settings import Settings, read_variable
from app.db.engine import Database
from app.db.tables.keys import KeyRow
from app.db.tables.people import PersonRow, SessionRow, TeamMemberRow, TeamRow
from app.db.tables.providers import CredentialRow, DeploymentRow, ProviderRow
from app.db.tables.settings import MetaRow, SettingRow
from app.providers.addresses import base_url_of
from app.providers.catalog import Catalog
from app.providers.kinds import Kind, kind_named
from app.providers.upstream import Upstream
from app.routing.deployment import Deployment
from app.security.permissions import Role
from app.security.tokens import hint
from app.security.vault import Vault
from app.services.router_rows import read_documents
from app.services.runtime import RuntimeSettings
from app.services.snapshot import Credential, Key, KnownSession, Model, Provider, Snapshot, key_pattern
from app.services.tiers import Tier
from app.services.views import Person

T = TypeVar("T")
log = structlog.get_logger()

POLL_S = 0.25
GENERATION = "generation"
SEEN_GENERATION = "seen_generation"

UpstreamFactory = Callable[[str, Kind, str | None], Upstream]
Listener = Callable[[Snapshot], Awaitable[None]]


class State:
    """`current` is replaced as a whole; whoever holds one keeps a consistent picture."""

    current: Snapshot

    def __init__(
        self, db: Database, vault: Vault, settings: Settings, catalog: Catalog, make_upstream: UpstreamFactory
    ) -> None:
        self._db, self._vault, self._settings, self._catalog = db, vault, settings, catalog
        self._make_upstream = make_upstream
        self._upstreams: dict[tuple[str, str, str | None], Upstream] = {}
        self._listeners: list[Listener] = []
        self._lock = asyncio.Lock()

    async def load(self) -> Snapshot:
        """Reads everything anew. Listeners prepare what hangs on it (budgets, breakers) before it is in force."""
        async with self._lock:
            snapshot = await self._db.read(self._read)
            for listener in self._listeners:
                await listener(snapshot)
            self.current = snapshot
            return snapshot

    async def change(self, work: Callable[[Session], T]) -> T:
        """A write that changes what the snapshot holds: in one transaction with the generation's next number.
        Returns once this process answers by it."""

        def with_generation(session: Session) -> T:
            result = work(session)
            raise_generation(session)
            return result

        result = await self._db.write(with_generation)
        await self.load()
        return result

    def on_change(self, listener: Listener) -> None:
        self._listeners.append(listener)

    async def watch(self) -> None:
        """Runs for ever: takes over what the command line wrote, and says so in the database."""
        while True:
            await asyncio.sleep(POLL_S)
            try:
                generation, said = await self._db.read(_numbers)
                if generation != self.current.generation:
                    await self.load()
                seen = self.current.generation
                if said < seen:
                    await self._db.write(partial(_set_number, name=SEEN_GENERATION, number=seen))
            except AnyGPTError as error:
                log.warning("the changed configuration could not be taken over", reason=error.message)

    def _read(self, session: Session) -> Snapshot:
        people = {row.id: person_of(row) for row in session.exec(select(PersonRow))}
        teams = _teams(session)
        runtime = RuntimeSettings({row.name: row.value for row in session.exec(select(SettingRow))})
        found = session.exec(select(KeyRow))
        keys = {row.secret_hmac: self._key(row, people, teams, runtime.tiers) for row in found}
        documents = read_documents(session)
        return Snapshot(
            generation=_number(session, GENERATION),
            people=people,
            teams=teams,
            keys=keys,
            keys_by_id={key.id: key for key in keys.values()},
            providers=self._providers(session),
            documents=documents.live,
            canary_documents=documents.canaries,
            unpublished=documents.unpublished,
            runtime=runtime,
            sessions={
                row.token_hash: KnownSession(row.id, row.person_id, row.csrf, row.expires_at)
                for row in session.exec(select(SessionRow))
            },
        )

    def _providers(self, session: Session) -> dict[str, Provider]:
        credentials: dict[str, list[Credential]] = {}
        for credential in session.exec(select(CredentialRow).order_by(col(CredentialRow.position))):
            credentials.setdefault(credential.provider_id, []).append(self._credential(credential))
        rows: dict[str, list[DeploymentRow]] = {}
        for deployment in session.exec(select(DeploymentRow).order_by(col(DeploymentRow.model_id))):
            rows.setdefault(deployment.provider_id, []).append(deployment)
        providers = {}
        alive = select(ProviderRow).where(col(ProviderRow.deleted_at).is_(None))
        for row in session.exec(alive.order_by(col(ProviderRow.priority), col(ProviderRow.name))):
            kind = kind_named(row.kind)
            base_url = base_url_of(kind, row.base_url)
            kind = kind.located(base_url)
            formats = tuple(row.formats or kind.formats)
            providers[row.id] = Provider(
                id=row.id,
                name=row.name,
                kind=kind,
                base_url=base_url,
                formats=formats,
                enabled=row.enabled,
                priority=row.priority,
                rate_limit=row.rate_limit,
                models_listed=row.models_listed,
                models_asked_at=row.models_asked_at,
                from_file=row.from_file,
                custom_base_url=row.base_url,
                custom_formats=tuple(row.formats) if row.formats else None,
                upstream=self._upstream(row.name, kind, row.base_url),
                credentials=tuple(credentials.get(row.id, ())),
                models=tuple(self._model(row, kind, formats, each) for each in rows.get(row.id, ())),
                created_at=row.created_at,
                updated_at=row.updated_at,
            )
        return providers

    def _upstream(self, name: str, kind: Kind, base_url: str | None) -> Upstream:
        identity = (name, kind.name, base_url)
        if identity not in self._upstreams:
            self._upstreams[identity] = self._make_upstream(name, kind, base_url)
        return self._upstreams[identity]

    def _credential(self, row: CredentialRow) -> Credential:
        if row.env:
            secret = read_variable(row.env)
            return Credential(row.id, secret, hint(secret) if secret else row.env, row.env)
        secret = self._vault.decrypt(row.secret or b"", table="credential", column="secret", row=row.id)
        return Credential(row.id, secret, row.hint, None)

    def _model(self, provider: ProviderRow, kind: Kind, formats: tuple[str, ...], row: DeploymentRow) -> Model:
        facts = None if row.listed else self._catalog.find(kind, row.model_id)
        stored_price = row.own_price if row.own_price is not None else row.price
        price = read_stored_price(stored_price) if stored_price is not None else FREE if kind.free else None
        price = price or (facts.price if facts is not None else None)
        capabilities = row.capabilities if row.capabilities is not None else facts and facts.capabilities
        deployment = Deployment(
            id=row.id,
            provider_id=provider.id,
            provider=provider.name,
            kind=kind.name,
            model=row.model_id,
            alias=row.alias or row.model_id,
            formats=(*formats, *kind.operations),
            priority=provider.priority,
            price=price,
            context_window=row.context_window or (facts.context_window if facts else None),
            max_output_tokens=row.max_output_tokens or (facts.max_output_tokens if facts else None),
            capabilities=frozenset(capabilities) if capabilities else None,
            declared=row.listed and row.capabilities is not None,
            demo=kind.in_process,
        )
        stored: dict[str, Any] = {
            "id": row.model_id,
            "alias": row.alias,
            "price": row.price,
            "context_window": row.context_window,
            "max_output_tokens": row.max_output_tokens,
            "capabilities": row.capabilities,
        }
        name = row.name or (facts.name if facts else None) or row.model_id
        return Model(deployment, name, row.enabled, row.listed, stored, _price_from(row, kind, price))

    def _key(
        self, row: KeyRow, people: dict[str, Person], teams: dict[str, frozenset[str]], tiers: dict[str, Tier]
    ) -> Key:
        person = people.get(row.person_id) if row.person_id else None
        tier = tiers.get(row.tier or (person.tier if person is not None else None) or "")
        return Key(
            id=row.id,
            name=row.name,
            hint=row.hint,
            person=person,
            teams=teams.get(person.id, frozenset()) if person else frozenset(),
            router=row.router,
            models=tuple(row.models),
            pattern=key_pattern(row.models),
            scopes=frozenset(row.scopes),
            tier=row.tier,
            in_tier=tier,
            limits=row.limits,
            limits_in_force=row.limits if tier is None else tier.tightened(row.limits),
            budgets=tuple(row.budgets),
            on_budget=row.on_budget,
            unknown_price=row.unknown_price,
            allowed_ips=tuple(row.allowed_ips),
            allowed_referrers=tuple(row.allowed_referrers),
            expires_at=row.expires_at,
            disabled=row.disabled,
            from_file=row.from_file,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )


def raise_generation(session: Session) -> int:
    """The next generation number, in the caller's transaction."""
    number = _number(session, GENERATION) + 1
    _set_number(session, GENERATION, number)
    return number


def person_of(row: PersonRow) -> Person:
    role, preferences = Role(row.role), dict(row.preferences)
    return Person(row.id, row.email, row.name, role, row.disabled, row.created_at, preferences, row.tier)


def _price_from(row: DeploymentRow, kind: Kind, price: Price | None) -> str:
    if row.own_price is not None or (row.listed and row.price is not None):
        return "own"
    if row.price is not None:
        return "provider"
    return "" if price is None else "kind" if kind.free else "catalogue"


def _teams(session: Session) -> dict[str, frozenset[str]]:
    members = select(TeamMemberRow.person_id, TeamRow.name).where(col(TeamMemberRow.team_id) == TeamRow.id)
    teams: dict[str, set[str]] = {}
    for person_id, name in session.exec(members):
        teams.setdefault(person_id, set()).add(name)
    return {person_id: frozenset(names) for person_id, names in teams.items()}


_NUMBERS = select(MetaRow.name, MetaRow.number).where(col(MetaRow.name).in_((GENERATION, SEEN_GENERATION)))


def _numbers(session: Session) -> tuple[int, int]:
    """The generation of the database, and the one the server said it has taken over."""
    found = dict(session.execute(_NUMBERS).tuples().all())  # columns, not rows: this runs four times a second
    return found.get(GENERATION, 0), found.get(SEEN_GENERATION, 0)


def _number(session: Session, name: str) -> int:
    row = session.get(MetaRow, name)
    return row.number if row is not None else 0


def _set_number(session: Session, name: str, number: int) -> None:
    row = session.get(MetaRow, name) or MetaRow(name=name)
    row.number = number
    session.add(row)
