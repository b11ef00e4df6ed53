"""Settings that change while running, and what the installation knows of itself."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from app.db.tables.base import json_field, time_field


class SettingRow(SQLModel, table=True):
    __tablename__ = "setting"
    name: str = Field(primary_key=True)
    value: Any = json_field()
    updated_at: datetime = time_field()


class MetaRow(SQLModel, table=True):
    """Named blobs: the generation number, the master key's fingerprint, the wrapped data keys."""

    __tablename__ = "meta"
    name: str = Field(primary_key=True)
    number: int = 0
    value: bytes | None = None
