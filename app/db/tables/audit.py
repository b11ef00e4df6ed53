"""What admins changed, with before and after; secrets are masked before they come here."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from app.db.tables.base import json_field, time_field


class AuditRow(SQLModel, table=True):
    __tablename__ = "audit_event"
    id: str = Field(primary_key=True)
    at: datetime = time_field(index=True)
    actor_id: str | None = None
    actor: str = ""  # e-mail, "command line" or "apply"
    action: str
    subject: str
    before: dict[str, Any] | None = json_field()
    after: dict[str, Any] | None = json_field()
