"""Providers: added, changed, tested, asked for their models."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

import structlog
from sqlmodel import Session, select

from app.core.clock import Clock
from app.core.errors import AnyGPTError, BadRequest, Conflict, NotFound, StartError, UpstreamError
from app.core.ids import new_id
from app.core.settings import read_variable
from app.db.tables.providers import DeploymentRow, ProviderRow
from app.formats.registry import FORMATS
from app.providers.catalog import Catalog
from app.providers.kinds import Kind, kinds
from app.providers.model_lists import FoundModel
from app.security.vault import Vault
from app.services.audit import note
from app.services.health import Health
from app.services.provider_fields import check_provider
from app.services.provider_rows import ProviderRows, free_name
from app.services.provider_rows import add_demo as add_demo
from app.services.provider_views import ProviderViews
from app.services.snapshot import Provider
from app.services.state import State, UpstreamFactory
from app.services.views import Actor, FoundKey, ModelView, ProviderSpec, ProviderView, TestResult

log = structlog.get_logger()


class Providers:
    def __init__(
        self,
        state: State,
        vault: Vault,
        catalog: Catalog,
        health: Health,
        views: ProviderViews,
        make_upstream: UpstreamFactory,
        clock: Clock,
    ) -> None:
        self._state, self._clock = state, clock
        self._health, self._views, self._make_upstream = health, views, make_upstream
        self.rows = ProviderRows(vault, catalog, clock)

    def list(self) -> Sequence[ProviderView]:
        return [self._views.view(provider) for provider in self._state.current.providers.values()]

    def names(self) -> Sequence[str]:
        return [provider.name for provider in self._state.current.providers.values()]

    def get(self, id_or_name: str) -> ProviderView:
        return self._views.view(self.find(id_or_name))

    def find(self, id_or_name: str) -> Provider:
        provider = self._state.current.provider_named(id_or_name)
        if provider is None:
            raise NotFound(f'There is no provider "{id_or_name}".')
        return provider

    def kinds(self) -> Sequence[Kind]:
        """The kinds a person may add; the demo is built in."""
        return [kind for kind in kinds().values() if not kind.in_process]

    def models(self, usable_only: bool = True) -> Sequence[ModelView]:
        """What a person may pick: one entry a name, from the provider that comes first."""
        return self._views.models(usable_only)

    def found_in_environment(self) -> Sequence[FoundKey]:
        """Provider keys the environment holds for kinds that are not set up yet."""
        present = {provider.kind.name for provider in self._state.current.providers.values()}
        return [
            FoundKey(kind.name, kind.label, kind.key_env, kind.name)
            for kind in self.kinds()
            if kind.key_env and kind.name not in present and _in_environment(kind.key_env)
        ]

    async def add(self, actor: Actor | str, spec: ProviderSpec, *, ask: bool = True) -> ProviderView:
        """A new provider; without named models it is asked for them, else the catalogue's are taken."""
        provider_id = new_id("prov")

        def write(session: Session) -> None:
            self.rows.put(session, actor, spec, None, provider_id=provider_id)

        await self._state.change(write)
        if ask and spec.models is None:
            await self._ask_quietly(provider_id)
        return self.get(provider_id)

    async def update(
        self, actor: Actor | str, id_or_name: str, spec: ProviderSpec, *, ask: bool = True
    ) -> ProviderView:
        """Replaces everything; secrets stay unless new ones are given."""
        provider = self.find(id_or_name)
        before = self._views.spec_of(provider)

        def write(session: Session) -> None:
            self.rows.put(session, actor, spec, session.get_one(ProviderRow, provider.id))

        await self._state.change(write)
        moved = before.kind != spec.kind or before.base_url != spec.base_url or spec.api_keys or spec.api_key_env
        if moved:
            self._health.clear(self.find(provider.id))
        if ask and spec.models is None and (moved or before.models is not None):
            await self._ask_quietly(provider.id)
        return self.get(provider.id)

    async def set_enabled(self, actor: Actor | str, id_or_name: str, enabled: bool) -> ProviderView:
        provider = self.find(id_or_name)

        def write(session: Session) -> None:
            row = session.get_one(ProviderRow, provider.id)
            row.enabled = enabled
            row.updated_at = self._clock.now()
            session.add(row)
            note(session, actor, "enable provider" if enabled else "disable provider", provider.name)

        await self._state.change(write)
        return self.get(provider.id)

    async def delete(self, actor: Actor | str, id_or_name: str) -> None:
        """Takes it out of service and sight; `restore` brings it back with its keys."""
        provider = self.find(id_or_name)
        if provider.kind.in_process:
            raise Conflict("The demo provider is built in; disable it instead.")

        def write(session: Session) -> None:
            row = session.get_one(ProviderRow, provider.id)
            row.deleted_at = self._clock.now()
            row.name = f"{row.name}\0{row.id}"  # the name is free again
            session.add(row)
            note(session, actor, "delete provider", provider.name)

        await self._state.change(write)

    async def restore(self, actor: Actor | str, provider_id: str) -> ProviderView:
        def write(session: Session) -> None:
            row = session.get(ProviderRow, provider_id)
            if row is None or row.deleted_at is None:
                raise NotFound("That provider was not deleted.")
            name = row.name.split("\0")[0]
            free_name(session, name)
            row.name, row.deleted_at = name, None
            session.add(row)
            note(session, actor, "restore provider", name)

        await self._state.change(write)
        return self.get(provider_id)

    async def test(self, subject: ProviderSpec | str) -> TestResult:
        """A call that costs nothing, with the stored keys or those of a form. Stores nothing."""
        started = self._clock.monotonic()
        try:
            if isinstance(subject, str):
                provider = self.find(subject)
                upstream = provider.upstream
                secrets = [credential.secret for credential in provider.credentials] or [None]
            else:
                kind = check_provider(subject, set(FORMATS))
                upstream = await asyncio.to_thread(self._make_upstream, subject.name, kind, subject.base_url)
                secrets = [*self._secrets_of(subject)] or [None]
                provider = None
            found: list[FoundModel] = []
            for secret in secrets:
                found = await upstream.list_models(secret) if upstream.kind.models else []
                await upstream.probe(secret)
        except (UpstreamError, BadRequest, StartError) as error:
            return TestResult(False, error.message, 0, self._elapsed(started))
        if provider is not None:
            self._health.clear(provider)
        elapsed = self._elapsed(started)
        listed = f" It lists {_models(len(found))}." if upstream.kind.models else ""
        return TestResult(True, f"Connected in {elapsed} ms.{listed}", len(found), elapsed)

    async def refresh_models(self, actor: Actor | str, id_or_name: str) -> int:
        """Asks the provider for its models and takes them over; what the admin named stays. Returns how many there are.
        Raises UpstreamError."""
        provider = self.find(id_or_name)
        secret = next((c.secret for c in provider.credentials if c.secret), None)
        found = await provider.upstream.list_models(secret)
        now = self._clock.now()

        def write(session: Session) -> int:
            row = session.get_one(ProviderRow, provider.id)
            row.models_asked_at = now
            session.add(row)
            if row.models_listed:
                return len(provider.models)
            return self.rows.merge(session, provider.id, found)

        return await self._state.change(write)

    async def refresh_all(self, actor: Actor | str) -> tuple[int, Sequence[str]]:
        """Asks every enabled provider that can say; how many did, and what the others answered."""
        done, failed = 0, []
        for provider in list(self._state.current.providers.values()):
            if not provider.enabled or provider.models_listed or provider.kind.models is None:
                continue
            try:
                await self.refresh_models(actor, provider.id)
                done += 1
            except UpstreamError as error:
                failed.append(f"{provider.name}: {error.message}")
        return done, failed

    async def set_model_enabled(self, actor: Actor | str, provider_id: str, model_id: str, enabled: bool) -> None:
        provider = self.find(provider_id)

        def write(session: Session) -> None:
            query = select(DeploymentRow).where(
                DeploymentRow.provider_id == provider.id, DeploymentRow.model_id == model_id
            )
            row = session.exec(query).first()
            if row is None:
                raise NotFound(f'{provider.name} has no model "{model_id}".')
            row.enabled = enabled
            session.add(row)
            note(session, actor, "enable model" if enabled else "disable model", f"{provider.name}/{model_id}")

        await self._state.change(write)

    def _elapsed(self, started: float) -> int:
        return round((self._clock.monotonic() - started) * 1000)

    async def _ask_quietly(self, provider_id: str) -> None:
        if self.find(provider_id).kind.models is None:
            return
        try:
            await self.refresh_models("system", provider_id)
        except AnyGPTError as error:
            log.warning("the provider did not list its models", provider=provider_id, reason=error.message)

    def _secrets_of(self, spec: ProviderSpec) -> Sequence[str]:
        """The form's keys; where it has none, those already stored under that name."""
        if spec.api_keys:
            return [key.strip() for key in spec.api_keys]
        if spec.api_key_env:
            secret = read_variable(spec.api_key_env)
            if secret is None:
                raise BadRequest(
                    f"api_key_env: the variable {spec.api_key_env} is not set for this server.", field="api_key_env"
                )
            return [secret]
        stored = self._state.current.provider_named(spec.name)
        return [c.secret for c in stored.credentials if c.secret] if stored is not None else []


def _in_environment(variable: str) -> bool:
    return bool(os.environ.get(variable) or os.environ.get(f"{variable}_FILE"))


def _models(count: int) -> str:
    return "1 model" if count == 1 else f"{count} models"
