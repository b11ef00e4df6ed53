"""The order in which rows were written, for reading only what is new."""

from __future__ import annotations

from sqlalchemy import BigInteger, ColumnElement, Table, literal_column


def written(table: Table) -> ColumnElement[int]:
    """Grows with every row that is written, also with one that takes the place of another.

    SQLite's rowid (https://www.sqlite.org/rowidtable.html): a range of it is read without any index of ours. It may
    be given out anew by a VACUUM, so it is compared while the server runs and never kept."""
    return literal_column(f"{table.name}.rowid", BigInteger())
