"""Column types: UTC time as integer microseconds, JSON as text."""

from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import BigInteger, LargeBinary
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine


class UtcTime(TypeDecorator[datetime]):
    """Aware datetimes in UTC, kept as integer microseconds since 1970: sorts, compares and indexes as it is."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else from_micros(value)


class Json(TypeDecorator[Any]):
    """Any JSON value, kept as UTF-8 bytes (no second parse by the driver)."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(LargeBinary())

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        return None if value is None else orjson.dumps(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:
        return None if value is None else orjson.loads(value)


def micros(moment: datetime) -> int:
    """Microseconds since 1970 of an aware datetime."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be stored")
    return int(moment.timestamp() * 1_000_000)


def from_micros(value: int) -> datetime:
    return datetime.fromtimestamp(value / 1_000_000, UTC)
