"""What clients said and were answered, where it is kept at all: in a file of its own, `bodies.db`.

It is no part of the ledger: it may be deleted, and its tables are made where they are missing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel, create_engine

from app.db.engine import Database
from app.db.tables.base import time_field


class _Bodies(SQLModel, registry=registry()):
    """Tables of the second file."""


class StoredResponseRow(_Bodies, table=True):
    """A response that its client may come back to: `input` is the list of items that led to it, with those of the
    responses before it; `response` the answer as the client got it. Both are JSON."""

    __tablename__ = "stored_response"
    id: str = Field(primary_key=True)
    key_id: str | None = None
    person_id: str | None = None
    deployment_id: str | None = None  # that keeps the response itself, too
    at: datetime = time_field(index=True)
    input: bytes
    response: bytes


def open_bodies(url: str) -> Database:
    """The second file's database, not started yet. Blocks."""
    engine = create_engine(url)
    try:
        _Bodies.metadata.create_all(engine)
    finally:
        engine.dispose()
    return Database(url)
