"""Gateway keys: made, changed, rotated, revoked. A secret is shown once; the database keeps its HMAC."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlmodel import Session, col, select

from app.core.clock import Clock
from app.core.errors import BadRequest, Conflict, NotAllowed, NotFound
from app.core.ids import new_id
from app.core.money import format_usd
from app.db.engine import Database
from app.db.tables.keys import KeyRow
from app.db.tables.ledger import RequestRow
from app.db.types import micros
from app.security.permissions import Permission, allows
from app.security.tokens import check_key_secret, hint, new_key_secret
from app.security.vault import Vault
from app.services.audit import note
from app.services.budgets import Budget, KeyBudgets, window_start
from app.services.gateway.admission import Admission
from app.services.key_fields import check_budgets, check_limits, moment, network, non_empty, one_of
from app.services.people import check_email
from app.services.snapshot import DEFAULT_SCOPES, SCOPES, Key, Snapshot
from app.services.state import State
from app.services.views import Actor, KeySpec, KeyView, Person


class Keys:
    def __init__(
        self, db: Database, state: State, vault: Vault, admission: Admission, clock: Clock, zone: ZoneInfo
    ) -> None:
        self._db, self._state, self._vault = db, state, vault
        self._admission, self._clock, self._zone = admission, clock, zone

    async def list(self, viewer: Person, *, all: bool = False) -> Sequence[KeyView]:
        """A person's own keys, or everyone's for those who may see them; the newest first."""
        if all and not allows(viewer.role, Permission.MANAGE_GATEWAY):
            raise NotAllowed("Only an owner or admin sees everyone's keys.")
        keys = [
            key
            for key in self._state.current.keys.values()
            if all or (key.person is not None and key.person.id == viewer.id)
        ]
        today = await self._db.read(self._today)
        return [self.view(key, today) for key in sorted(keys, key=lambda key: key.id, reverse=True)]

    def find(self, id_or_name: str) -> Key:
        keys = self._state.current.keys_by_id
        key = keys.get(id_or_name) or next((key for key in keys.values() if key.name == id_or_name), None)
        if key is None:
            raise NotFound(f'There is no key "{id_or_name}".')
        return key

    async def get(self, actor: Person, id_or_name: str) -> KeyView:
        return self.view(self._owned(actor, id_or_name), await self._db.read(self._today))

    async def create(self, actor: Actor | str, spec: KeySpec, *, from_file: bool = False) -> tuple[KeyView, str]:
        """The key and its secret, which is never shown again."""
        secret = check_key_secret(spec.secret) if spec.secret else new_key_secret()
        values = self._values(actor, spec)
        row = KeyRow(
            id=new_id("key"),
            secret_hmac=self._vault.sign(secret),
            hint=_key_hint(secret),
            from_file=from_file,
            disabled=not spec.enabled,
            **values,
        )

        def write(session: Session) -> None:
            _check_name_free(session, row.name)
            if session.exec(select(KeyRow).where(KeyRow.secret_hmac == row.secret_hmac)).first() is not None:
                raise Conflict("secret: another key already has this secret.", field="secret")
            session.add(row)
            note(session, actor, "create key", row.name, after=_audited(values))

        await self._state.change(write)
        return self.view(self.find(row.id), {}), secret

    async def update(self, actor: Actor | str, id_or_name: str, spec: KeySpec, *, from_file: bool = False) -> KeyView:
        """Replaces everything but the secret (a given one replaces it too)."""
        key = self._owned(actor, id_or_name)
        values = self._values(actor, spec)
        secret = check_key_secret(spec.secret) if spec.secret else None

        def write(session: Session) -> None:
            row = session.get_one(KeyRow, key.id)
            if row.name != values["name"]:
                _check_name_free(session, values["name"])
            before = {name: getattr(row, name) for name in values}
            for name, value in values.items():
                setattr(row, name, value)
            row.disabled = not spec.enabled
            row.from_file = row.from_file or from_file
            row.updated_at = self._clock.now()
            if secret is not None:
                row.secret_hmac, row.hint = self._vault.sign(secret), _key_hint(secret)
            session.add(row)
            note(session, actor, "change key", row.name, _audited(before), _audited(values))

        await self._state.change(write)
        return self.view(self.find(key.id), await self._db.read(self._today))

    async def revoke(self, actor: Actor | str, id_or_name: str) -> None:
        key = self._owned(actor, id_or_name)

        def write(session: Session) -> None:
            row = session.get_one(KeyRow, key.id)
            row.disabled = True
            row.updated_at = self._clock.now()
            session.add(row)
            note(session, actor, "revoke key", row.name)

        await self._state.change(write)

    async def rotate(self, actor: Actor | str, id_or_name: str) -> tuple[KeyView, str]:
        """A new secret at once; the old one is dead."""
        key = self._owned(actor, id_or_name)
        secret = new_key_secret()

        def write(session: Session) -> None:
            row = session.get_one(KeyRow, key.id)
            row.secret_hmac, row.hint = self._vault.sign(secret), _key_hint(secret)
            row.disabled = False
            row.updated_at = self._clock.now()
            session.add(row)
            note(session, actor, "rotate key", row.name)

        await self._state.change(write)
        return self.view(self.find(key.id), await self._db.read(self._today)), secret

    async def follow(self, snapshot: Snapshot) -> None:
        """Budgets of new and changed keys, with what the ledger says is spent, before such a key can be used."""
        alive = snapshot.keys_by_id
        self._admission.forget(set(alive))
        changed = [key for key in alive.values() if key.budgets and not self._up_to_date(key)]
        if not changed:
            return
        spent = await self._db.read(lambda session: {key.id: self._spent(session, key) for key in changed})
        now = self._clock.now()
        for key in changed:
            known = self._admission.known_budgets(key.id)
            reserved = known.budgets[0].reserved if known is not None and known.budgets else 0
            budgets = []
            for definition, already in zip(key.budgets, spent[key.id], strict=True):
                budget = Budget(definition["usd"], definition["window"], self._zone)
                budget.roll(now)
                budget.spent, budget.reserved = already, reserved
                budgets.append(budget)
            if known is not None:
                known.budgets = budgets  # reservations under way settle here
            else:
                self._admission.set_budgets(key.id, KeyBudgets(budgets))

    def view(self, key: Key, today: dict[str, tuple[int, int]]) -> KeyView:
        budgets = self._admission.budgets(key)
        now = self._clock.now()
        requests, spend = today.get(key.id, (0, 0))
        return KeyView(
            id=key.id,
            name=key.name,
            hint=key.hint,
            owner=key.person.email if key.person is not None else None,
            router=key.router,
            models=key.models,
            scopes=tuple(scope for scope in SCOPES if scope in key.scopes),
            limits=key.limits,
            budgets=tuple(budget.view(now) for budget in budgets.budgets) if budgets is not None else (),
            allowed_ips=key.allowed_ips,
            allowed_referrers=key.allowed_referrers,
            expires=key.expires_at,
            disabled=key.disabled,
            on_budget=key.on_budget,
            unknown_price=key.unknown_price,
            created_at=key.created_at,
            updated_at=key.updated_at,
            last_used_at=self._admission.last_used.get(key.id),
            requests_today=requests,
            spend_today=spend,
        )

    def _up_to_date(self, key: Key) -> bool:
        known = self._admission.known_budgets(key.id)
        return known is not None and [(b.limit, b.window) for b in known.budgets] == [
            (definition["usd"], definition["window"]) for definition in key.budgets
        ]

    def _spent(self, session: Session, key: Key) -> Sequence[int]:
        """Nano-dollars spent in the present window of each budget, interrupted attempts included."""
        now = self._clock.now()

        def spent(definition: dict[str, Any]) -> int:
            start = window_start(definition["window"], now, self._zone)
            since = micros(start) if start is not None else 0
            requests = select(func.coalesce(func.sum(RequestRow.cost), 0)).where(
                RequestRow.key_id == key.id, col(RequestRow.at) >= datetime.fromtimestamp(since / 1e6, UTC)
            )
            return int(session.exec(requests).one() or 0)

        return [spent(definition) for definition in key.budgets]

    def _today(self, session: Session) -> dict[str, tuple[int, int]]:
        start = window_start("day", self._clock.now(), self._zone)
        query = (
            select(RequestRow.key_id, func.count(), func.coalesce(func.sum(RequestRow.cost), 0))
            .where(col(RequestRow.at) >= start, col(RequestRow.key_id).is_not(None))
            .group_by(col(RequestRow.key_id))
        )
        return {str(key_id): (count, int(cost or 0)) for key_id, count, cost in session.exec(query)}

    def _owned(self, actor: Actor | str, id_or_name: str) -> Key:
        """Admins manage every key, others their own."""
        key = self.find(id_or_name)
        if isinstance(actor, str) or allows(actor.role, Permission.MANAGE_GATEWAY):
            return key
        if key.person is None or key.person.id != actor.id:
            raise NotFound(f'There is no key "{id_or_name}".')
        return key

    def _values(self, actor: Actor | str, spec: KeySpec) -> dict[str, Any]:
        """The row's columns, checked. A member's key belongs to that member and never opens /api."""
        name = spec.name.strip()
        if not 1 <= len(name) <= 100:
            raise BadRequest("name: 1 to 100 characters.", field="name")
        manages = isinstance(actor, str) or allows(actor.role, Permission.MANAGE_GATEWAY)
        scopes = list(DEFAULT_SCOPES) if spec.scopes is None else list(dict.fromkeys(spec.scopes))
        for scope in scopes:
            if scope not in SCOPES:
                raise BadRequest(f'scopes: "{scope}" is not one of {", ".join(SCOPES)}.', field="scopes")
        owner = self._owner(actor, spec, manages)
        if "admin" in scopes and not manages:
            raise NotAllowed("Only an owner or admin can make a key with the scope admin.")
        if spec.router is not None and spec.router not in self._state.current.routers:
            known = ", ".join(self._state.current.routers)
            raise BadRequest(f'router: there is no router "{spec.router}"; known are {known}.', field="router")
        return {
            "name": name,
            "person_id": owner,
            "router": spec.router,
            "models": non_empty(spec.models, "models"),
            "scopes": scopes,
            "limits": check_limits(spec.limits),
            "budgets": check_budgets(spec.budgets),
            "on_budget": one_of(spec.on_budget, "on_budget", ("refuse", "cheapest")),
            "unknown_price": one_of(spec.unknown_price, "unknown_price", ("refuse", "allow")),
            "allowed_ips": [network(each) for each in spec.allowed_ips],
            "allowed_referrers": list(spec.allowed_referrers),
            "expires_at": moment(spec.expires, self._zone),
        }

    def _owner(self, actor: Actor | str, spec: KeySpec, manages: bool) -> str | None:
        people = self._state.current
        if spec.owner is not None:
            person = people.by_email.get(check_email(spec.owner))
            if person is None:
                raise BadRequest(f'owner: there is no person "{spec.owner}".', field="owner")
            if not manages and not isinstance(actor, str) and person.id != actor.id:
                raise NotAllowed("You can make keys for yourself only.")
            return person.id
        return None if isinstance(actor, str) or manages else actor.id


def _audited(values: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}
    shown["budgets"] = [{"usd": format_usd(b["usd"]), "window": b["window"]} for b in values["budgets"]]
    return shown


def _key_hint(secret: str) -> str:
    return hint(secret, secret.index("_", 3) + 1)


def _check_name_free(session: Session, name: str) -> None:
    if session.exec(select(KeyRow).where(KeyRow.name == name)).first() is not None:
        raise Conflict(f'name: there already is a key "{name}".', field="name")
