"""Applies a file: everything is tried first, then written in one transaction; then providers are asked for models."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from sqlmodel import Session, col, select

from app.core.errors import AnyGPTError, BadRequest, ClientError, Conflict
from app.core.settings import read_variable
from app.db.tables.keys import KeyRow
from app.db.tables.people import PersonRow
from app.db.tables.providers import ProviderRow
from app.services.audit import note
from app.services.changes import Change, about
from app.services.config_file.checks import check_once, check_routers, unlisted_targets
from app.services.config_file.document import ConfigFile, Document
from app.services.config_file.prune import prune_absent
from app.services.config_file.reading import within
from app.services.config_file.specs import key_spec, provider_spec
from app.services.container import Services
from app.services.people import has_owner
from app.services.router_rows import live_documents
from app.services.runtime_store import write_settings
from app.services.tier_members import check_members

ASK_S = 5.0
_LEADS_TO_OTHER_MODELS = {"kind", "base_url", "api_key", "models"}


@dataclass(frozen=True, slots=True)
class ApplyReport:
    """What changed (or would), the secrets of new keys, which are shown once, and what a person should know."""

    changes: tuple[Change, ...] = ()
    secrets: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    dry_run: bool = False


async def apply(
    services: Services, text: str, *, prune: bool = False, dry_run: bool = False, actor: str = "apply"
) -> ApplyReport:
    """Raises BadRequest naming line and field; then nothing has changed."""
    file = ConfigFile(text)
    try:
        check_once(file.document)
        work = _Work(services, file.document, await _hashes(services, file.document), actor, prune)
        planned = await services.db.write(work.rehearse)
        if dry_run or not planned.changes:
            return replace(planned, secrets={}, dry_run=dry_run)
        report = await services.state.change(work.write)
    except ClientError as error:
        raise file.located(error) from None
    notes = await _ask_for_models(services, file.document, report.changes)
    return replace(report, notes=(*report.notes, *notes))


class _Work:
    """The transaction. Settings and people first: keys name people and routers, routers name providers."""

    def __init__(
        self, services: Services, document: Document, hashes: dict[str, str | None], actor: str, prune: bool
    ) -> None:
        self._services, self._document = services, document
        self._hashes, self._actor, self._prune = hashes, actor, prune

    def rehearse(self, session: Session) -> ApplyReport:
        """All of it, taken back: a fault shows before anything is in force."""
        savepoint = session.begin_nested()
        try:
            return self.write(session)
        finally:
            savepoint.rollback()

    def write(self, session: Session) -> ApplyReport:
        secrets: dict[str, str] = {}
        notes = unlisted_targets(self._document)
        changes = [*self._settings(session), *self._people(session, notes), *self._providers(session)]
        changes += [*self._routers(session), *self._keys(session, secrets)]
        if self._prune:
            changes += prune_absent(session, self._document, self._actor, self._services.clock.now())
        with within(("settings",)):
            check_members(session)
        return ApplyReport(tuple(changes), secrets, tuple(notes))

    def _settings(self, session: Session) -> list[Change]:
        values = self._document.settings
        changed = write_settings(session, values)
        if changed:
            note(session, self._actor, "change settings", ", ".join(changed), after={n: values[n] for n in changed})
        return [Change("change", "setting", name) for name in changed]

    def _people(self, session: Session, notes: list[str]) -> list[Change]:
        changes = []
        had_owner = has_owner(session)
        for position, item in enumerate(self._document.users):
            with within(("users", position)):
                email = item.email.strip().lower()
                row, change = self._services.people.put(
                    session,
                    self._actor,
                    session.exec(select(PersonRow).where(PersonRow.email == email)).first(),
                    item.email,
                    name=item.name,
                    role=item.role,
                    tier=item.tier,
                    disabled=not item.enabled,
                    password_hash=self._hashes.get(email),
                )
            if change is not None:
                changes.append(change)
                if row.password_hash is None:
                    notes.append(f"{email} has no password yet: anygpt user reset-password {email}")
        session.flush()
        if not has_owner(session):
            if had_owner:
                raise Conflict('users: nobody would be owner any more; give one person role = "owner".', field="users")
            if self._document.users:
                notes.append("Nobody is owner yet: the set-up link of `anygpt serve` makes that account.")
        return changes

    def _providers(self, session: Session) -> list[Change]:
        changes = []
        for position, item in enumerate(self._document.providers):
            with within(("providers", position)):
                query = select(ProviderRow).where(ProviderRow.name == item.name)
                row = session.exec(query).first()
                change = self._services.providers.rows.put(
                    session, self._actor, provider_spec(item), row, from_file=True
                )
            changes += [change] if change is not None else []
        return changes

    def _routers(self, session: Session) -> list[Change]:
        names = session.exec(select(ProviderRow.name).where(col(ProviderRow.deleted_at).is_(None)))
        check_routers(self._document, live_documents(session), set(names))
        puts = (self._services.routers.put(session, self._actor, item) for item in self._document.routers)
        return [change for change in puts if change is not None]

    def _keys(self, session: Session, secrets: dict[str, str]) -> list[Change]:
        changes = []
        session.flush()
        for position, item in enumerate(self._document.keys):
            with within(("keys", position)):
                row = session.exec(select(KeyRow).where(KeyRow.name == item.name.strip())).first()
                change, secret = self._services.keys.put(session, self._actor, key_spec(item), row, from_file=True)
            if change is not None:
                changes.append(change)
            if secret is not None and item.secret is None:
                secrets[item.name] = secret
        return changes


async def _hashes(services: Services, document: Document) -> dict[str, str | None]:
    """Passwords of those who are not there yet, hashed before the transaction, which it would hold up."""
    hashes: dict[str, str | None] = {}
    present = services.state.current.by_email
    for position, item in enumerate(document.users):
        email = item.email.strip().lower()
        with within(("users", position)):
            if item.password is not None and item.password_env is not None:
                raise BadRequest("password_env: give password or password_env, not both.", field="password_env")
            if email in present:
                continue
            password = item.password
            if item.password_env is not None:
                password = read_variable(item.password_env)
                if password is None:
                    raise BadRequest(
                        f"password_env: the variable {item.password_env} is not set.", field="password_env"
                    )
            hashes[email] = None if password is None else await services.people.hash(password)
    return hashes


async def _ask_for_models(services: Services, document: Document, changes: tuple[Change, ...]) -> list[str]:
    """Providers whose models the file leaves open, all at once. One that does not answer keeps the catalogue's."""
    changed = {change.name: change for change in changes if change.what == "provider"}
    asked = [
        item.name
        for item in document.providers
        if item.models is None and item.enabled and item.name in changed and _needs_asking(changed[item.name])
    ]
    notes = await asyncio.gather(*(_ask(services, name) for name in asked))
    return [sentence for sentence in notes if sentence]


def _needs_asking(change: Change) -> bool:
    return change.action == "add" or not _LEADS_TO_OTHER_MODELS.isdisjoint(change.fields)


async def _ask(services: Services, name: str) -> str:
    try:
        async with asyncio.timeout(ASK_S):
            await services.providers.refresh_models("apply", name)
    except TimeoutError:
        reason = f"it did not list its models within {ASK_S:g} s"
    except AnyGPTError as error:
        reason = error.message
    else:
        return ""
    count = len(services.providers.find(name).models)
    kept = f"The {count} models of the catalogue stand in." if count else "It has no models until it answers."
    return f"{about(name, reason).rstrip('.')}. {kept}"
