"""Log-ins: browser cookies and API bearer tokens are the same rows; only a hash of the token is kept."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, select

from app.core.clock import Clock
from app.core.errors import NotAuthenticated, RateLimited
from app.core.ids import new_id
from app.db.engine import Database
from app.db.tables.people import PersonRow, SessionRow
from app.security.passwords import Passwords
from app.security.tokens import new_token, token_hash
from app.services.limits import seconds
from app.services.people import end_sessions
from app.services.snapshot import Snapshot
from app.services.state import State
from app.services.views import Person, SessionInfo

SHORT, LONG = timedelta(hours=12), timedelta(days=30)
TRIES, WINDOW_S, REMEMBERED = 5, 900.0, 10_000


@dataclass(slots=True)
class Failures:
    at: list[float] = field(default_factory=list)
    closed_until: float = 0.0


class Sessions:
    def __init__(self, db: Database, state: State, passwords: Passwords, clock: Clock) -> None:
        self._db, self._state, self._passwords, self._clock = db, state, passwords, clock
        self._failures: OrderedDict[tuple[str, str], Failures] = OrderedDict()

    async def log_in(
        self, email: str, password: str, *, address: str, user_agent: str, remember: bool = False
    ) -> tuple[str, datetime]:
        """A new token and its end. Raises NotAuthenticated (with the tries left) or RateLimited.

        The throttle is asked before the password is hashed: a flood costs nothing."""
        account = email.strip().lower()
        self._check_throttle(account, address)
        left = self._count_failure(account, address)  # until it is none: many tries at once are no way around
        person = self._state.current.by_email.get(account)
        stored = await self._db.read(lambda session: _stored_hash(session, person.id)) if person is not None else None
        right, fresh = await self._passwords.verify(password, stored)
        if not right or person is None or person.disabled:
            raise NotAuthenticated(
                "That e-mail and password do not go together. "
                + (
                    f"{left} {'try' if left == 1 else 'tries'} left before a 15 minute pause."
                    if left
                    else "Try again in 15 minutes."
                )
            )
        self._failures.pop((account, address), None)
        return await self.open(person, address=address, user_agent=user_agent, remember=remember, fresh_hash=fresh)

    async def open(
        self, person: Person, *, address: str, user_agent: str, remember: bool = False, fresh_hash: str | None = None
    ) -> tuple[str, datetime]:
        """A session for a person who has shown who they are."""
        token, now = new_token(), self._clock.now()
        expires = now + (LONG if remember else SHORT)

        def write(session: Session) -> None:
            session.exec(delete(SessionRow).where(col(SessionRow.expires_at) < now))
            session.add(
                SessionRow(
                    id=new_id("ses"),
                    token_hash=token_hash(token),
                    person_id=person.id,
                    csrf=new_token(),
                    address=address[:64],
                    user_agent=user_agent[:200],
                    expires_at=expires,
                )
            )
            if fresh_hash is not None:
                row = session.get_one(PersonRow, person.id)
                row.password_hash = fresh_hash
                session.add(row)

        await self._state.change(write)
        return token, expires

    def person_of(self, token: str | None) -> SessionInfo | None:
        """The session behind a token, from memory; None when it ended, or its person is disabled."""
        return self.find(self._state.current, token_hash(token)) if token else None

    def find(self, snapshot: Snapshot, hashed: str) -> SessionInfo | None:
        known = snapshot.sessions.get(hashed)
        if known is None or known.expires_at <= self._clock.now():
            return None
        person = snapshot.people.get(known.person_id)
        if person is None or person.disabled:
            return None
        return SessionInfo(known.id, person, known.csrf, known.expires_at)

    async def log_out(self, token: str) -> None:
        hashed = token_hash(token)

        def write(session: Session) -> None:
            session.exec(delete(SessionRow).where(col(SessionRow.token_hash) == hashed))

        await self._state.change(write)

    async def log_out_others(self, person: Person, keep_session_id: str) -> None:
        await self._state.change(lambda session: end_sessions(session, person.id, keep_session_id))

    def _check_throttle(self, account: str, address: str) -> None:
        failures = self._failures.get((account, address))
        if failures is None:
            return
        wait = failures.closed_until - self._clock.monotonic()
        if wait > 0:
            raise RateLimited(f"Too many wrong passwords. Try again in {seconds(wait)}.", retry_after=wait)

    def _count_failure(self, account: str, address: str) -> int:
        failures = self._failures.setdefault((account, address), Failures())
        self._failures.move_to_end((account, address))
        now = self._clock.monotonic()
        failures.at = [at for at in failures.at if now - at < WINDOW_S] + [now]
        left = max(TRIES - len(failures.at), 0)
        if not left:
            failures.at, failures.closed_until = [], now + WINDOW_S
        while len(self._failures) > REMEMBERED:
            self._failures.popitem(last=False)
        return left


def _stored_hash(session: Session, person_id: str) -> str | None:
    return session.exec(select(PersonRow.password_hash).where(PersonRow.id == person_id)).first()
