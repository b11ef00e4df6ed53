"""Rows of providers, their keys and their models, written in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlmodel import Session, col, delete, select

from app.core.clock import Clock
from app.core.errors import BadRequest, Conflict
from app.core.ids import new_id
from app.core.price import stored_price
from app.db.tables.providers import CredentialRow, DeploymentRow, ProviderRow
from app.formats.registry import FORMATS
from app.providers.catalog import Catalog
from app.providers.kinds import Kind
from app.providers.model_lists import FoundModel
from app.security.tokens import hint
from app.security.vault import Vault
from app.services.audit import note
from app.services.changes import Change, differing
from app.services.price_history import PROVIDER, own_change
from app.services.provider_fields import check_provider, price_of
from app.services.views import Actor, ModelSpec, ProviderSpec

DEMO = "demo"
DEMO_PRIORITY = 1000
DEMO_MODELS = [
    ModelSpec(id=f"demo/{name}", context_window=32_000, max_output_tokens=4_096)
    for name in ("chat", "echo", "slow", "failing")
]
PriceOf = tuple[str, dict[str, Any] | None, dict[str, Any] | None]  # a model's id, its price before and after
_MODEL_FIELDS = ("alias", "enabled", "price", "context_window", "max_output_tokens", "capabilities")


class ProviderRows:
    def __init__(self, vault: Vault, catalog: Catalog, clock: Clock) -> None:
        self._vault, self._catalog, self._clock = vault, catalog, clock

    def put(
        self,
        session: Session,
        actor: Actor | str,
        spec: ProviderSpec,
        row: ProviderRow | None,
        *,
        provider_id: str | None = None,
        from_file: bool = False,
    ) -> Change | None:
        """Adds a provider (`row` None) or replaces all of it; secrets stay unless new ones are given.
        None where nothing differs. Raises BadRequest or Conflict naming the field."""
        kind = check_provider(spec, set(FORMATS))
        _check_demo(kind, row)
        spec = _normal(spec, kind)
        if row is None or row.name != spec.name:
            free_name(session, spec.name)
        action = "change" if row is not None else "add"
        if row is None:
            row = ProviderRow(id=provider_id or new_id("prov"), name=spec.name, kind=spec.kind, from_file=from_file)
            before: dict[str, Any] = {}
        else:
            before = self._state(session, row)
        after = self._wanted(spec, before)
        fields = differing(before, after)
        if action == "change" and not fields:
            return None
        self._fill(session, actor, row, kind, spec, after, fields)
        shown_before = {name: _shown(name, before[name]) for name in fields if name in before}
        note(session, actor, f"{action} provider", spec.name, shown_before or None, _audited(after, fields))
        return Change(action, "provider", spec.name, fields if action == "change" else ())

    def merge(self, session: Session, provider_id: str, found: Sequence[FoundModel]) -> int:
        """Found models are added and brought up to date; those found earlier and now gone are taken out."""
        present = _deployments(session, provider_id)
        kind = session.get_one(ProviderRow, provider_id).kind
        for model in found:
            before = present.pop(model.id, None)
            row = before or DeploymentRow(id=new_id("dep"), provider_id=provider_id, model_id=model.id)
            row.name = model.name
            row.context_window, row.max_output_tokens = model.context_window, model.max_output_tokens
            row.capabilities = sorted(model.capabilities) if model.capabilities is not None else None
            price = stored_price(model.price) if model.price is not None else None
            if before is not None and not row.listed and price not in (None, row.price) and row.own_price is None:
                now = self._clock.now()
                session.add(own_change(now, kind, provider_id, model.id, row.price, price, source=PROVIDER))
            row.price, row.listed = price, False
            session.add(row)
        for gone in present.values():
            session.delete(gone)
        return len(found)

    def _state(self, session: Session, row: ProviderRow) -> dict[str, Any]:
        """What the rows say, in the terms of `_wanted`."""
        models = _deployments(session, row.id).values() if row.models_listed else None
        return {
            "name": row.name,
            "kind": row.kind,
            "base_url": row.base_url,
            "formats": row.formats,
            "enabled": row.enabled,
            "priority": row.priority,
            "rate_limit": row.rate_limit,
            "api_key": self._credentials(session, row.id),
            "models": None if models is None else {each.model_id: _facts(each) for each in models},
        }

    def _wanted(self, spec: ProviderSpec, before: dict[str, Any]) -> dict[str, Any]:
        present: list[tuple[str, str]] = before.get("api_key", [])
        named = next((value for source, value in present if source == "env"), None)
        if spec.api_keys is None and spec.api_key_env in (None, named):
            credentials = present  # secrets left out stay
        else:
            credentials = [("key", key.strip()) for key in spec.api_keys or ()]
            credentials += [("env", spec.api_key_env)] if spec.api_key_env else []
        models = None
        if spec.models is not None:
            rows = [_row_of("", model, f"models[{at}]") for at, model in enumerate(spec.models)]
            models = {row.model_id: _facts(row) for row in rows}
        return {
            "name": spec.name,
            "kind": spec.kind,
            "base_url": spec.base_url,
            "formats": spec.formats,
            "enabled": spec.enabled,
            "priority": spec.priority,
            "rate_limit": spec.rate_limit,
            "api_key": credentials,
            "models": models,
        }

    def _credentials(self, session: Session, provider_id: str) -> list[tuple[str, str]]:
        query = select(CredentialRow).where(CredentialRow.provider_id == provider_id)
        return [
            ("env", row.env)
            if row.env
            else ("key", self._vault.decrypt(row.secret or b"", table="credential", column="secret", row=row.id))
            for row in session.exec(query.order_by(col(CredentialRow.position)))
        ]

    def _fill(
        self,
        session: Session,
        actor: Actor | str,
        row: ProviderRow,
        kind: Kind,
        spec: ProviderSpec,
        after: dict[str, Any],
        fields: tuple[str, ...],
    ) -> None:
        row.name, row.kind = spec.name, spec.kind
        row.base_url, row.formats = spec.base_url, spec.formats
        row.enabled, row.priority, row.rate_limit = spec.enabled, spec.priority, spec.rate_limit
        row.models_listed = spec.models is not None
        row.updated_at = self._clock.now()
        session.add(row)
        session.flush()
        if "api_key" in fields:
            self._fill_credentials(session, row.id, after["api_key"])
        if spec.models is not None:
            changes = _list_models(session, row.id, spec.models)
            now, email = self._clock.now(), actor if isinstance(actor, str) else actor.email
            session.add_all(own_change(now, kind.name, row.id, *change, actor=email) for change in changes)
        elif "models" in fields or not _deployments(session, row.id):
            self._seed_models(session, row.id, kind)

    def _seed_models(self, session: Session, provider_id: str, kind: Kind) -> None:
        """The catalogue's, until the provider is asked; what an admin had listed is no longer in force."""
        for row in _deployments(session, provider_id).values():
            row.alias, row.enabled, row.listed = None, True, False
            row.price = row.context_window = row.max_output_tokens = row.capabilities = None
            session.add(row)
        session.flush()
        facts = list(self._catalog.search(provider=kind.catalogue)) if kind.catalogue else []
        if facts:
            self.merge(session, provider_id, [FoundModel(id=each.id) for each in facts])

    def _fill_credentials(self, session: Session, provider_id: str, credentials: list[tuple[str, str]]) -> None:
        session.exec(delete(CredentialRow).where(col(CredentialRow.provider_id) == provider_id))
        for position, (source, value) in enumerate(credentials):
            row = CredentialRow(id=new_id("cred"), provider_id=provider_id, position=position)
            if source == "env":
                row.env, row.position = value, 1000
            else:
                row.hint = hint(value)
                row.secret = self._vault.encrypt(value, table="credential", column="secret", row=row.id)
            session.add(row)


def add_demo(session: Session) -> None:
    """The built-in provider of a fresh installation."""
    row = ProviderRow(id=new_id("prov"), name=DEMO, kind=DEMO, priority=DEMO_PRIORITY, models_listed=True)
    session.add(row)
    session.flush()
    _list_models(session, row.id, DEMO_MODELS)


def free_name(session: Session, name: str) -> None:
    if session.exec(select(ProviderRow).where(ProviderRow.name == name)).first() is not None:
        raise Conflict(f'name: there already is a provider "{name}".', field="name")


def _check_demo(kind: Kind, row: ProviderRow | None) -> None:
    if row is not None and row.kind == DEMO and not kind.in_process:
        raise BadRequest("kind: the demo provider keeps its kind.", field="kind")
    if kind.in_process and (row is None or row.kind != DEMO):
        raise BadRequest("kind: the demo provider is built in; there is only one.", field="kind")


def _normal(spec: ProviderSpec, kind: Kind) -> ProviderSpec:
    """One spelling for each meaning, so that saying the same twice is no change."""
    models = DEMO_MODELS if kind.in_process and spec.models is None else spec.models
    if models is not None:
        models = [replace(model, alias=None) if model.alias == model.id else model for model in models]
    base_url = spec.base_url.strip().rstrip("/") if spec.base_url else None
    return replace(spec, base_url=base_url or None, rate_limit=spec.rate_limit or None, models=models)


def _list_models(session: Session, provider_id: str, models: list[ModelSpec]) -> list[PriceOf]:
    """Exactly these; a model that stays keeps its id, and so its history. Returns prices that changed."""
    present = _deployments(session, provider_id)
    changes: list[PriceOf] = []
    for position, model in enumerate(models):
        fresh = _row_of(provider_id, model, f"models[{position}]")
        row = present.pop(model.id, None)
        if row is None:
            session.add(fresh)
            continue
        before = row.own_price if row.own_price is not None else row.price
        if before != fresh.price:
            changes.append((model.id, before, fresh.price))
        row.listed, row.own_price = True, None
        for name in _MODEL_FIELDS:
            setattr(row, name, getattr(fresh, name))
        session.add(row)
    for gone in present.values():
        session.delete(gone)
    return changes


def _deployments(session: Session, provider_id: str) -> dict[str, DeploymentRow]:
    query = select(DeploymentRow).where(DeploymentRow.provider_id == provider_id)
    return {row.model_id: row for row in session.exec(query)}


def _row_of(provider_id: str, model: ModelSpec, where: str) -> DeploymentRow:
    return DeploymentRow(
        id=new_id("dep"),
        provider_id=provider_id,
        model_id=model.id,
        alias=model.alias,
        enabled=model.enabled,
        listed=True,
        price=price_of(model, where),
        context_window=model.context_window,
        max_output_tokens=model.max_output_tokens,
        capabilities=model.capabilities,
    )


def _facts(row: DeploymentRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _MODEL_FIELDS}


def _audited(after: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    return {name: _shown(name, after[name]) for name in fields if after[name] is not None}


def _shown(name: str, value: Any) -> Any:
    """As the audit log keeps it: numbers of keys and models, never a secret."""
    if name == "api_key":
        return ", ".join(f"from {text}" if source == "env" else "given" for source, text in value)
    return len(value) if name == "models" and value is not None else value
