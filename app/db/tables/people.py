"""People, their sessions, and teams."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from app.db.tables.base import json_field, time_field


class PersonRow(SQLModel, table=True):
    __tablename__ = "person"
    id: str = Field(primary_key=True)
    email: str = Field(unique=True)
    name: str = ""
    role: str
    password_hash: str | None = None
    disabled: bool = False
    tier: str | None = None
    preferences: dict[str, Any] = json_field({})
    created_at: datetime = time_field()
    updated_at: datetime = time_field()


class SessionRow(SQLModel, table=True):
    """A log-in of a browser or an API client; only the SHA-256 of its token is kept."""

    __tablename__ = "session"
    id: str = Field(primary_key=True)
    token_hash: str = Field(unique=True)
    person_id: str = Field(foreign_key="person.id", index=True, ondelete="CASCADE")
    csrf: str
    address: str = ""
    user_agent: str = ""
    created_at: datetime = time_field()
    expires_at: datetime = time_field()


class TeamRow(SQLModel, table=True):
    __tablename__ = "team"
    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    created_at: datetime = time_field()


class TeamMemberRow(SQLModel, table=True):
    __tablename__ = "team_member"
    team_id: str = Field(primary_key=True, foreign_key="team.id", ondelete="CASCADE")
    person_id: str = Field(primary_key=True, foreign_key="person.id", ondelete="CASCADE")
    joined_at: datetime = time_field()
