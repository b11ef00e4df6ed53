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
from app.services.state import State, person_of
from app.services.views import Actor, Person

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
PREFERENCES = {
    "theme": ("auto", "light", "dark"),
    "density": ("auto", "compact", "comfortable"),
    "accent": ("", "openai", "anthropic", "gemini", "openrouter"),
    "model": None,
}


class People:
    def __init__(self, state: State, passwords: Passwords, clock: Clock) -> None:
        self._state, self._passwords, self._clock = state, passwords, clock
        self._setup_token: str | None = None

    def setup_token(self) -> str | None:
        """The one-time token of the set-up link; None once there is a person."""
        if self._state.current.people:
            self._setup_token = None
        elif self._setup_token is None:
            self._setup_token = new_token()
        return self._setup_token

    def setup_token_valid(self, token: str) -> bool:
        expected = self.setup_token()
        return expected is not None and hmac.compare_digest(expected.encode(), token.encode())

    async def create_owner(self, token: str, email: str, name: str, password: str) -> Person:
        """The first person, by the set-up link, which dies with its use."""
        if not self.setup_token_valid(token):
            raise NotAllowed("This set-up link is not valid any more. Start the server again for a new one, or log in.")
        return await self.add_owner("set-up link", email, name, password)

    async def add_owner(self, by: str, email: str, name: str, password: str) -> Person:
        """The owner of a fresh installation. Raises Conflict when there is a person already."""
        row = await self._new_row(email, name, Role.OWNER, password)

        def write(session: Session) -> Person:
            if session.exec(select(PersonRow).limit(1)).first() is not None:
                raise Conflict("There already is an owner. Log in with that account.")
            session.add(row)
            note(session, by, "add owner", row.email)
            return person_of(row)

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

    async def add(self, actor: Actor | str, email: str, name: str, role: str, password: str | None) -> Person:
        wanted = check_role(role)
        _check_rank(actor, wanted)
        row = await self._new_row(email, name, wanted, password)

        def write(session: Session) -> Person:
            if session.exec(select(PersonRow).where(PersonRow.email == row.email)).first() is not None:
                raise Conflict(f'email: there already is a person "{row.email}".', field="email")
            session.add(row)
            note(session, actor, "add person", row.email, after={"role": row.role, "name": row.name})
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
    ) -> Person:
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
            before = {"name": row.name, "role": row.role, "disabled": row.disabled}
            row.name = row.name if name is None else name.strip()[:100]
            row.role = str(wanted)
            row.disabled = row.disabled if disabled is None else disabled
            row.updated_at = self._clock.now()
            _keep_an_owner(session, row)
            session.add(row)
            if row.disabled:
                end_sessions(session, row.id)
            after = {"name": row.name, "role": row.role, "disabled": row.disabled}
            note(session, actor, "change person", row.email, before, after)
            return person_of(row)

        return await self._state.change(write)

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

    async def _new_row(self, email: str, name: str, role: Role, password: str | None) -> PersonRow:
        address = check_email(email)
        hashed = await self._passwords.hash(password) if password else None
        return PersonRow(
            id=new_id("person"),
            email=address,
            name=(name or "").strip()[:100] or address.split("@")[0],
            role=str(role),
            password_hash=hashed,
        )


def check_email(email: str) -> str:
    address = email.strip().lower()
    if not _EMAIL.fullmatch(address):
        raise BadRequest(f'email: "{email}" is not an e-mail address such as ada@example.org.', field="email")
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


def _keep_an_owner(session: Session, changed: PersonRow) -> None:
    owners = session.exec(select(PersonRow).where(PersonRow.role == Role.OWNER, col(PersonRow.disabled).is_(False)))
    if not any(row.id != changed.id for row in owners) and (changed.role != Role.OWNER or changed.disabled):
        raise Conflict("This is the last owner; make another person owner first.")
