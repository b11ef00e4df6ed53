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
from app.db.tables.people import PersonRow
from app.db.tables.routers import RouterRow
from app.db.types import micros
from app.routing.document import BUILT_IN
from app.security.permissions import Permission, allows
from app.security.tokens import check_key_secret, hint, new_key_secret
from app.security.vault import Vault
from app.services.audit import note
from app.services.budgets import Budget, KeyBudgets, window_start
from app.services.changes import Change, differing
from app.services.gateway.admission import Admission
from app.services.key_fields import check_budgets, check_limits, moment, network, non_empty, one_of
from app.services.people import check_email
from app.services.snapshot import DEFAULT_SCOPES, SCOPES, Key, Snapshot
from app.services.state import State
from app.services.tiers import check_tier, tiers_in
from app.services.views import Actor, KeySpec, KeyView, Person


class Keys:
    def __init__(
        self, db: Database, state: State, vault: Vault, admission: Admission, clock: Clock, zone: ZoneInfo
    ) -> None:
        self._db, self._state, self._vault = db, state, vault
        self._admission, self._clock, self._zone = admission, clock, zone

    async def list(self, viewer: Person | str, *, all: bool = False) -> Sequence[KeyView]:
        """A person's own keys, or everyone's for those who may see them (a name: the command line); newest first."""
        if all and not _manages(viewer):
            raise NotAllowed("Only an owner or admin sees everyone's keys.")
        keys = [
            key
            for key in self._state.current.keys.values()
            if all or (key.person is not None and not isinstance(viewer, str) and key.person.id == viewer.id)
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

    async def create(self, actor: Actor | str, spec: KeySpec) -> tuple[KeyView, str]:
        """The key and its secret, which is never shown again."""
        key_id = new_id("key")
        _, secret = await self._state.change(lambda session: self.put(session, actor, spec, None, key_id=key_id))
        assert secret is not None
        return self.view(self.find(key_id), {}), secret

    async def update(self, actor: Actor | str, id_or_name: str, spec: KeySpec) -> KeyView:
        """Replaces everything but the secret (a given one replaces it too)."""
        key = self._changeable(actor, id_or_name)
        await self._state.change(lambda session: self.put(session, actor, spec, session.get_one(KeyRow, key.id)))
        return self.view(self.find(key.id), await self._db.read(self._today))

    def put(
        self,
        session: Session,
        actor: Actor | str,
        spec: KeySpec,
        row: KeyRow | None,
        *,
        key_id: str | None = None,
        from_file: bool = False,
    ) -> tuple[Change | None, str | None]:
        """Adds a key (`row` None) or replaces all but its secret, in the caller's transaction. Returns what changed,
        None for nothing, and a new key's secret."""
        values = self._values(session, actor, spec, row)
        if row is None or row.name != values["name"]:
            _check_name_free(session, values["name"])
        secret = check_key_secret(spec.secret) if spec.secret else new_key_secret() if row is None else None
        if secret is not None:
            values |= {"secret_hmac": self._vault.sign(secret), "hint": _key_hint(secret)}
            _check_secret_free(session, values["secret_hmac"], row)
        before = {name: getattr(row, name) for name in values} if row is not None else {}
        fields = differing(before, values)
        if row is not None and not fields:
            return None, None
        action = "change" if row is not None else "create"
        if row is None:
            row = KeyRow(id=key_id or new_id("key"), from_file=from_file, **values)
        for name in fields:
            setattr(row, name, values[name])
        row.updated_at = self._clock.now()
        session.add(row)
        shown = {name: before[name] for name in fields if name in before}
        note(
            session, actor, f"{action} key", row.name, _audited(shown) or None, _audited({n: values[n] for n in fields})
        )
        if action == "create":
            return Change("add", "key", row.name), secret
        return Change("change", "key", row.name, _as_in_the_file(fields)), None

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
        key = self._changeable(actor, id_or_name)
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
        self._admission.forget(alive.keys() | snapshot.people.keys())
        for key in alive.values():
            if not key.budgets and (known := self._admission.known_budgets(key.id)) is not None:
                known.budgets = []  # what is spent from now on is in the ledger alone
        changed = [key for key in alive.values() if key.budgets and not self._up_to_date(key)]
        if not changed:
            return
        spent = await self._db.read(lambda session: {key.id: self._spent(session, key) for key in changed})
        now = self._clock.now()
        for key in changed:
            budgets = []
            for definition, already in zip(key.budgets, spent[key.id], strict=True):
                budget = Budget(definition["usd"], definition["window"], self._zone)
                budget.roll(now)
                budget.spent = already
                budgets.append(budget)
            if (known := self._admission.known_budgets(key.id)) is not None:
                known.replace(budgets, now)  # reservations under way settle here
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
            tier=key.tier,
            in_tier=key.in_tier.name if key.in_tier is not None else None,
            limits=key.limits,
            limits_in_force=key.limits_in_force,
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
        if isinstance(actor, str) or _manages(actor):
            return key
        if key.person is None or key.person.id != actor.id:
            raise NotFound(f'There is no key "{id_or_name}".')
        return key

    def _changeable(self, actor: Actor | str, id_or_name: str) -> Key:
        """Who may not manage all keys cannot bring a revoked one back."""
        key = self._owned(actor, id_or_name)
        if key.disabled and not isinstance(actor, str) and not _manages(actor):
            raise NotAllowed(f'The key "{key.name}" was revoked. Make a new one, or ask an admin.')
        return key

    def _values(self, session: Session, actor: Actor | str, spec: KeySpec, row: KeyRow | None) -> dict[str, Any]:
        """The row's columns, checked. A member's key belongs to that member and never opens /api."""
        name = spec.name.strip()
        if not 1 <= len(name) <= 100:
            raise BadRequest("name: 1 to 100 characters.", field="name")
        manages = _manages(actor)
        wanted = DEFAULT_SCOPES if spec.scopes is None else spec.scopes
        for scope in wanted:
            if scope not in SCOPES:
                raise BadRequest(f'scopes: "{scope}" is not one of {", ".join(SCOPES)}.', field="scopes")
        if "admin" in wanted and not manages:
            raise NotAllowed("Only an owner or admin can make a key with the scope admin.")
        if row is None or row.router != spec.router:
            _check_router(session, spec.router)
        expires = moment(spec.expires, self._zone)
        return {
            "name": name,
            "person_id": _owner(session, actor, spec, manages),
            "router": spec.router,
            "models": non_empty(spec.models, "models"),
            "scopes": [scope for scope in SCOPES if scope in wanted],
            "tier": _tier(session, spec, row, manages),
            "limits": check_limits(spec.limits),
            "budgets": check_budgets(spec.budgets),
            "on_budget": one_of(spec.on_budget, "on_budget", ("refuse", "cheapest")),
            "unknown_price": one_of(spec.unknown_price, "unknown_price", ("refuse", "allow")),
            "allowed_ips": [network(each) for each in spec.allowed_ips],
            "allowed_referrers": list(spec.allowed_referrers),
            "expires_at": expires.replace(microsecond=0) if expires is not None else None,
            "disabled": not spec.enabled,
        }


def _tier(session: Session, spec: KeySpec, row: KeyRow | None, manages: bool) -> str | None:
    """A member's key is in its person's tier, unless an admin put it into another."""
    if not manages:
        return row.tier if row is not None else None
    check_tier(spec.tier, tiers_in(session))
    return spec.tier


def _manages(actor: Actor | str) -> bool:
    return isinstance(actor, str) or allows(actor.role, Permission.MANAGE_GATEWAY)


def _owner(session: Session, actor: Actor | str, spec: KeySpec, manages: bool) -> str | None:
    if spec.owner is not None:
        email = check_email(spec.owner, "owner")
        person = session.exec(select(PersonRow).where(PersonRow.email == email)).first()
        if person is None:
            raise BadRequest(f'owner: there is no person "{spec.owner}".', field="owner")
        if not manages and not isinstance(actor, str) and person.id != actor.id:
            raise NotAllowed("You can make keys for yourself only.")
        return person.id
    return None if isinstance(actor, str) or manages else actor.id


def _check_router(session: Session, name: str | None) -> None:
    usable = (col(RouterRow.enabled).is_(True), col(RouterRow.live_version) > 0)
    known = sorted({BUILT_IN.name, *session.exec(select(RouterRow.name).where(*usable))})
    if name is not None and name not in known and session.exec(select(RouterRow).where(RouterRow.name == name)).first():
        raise BadRequest(f'router: "{name}" is switched off or not published; publish it first.', field="router")
    if name is not None and name not in known:
        raise BadRequest(f'router: there is no router "{name}"; known are {", ".join(known)}.', field="router")


def _audited(values: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}
    if "budgets" in shown:
        shown["budgets"] = [{"usd": format_usd(b["usd"]), "window": b["window"]} for b in values["budgets"]]
    return shown


def _as_in_the_file(columns: tuple[str, ...]) -> tuple[str, ...]:
    names = {"person_id": "owner", "expires_at": "expires", "disabled": "enabled", "secret_hmac": "secret"}
    return tuple(names.get(column, column) for column in columns if column != "hint")


def _key_hint(secret: str) -> str:
    return hint(secret, secret.index("_", 3) + 1)


def _check_name_free(session: Session, name: str) -> None:
    if session.exec(select(KeyRow).where(KeyRow.name == name)).first() is not None:
        raise Conflict(f'name: there already is a key "{name}".', field="name")


def _check_secret_free(session: Session, hmac: str, row: KeyRow | None) -> None:
    other = session.exec(select(KeyRow).where(KeyRow.secret_hmac == hmac)).first()
    if other is not None and (row is None or other.id != row.id):
        raise Conflict(f'secret: the key "{other.name}" already has this secret.', field="secret")
