"""Routers: a name, and numbered versions of its document."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from app.db.tables.base import json_field, optional_time_field, time_field


class RouterRow(SQLModel, table=True):
    __tablename__ = "router"
    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    live_version: int = 1
    draft: dict[str, Any] | None = json_field()
    draft_base: int | None = None  # the version it was begun from
    draft_at: datetime | None = optional_time_field()
    draft_by: str | None = None
    canary_version: int | None = None  # a version that some requests are sent through
    canary_percent: float | None = None
    canary_at: datetime | None = optional_time_field()
    enabled: bool = True
    from_file: bool = False
    created_at: datetime = time_field()
    updated_at: datetime = time_field()


class RouterVersionRow(SQLModel, table=True):
    __tablename__ = "router_version"
    __table_args__ = (UniqueConstraint("router_id", "version"),)
    id: str = Field(primary_key=True)
    router_id: str = Field(foreign_key="router.id", index=True, ondelete="CASCADE")
    version: int
    document: dict[str, Any] = json_field({})
    note: str = ""
    published_by: str | None = None
    published_at: datetime = time_field()
