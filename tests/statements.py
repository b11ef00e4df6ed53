"""What a database was asked, for tests that count it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event

from app.db.engine import Database

Statements = list[tuple[str, Any]]


@contextmanager
def reads(db: Database, table: str) -> Iterator[Statements]:
    """The statements that read the table, with their parameters."""
    seen: Statements = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if f"FROM {table}" in statement.replace('"', ""):
            seen.append((statement, parameters))

    event.listen(db.reader_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.reader_engine, "before_cursor_execute", note)


def plan(connection: Connection, statement: str, parameters: Any) -> list[str]:
    """How SQLite finds the rows (https://www.sqlite.org/eqp.html), a line a step."""
    return [str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
