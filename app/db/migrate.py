"""Schema migrations: run at start under a lock, after a backup when there is something to lose."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect
from sqlalchemy.exc import DatabaseError, OperationalError

from app.core.errors import StartError

FOLDER = Path(__file__).parent / "migrations"


def migrate(url: str, backups: Path, scripts: Path = FOLDER) -> bool:
    """Brings the schema to this version; the caller holds the folder's lock. Returns whether anything changed.

    Raises StartError for a database made by a newer AnyGPT, or one that cannot be read."""
    present = schema_version(url)
    head = _scripts(scripts).get_current_head()
    if present == head:
        return False
    if present is not None and present not in {script.revision for script in _scripts(scripts).walk_revisions()}:
        raise StartError(
            f'The database was made by a newer AnyGPT (schema "{present}", this one knows up to "{head}"). '
            "Install that version, or restore a backup from before it."
        )
    if present is not None:
        _back_up(url, backups, present)
    command.upgrade(_config(url, scripts), "head")
    return True


def schema_version(url: str) -> str | None:
    """The revision the database is at; None: empty. Raises StartError where it cannot be read."""
    engine = create_engine(url, hide_parameters=True)
    try:
        with engine.connect() as connection:
            version = MigrationContext.configure(connection).get_current_revision()
            if version is None and inspect(connection).get_table_names():
                raise StartError(
                    "The database file holds tables that AnyGPT did not make. "
                    "Point ANYGPT_DATA_DIR to a folder of its own, or move the file away."
                )
            return version
    except OperationalError as error:
        raise StartError(f"The database cannot be opened: {error.orig}. Check the folder's rights and space.") from None
    except DatabaseError as error:
        raise StartError(
            f"The database file is damaged or not a database ({error.orig}). Restore it from a backup in backups/."
        ) from None
    finally:
        engine.dispose()


def is_current(url: str) -> bool:
    return schema_version(url) == _scripts(FOLDER).get_current_head()


def integrity(url: str) -> str:
    """ "ok", or what SQLite's own check found."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            if engine.dialect.name != "sqlite":
                return "ok"
            return str(connection.exec_driver_sql("PRAGMA integrity_check").scalar())
    finally:
        engine.dispose()


def _back_up(url: str, backups: Path, version: str) -> None:
    """A failed SQLite migration leaves half its changes behind, so a copy is made first."""
    if not url.startswith("sqlite:///"):
        return
    backups.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    copy = backups / f"before-migration-{version}-{stamp}.db"
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    try:
        connection.execute("VACUUM INTO ?", (str(copy),))
    finally:
        connection.close()


def _config(url: str, scripts: Path = FOLDER) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def _scripts(folder: Path) -> ScriptDirectory:
    return ScriptDirectory(str(folder))
