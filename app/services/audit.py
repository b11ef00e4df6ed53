"""The audit log: every change an admin makes, with before and after, secrets masked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from app.core.ids import new_id
from app.db.engine import Database
from app.db.tables.audit import AuditRow
from app.services.views import Actor, Page

_SECRET = ("secret", "password", "api_key", "token")


@dataclass(frozen=True, slots=True)
class AuditEvent:
    id: str
    at: datetime
    actor: str
    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class Audit:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def events(self, limit: int = 50, cursor: str | None = None) -> Page[AuditEvent]:
        """Newest first."""

        def read(session: Session) -> Page[AuditEvent]:
            query = select(AuditRow).order_by(col(AuditRow.id).desc()).limit(limit + 1)
            if cursor:
                query = query.where(col(AuditRow.id) < cursor)
            rows = list(session.exec(query))
            items = tuple(
                AuditEvent(row.id, row.at, row.actor, row.action, row.subject, row.before, row.after)
                for row in rows[:limit]
            )
            return Page(items, items[-1].id if len(rows) > limit else None)

        return await self._db.read(read)


def note(
    session: Session,
    actor: Actor | str,
    action: str,
    subject: str,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Adds an event to the caller's transaction: the change and its trace are one."""
    session.add(
        AuditRow(
            id=new_id("aud"),
            actor_id=None if isinstance(actor, str) else actor.id,
            actor=actor if isinstance(actor, str) else actor.email,
            action=action,
            subject=subject,
            before=masked(before),
            after=masked(after),
        )
    )


def masked(values: dict[str, Any] | None) -> dict[str, Any] | None:
    if values is None:
        return None
    return {
        name: "…" if value and any(word in name for word in _SECRET) and not name.endswith("_env") else value
        for name, value in values.items()
    }
