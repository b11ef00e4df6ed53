"""The metadata all tables share, and the columns most have."""

from datetime import UTC, datetime
from typing import Any

from sqlmodel import Field, SQLModel

from app.db.types import Json, UtcTime

# names of constraints must be known before the first model: SQLite migrations recreate tables by them
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def utc_now() -> datetime:
    return datetime.now(UTC)


def time_field(**options: Any) -> Any:
    """A required time, now by default."""
    return Field(default_factory=utc_now, sa_type=UtcTime, nullable=False, **options)


def optional_time_field(**options: Any) -> Any:
    return Field(default=None, sa_type=UtcTime, nullable=True, **options)


def json_field(default: Any = None, **options: Any) -> Any:
    """A JSON value; a list or dict as default is copied for each row."""
    if isinstance(default, list | dict):
        return Field(default_factory=default.copy, sa_type=Json, nullable=False, **options)
    return Field(default=default, sa_type=Json, nullable=True, **options)


def columns(table: type[SQLModel]) -> Any:
    """A table's columns, for statements that read values and no objects."""
    return table.__table__.c  # type: ignore[attr-defined]
