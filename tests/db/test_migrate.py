"""Migrations: a fresh database, an old one with a backup first, a newer one refused, a damaged one named."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlmodel import SQLModel, create_engine

from app.core.errors import StartError
from app.db import tables
from app.db.engine import sqlite_url
from app.db.migrate import FOLDER, integrity, is_current, migrate, schema_version

assert tables


def run(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_the_migrations_make_exactly_the_tables_of_the_code(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "a.db")
    assert migrate(url, tmp_path / "backups")
    with create_engine(url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, SQLModel.metadata) == []
    assert is_current(url)
    assert integrity(url) == "ok"


def test_a_second_run_changes_nothing_and_makes_no_backup(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "a.db")
    migrate(url, tmp_path / "backups")
    assert not migrate(url, tmp_path / "backups")
    assert not (tmp_path / "backups").exists()


@pytest.fixture
def next_version(tmp_path: Path) -> Path:
    """The migrations of a later AnyGPT: ours, and one more."""
    folder = tmp_path / "migrations"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "0003_more.py").write_text(
        '"""More."""\nimport sqlalchemy as sa\nfrom alembic import op\n'
        'revision = "0003"\ndown_revision = "0002"\n\ndef upgrade():\n'
        '    op.add_column("meta", sa.Column("more", sa.Integer))\n'
        '    if op.get_bind().exec_driver_sql("select number from meta").scalar() == 13:\n'
        '        raise RuntimeError("bad luck")\n'
    )
    return folder


def test_an_older_database_is_copied_before_it_is_changed(tmp_path: Path, next_version: Path) -> None:
    url = sqlite_url(tmp_path / "a.db")
    migrate(url, tmp_path / "backups")
    run(tmp_path / "a.db", "insert into meta (name, number) values ('kept', 7)")
    assert migrate(url, tmp_path / "backups", next_version)
    assert schema_version(url) == "0003"
    (copy,) = (tmp_path / "backups").iterdir()
    assert schema_version(sqlite_url(copy)) == "0002"
    assert integrity(sqlite_url(copy)) == "ok"


def test_after_a_failed_migration_the_copy_is_whole(tmp_path: Path, next_version: Path) -> None:
    url = sqlite_url(tmp_path / "a.db")
    migrate(url, tmp_path / "backups")
    run(tmp_path / "a.db", "insert into meta (name, number) values ('unlucky', 13)")
    with pytest.raises(RuntimeError, match="bad luck"):
        migrate(url, tmp_path / "backups", next_version)
    (copy,) = (tmp_path / "backups").iterdir()
    connection = sqlite3.connect(copy)
    assert connection.execute("select number from meta").fetchall() == [(13,)]
    connection.close()


def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "a.db")
    migrate(url, tmp_path / "backups")
    run(tmp_path / "a.db", "update alembic_version set version_num = '9999'")
    before = (tmp_path / "a.db").read_bytes()
    with pytest.raises(StartError, match=r'made by a newer AnyGPT .schema "9999"'):
        migrate(url, tmp_path / "backups")
    assert (tmp_path / "a.db").read_bytes() == before


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"this is a shopping list, not a database" * 100)
    with pytest.raises(StartError, match="damaged or not a database"):
        schema_version(sqlite_url(tmp_path / "a.db"))


def test_a_strange_database_is_not_taken_over(tmp_path: Path) -> None:
    run(tmp_path / "a.db", "create table recipes (name text)")
    with pytest.raises(StartError, match="tables that AnyGPT did not make"):
        migrate(sqlite_url(tmp_path / "a.db"), tmp_path / "backups")
