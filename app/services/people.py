"""People: the owner's account, roles, preferences."""

from __future__ import annotations

import hmac
import re
from typing import Any

from sqlmodel import Session, col, delete, select

from app.core.clock import Clock
from app.core.errors import BadRequest, Conflict, NotAllowed, NotFound
from app.core.ids import new_id
from app.db.tables.people import PersonRow, SessionRow
from app.security.passwords import Passwords
from app.security.permissions import Role, outranks
from app.security.tokens import new_token
from app.services.audit import note
from app.services.changes import Change, differing
from app.services.state import State, person_of
from app.services.tiers import check_tier, tiers_in
from app.services.views import Actor, Person

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
PREFERENCES = {
    "theme": ("auto", "light", "dark"),
    "density": ("auto", "compact", "comfortable"),
    "accent": ("", "openai", "anthropic", "gemini", "openrouter"),
    "model": None,
    "model_columns": None,
}


class People:
    def __init__(self, state: State, passwords: Passwords, clock: Clock) -> None:
        self._state, self._passwords, self._clock = state, passwords, clock
        self._setup_token: str | None = None

    def setup_token(self) -> str | None:
        """The one-time token of the set-up link; None once there is an owner."""
        if any(person.role is Role.OWNER and not person.disabled for person in self._state.current.people.values()):
            self._setup_token = None
        elif self._setup_token is None:
            self._setup_token = new_token()
        return self._setup_token

    def setup_token_valid(self, token: str) -> bool:
        expected = self.setup_token()
        return expected is not None and hmac.compare_digest(expected.encode(), token.encode())

    async def create_owner(self, token: str, email: str, name: str, password: str) -> Person:
        """The first owner, by the set-up link, which dies with its use."""
        if not self.setup_token_valid(token):
            raise NotAllowed("This set-up link is not valid any more. Start the server again for a new one, or log in.")
        return await self.add_owner("set-up link", email, name, password)

    async def add_owner(self, by: str, email: str, name: str, password: str) -> Person:
        """The owner of a fresh installation. Raises Conflict when there is one already."""
        hashed = await self.hash(password)

        def write(session: Session) -> Person:
            if has_owner(session):
                raise Conflict("There already is an owner. Log in with that account.")
            return person_of(self.put(session, by, None, email, name=name, role=Role.OWNER, password_hash=hashed)[0])

        person = await self._state.change(write)
        self._setup_token = None
        return person

    async def count(self) -> int:
        return len(self._state.current.people)

    async def list(self) -> list[Person]:
        return sorted(self._state.current.people.values(), key=lambda person: person.email)

    def get(self, id_or_email: str) -> Person:
        people = self._state.current
        person = people.people.get(id_or_email) or people.by_email.get(id_or_email.strip().lower())
        if person is None:
            raise NotFound(f'There is no person "{id_or_email}".')
        return person

    async def add(
        self,
        actor: Actor | str,
        email: str,
        name: str,
        role: str,
        password: str | None,
        tier: str | None = None,
    ) -> Person:
        wanted = check_role(role)
        _check_rank(actor, wanted)
        hashed = await self.hash(password)

        def write(session: Session) -> Person:
            row, _ = self.put(session, actor, None, email, name=name, role=role, password_hash=hashed, tier=tier)
            return person_of(row)

        return await self._state.change(write)

    async def update(
        self,
        actor: Actor | str,
        id_or_email: str,
        *,
        name: str | None = None,
        role: str | None = None,
        disabled: bool | None = None,
        tier: str | None = None,
    ) -> Person:
        """What is None stays; the tier "" takes it away."""
        person = self.get(id_or_email)
        wanted = check_role(role) if role is not None else person.role
        itself = not isinstance(actor, str) and actor.id == person.id
        if wanted is not person.role or (disabled is not None and disabled != person.disabled):
            _check_rank(actor, person.role)
            _check_rank(actor, wanted)
        elif not itself:
            _check_rank(actor, person.role)

        def write(session: Session) -> Person:
            row = session.get_one(PersonRow, person.id)
            off = row.disabled if disabled is None else disabled
            shown = row.name if name is None else name
            put_in = row.tier if tier is None else tier or None
            self.put(session, actor, row, row.email, name=shown, role=str(wanted), disabled=off, tier=put_in)
            if (row.role != Role.OWNER or row.disabled) and not has_owner(session):
                raise Conflict("This is the last owner; make another person owner first.")
            return person_of(row)

        return await self._state.change(write)

    def put(
        self,
        session: Session,
        actor: Actor | str,
        row: PersonRow | None,
        email: str,
        *,
        name: str,
        role: str,
        disabled: bool = False,
        password_hash: str | None = None,
        tier: str | None = None,
    ) -> tuple[PersonRow, Change | None]:
        """Adds a person (`row` None), who alone gets the password, or changes one, in the caller's transaction.
        That an owner remains is for the caller to see to."""
        check_tier(tier, tiers_in(session))
        values: dict[str, Any] = {
            "name": name.strip()[:100] or email.split("@")[0],
            "role": str(check_role(role)),
            "disabled": disabled,
            "tier": tier,
        }
        if row is None:
            address = check_email(email)
            if session.exec(select(PersonRow).where(PersonRow.email == address)).first() is not None:
                raise Conflict(f'email: there already is a person "{address}".', field="email")
            row = PersonRow(id=new_id("person"), email=address, password_hash=password_hash, **values)
            session.add(row)
            note(session, actor, "add person", row.email, after=values)
            return row, Change("add", "person", row.email)
        before = {field: getattr(row, field) for field in values}
        fields = differing(before, values)
        if not fields:
            return row, None
        for field in fields:
            setattr(row, field, values[field])
        row.updated_at = self._clock.now()
        session.add(row)
        if row.disabled:
            end_sessions(session, row.id)
        note(session, actor, "change person", row.email, before, values)
        shown = tuple("enabled" if field == "disabled" else field for field in fields)
        return row, Change("change", "person", row.email, shown)

    async def hash(self, password: str | None) -> str | None:
        """Raises BadRequest where the password is too weak."""
        return await self._passwords.hash(password) if password else None

    async def set_password(self, actor: Actor | str, id_or_email: str, password: str) -> None:
        """Ends all of the person's sessions."""
        person = self.get(id_or_email)
        if isinstance(actor, str) or actor.id != person.id:
            _check_rank(actor, person.role)
        hashed = await self._passwords.hash(password)

        def write(session: Session) -> None:
            row = session.get_one(PersonRow, person.id)
            row.password_hash = hashed
            row.updated_at = self._clock.now()
            session.add(row)
            end_sessions(session, row.id)
            note(session, actor, "set password", row.email)

        await self._state.change(write)

    async def set_preferences(self, person_id: str, **changes: Any) -> Person:
        for name, value in changes.items():
            accepted = PREFERENCES.get(name, ())
            if name not in PREFERENCES or (accepted is not None and value not in accepted):
                raise BadRequest(f"{name}: it takes {', '.join(accepted or PREFERENCES)}.", field=name)

        def write(session: Session) -> Person:
            row = session.get_one(PersonRow, person_id)
            row.preferences = {**row.preferences, **changes}
            session.add(row)
            return person_of(row)

        return await self._state.change(write)


def check_email(email: str, field: str = "email") -> str:
    address = email.strip().lower()
    if not _EMAIL.fullmatch(address):
        raise BadRequest(f'{field}: "{email}" is not an e-mail address such as ada@example.org.', field=field)
    return address


def check_role(role: str) -> Role:
    try:
        return Role(role)
    except ValueError:
        raise BadRequest(f'role: "{role}" is not one of {", ".join(Role)}.', field="role") from None


def end_sessions(session: Session, person_id: str, keep: str | None = None) -> None:
    session.exec(delete(SessionRow).where(col(SessionRow.person_id) == person_id, col(SessionRow.id) != (keep or "")))


def _check_rank(actor: Actor | str, role: Role) -> None:
    """People manage those below them; the command line and the file manage everyone."""
    if not isinstance(actor, str) and not outranks(actor.role, role):
        raise NotAllowed(f"Your role ({actor.role}) cannot manage a person with the role {role}.")


def has_owner(session: Session) -> bool:
    owners = select(PersonRow).where(PersonRow.role == Role.OWNER, col(PersonRow.disabled).is_(False))
    return session.exec(owners).first() is not None
