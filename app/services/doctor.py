"""What the doctor looks at. It changes nothing, also where much is broken or a server runs."""

from __future__ import annotations

import asyncio
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from app.core.clock import Clock
from app.core.errors import AnyGPTError, StartError
from app.core.folder import DataFolder
from app.core.settings import Settings, load_settings
from app.db import migrations
from app.db.engine import sqlite_url
from app.db.migrate import integrity, schema_version
from app.db.tables.settings import MetaRow
from app.providers.catalog import provenance
from app.security.vault import fingerprint, load_master_key
from app.services.changes import about
from app.services.container import Services
from app.services.startup import open_services

LEAST_SPACE_MB = 200
PROVIDER_S = 10.0


@dataclass(frozen=True, slots=True)
class Finding:
    ok: bool
    check: str
    message: str


async def examine(data_dir: Path | None, clock: Clock | None = None) -> list[Finding]:
    """All findings, in the order in which a person would go through them."""
    try:
        settings = load_settings(data_dir=data_dir)
    except StartError as error:
        return [Finding(False, "settings", error.message)]
    return [finding async for finding in _findings(settings, clock or Clock())]


async def _findings(settings: Settings, clock: Clock) -> AsyncIterator[Finding]:
    folder = DataFolder(settings.data_dir)
    yield Finding(True, "settings", f"data folder {folder.root}, time zone {settings.timezone}")
    space = _folder(folder)
    yield space
    key = _master_key(settings, folder)
    yield key
    database = await asyncio.to_thread(_database, folder)
    yield database
    schema = await asyncio.to_thread(_schema, folder) if database.ok else None
    if schema is not None:
        yield schema
    if space.ok:
        yield _disk(folder)
    yield await _port(settings, folder)
    if space.ok and key.ok and schema is not None and schema.ok and folder.database.exists():
        for finding in await _providers(settings):
            yield finding
    yield _clock(clock.now())


def _folder(folder: DataFolder) -> Finding:
    """By trying: rights alone do not tell what a file system refuses."""
    nearest = next(path for path in (folder.root, *folder.root.parents) if path.exists())
    try:
        with tempfile.TemporaryDirectory(prefix=".doctor-", dir=nearest):
            pass
    except OSError as error:
        return Finding(
            False,
            "folder",
            f"{folder.root} cannot be written ({error.strerror}). "
            "Give this user rights to it, or name another with ANYGPT_DATA_DIR or --data-dir.",
        )
    if nearest != folder.root:
        return Finding(True, "folder", f"{folder.root} is not there yet; the first start makes it")
    return Finding(True, "folder", "can be written")


def _master_key(settings: Settings, folder: DataFolder) -> Finding:
    given = settings.secret_key.get_secret_value() if settings.secret_key is not None else None
    try:
        if given is None and not folder.master_key.exists() and not folder.database.exists():
            return Finding(True, "master key", "is not there yet; the first start makes it")
        key = load_master_key(folder.master_key, given, may_create=False)
        stored = _fingerprint(folder)
    except StartError as error:
        return Finding(False, "master key", error.message)
    except (OSError, SQLAlchemyError) as error:
        return Finding(False, "master key", f"it cannot be compared with the database ({_reason(error)}); see below.")
    if stored is not None and stored != fingerprint(key):
        return Finding(
            False,
            "master key",
            "it does not fit this database, which was set up with another one. "
            "Put the right master.key back into the data folder, or set ANYGPT_SECRET_KEY to it.",
        )
    if given is None and folder.master_key.stat().st_mode & 0o077:
        return Finding(False, "master key", f"others can read {folder.master_key}. Run: chmod 600 {folder.master_key}")
    return Finding(True, "master key", "from ANYGPT_SECRET_KEY" if given is not None else "fits the database")


def _fingerprint(folder: DataFolder) -> bytes | None:
    if not folder.database.exists() or schema_version(sqlite_url(folder.database)) is None:
        return None
    engine = create_engine(sqlite_url(folder.database), hide_parameters=True)
    try:
        with Session(engine) as session:
            row = session.get(MetaRow, "fingerprint")
            return row.value if row is not None else None
    finally:
        engine.dispose()


def _database(folder: DataFolder) -> Finding:
    if not folder.database.exists():
        return Finding(True, "database", "is not there yet; the first start makes it")
    try:
        schema_version(sqlite_url(folder.database))
        found = integrity(sqlite_url(folder.database))
    except StartError as error:
        return Finding(False, "database", error.message)
    except (OSError, SQLAlchemyError) as error:
        return Finding(
            False, "database", f"it cannot be read ({_reason(error)}). Restore it from a backup in backups/."
        )
    if found != "ok":
        return Finding(False, "database", f"it is damaged ({found}). Restore it from a backup in backups/.")
    return Finding(True, "database", f"whole, {folder.database.stat().st_size / 1e6:.1f} MB")


def _schema(folder: DataFolder) -> Finding:
    present = schema_version(sqlite_url(folder.database)) if folder.database.exists() else None
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    head = scripts.get_current_head()
    if present is None or present == head:
        return Finding(True, "migrations", f"schema {head} is this version's")
    if present not in {script.revision for script in scripts.walk_revisions()}:
        return Finding(
            False,
            "migrations",
            f'the database was made by a newer AnyGPT (schema "{present}", this one knows up to "{head}"). '
            "Install that version, or restore a backup from before it.",
        )
    if _is_locked(folder):
        return Finding(False, "migrations", f"schema {present} is older and a server uses it. Restart that server.")
    return Finding(True, "migrations", f"schema {present} is older; the next start brings it to {head}, backup first")


def _disk(folder: DataFolder) -> Finding:
    nearest = next(path for path in (folder.root, *folder.root.parents) if path.exists())
    free = shutil.disk_usage(nearest).free / 1e6
    text = f"{free / 1000:.1f} GB free" if free >= 1000 else f"{free:.0f} MB free"
    if free < LEAST_SPACE_MB:
        return Finding(False, "disk space", f"{text}, less than {LEAST_SPACE_MB} MB. Make room, or the ledger stops.")
    return Finding(True, "disk space", text)


async def _port(settings: Settings, folder: DataFolder) -> Finding:
    """Free for a server, or answered by ours."""
    host, port = settings.host, settings.port
    address = f"{host}:{port}"
    asked = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=3) as client:
            answer = await client.get(f"http://{asked}:{port}/health")
        if answer.status_code == 200:
            return Finding(True, "port", f"a server answers on {address}")
        return Finding(
            False, "port", f"{address} is taken by something that is no AnyGPT in health. Choose another with --port."
        )
    except httpx.ConnectError:
        pass
    except (httpx.HTTPError, httpx.InvalidURL):
        return Finding(False, "port", f"{address} is taken by another program. Stop it, or choose another with --port.")
    if _is_locked(folder):
        return Finding(True, "port", f"a server runs with this data folder, on another address than {address}")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        return Finding(False, "port", f"{address} cannot be listened on ({error.strerror}). Check --host and --port.")
    return Finding(True, "port", f"{address} is free")


async def _providers(settings: Settings) -> list[Finding]:
    try:
        async with open_services(settings, serving=False) as services:
            names = [
                provider.name
                for provider in services.state.current.providers.values()
                if provider.enabled and not provider.kind.in_process
            ]
            found = await asyncio.gather(*(_provider(services, name) for name in names))
    except AnyGPTError as error:
        return [Finding(False, "providers", error.message)]
    return found or [Finding(True, "providers", "only the demo so far; add one with: anygpt provider add")]


async def _provider(services: Services, name: str) -> Finding:
    try:
        async with asyncio.timeout(PROVIDER_S):
            result = await services.providers.test(name)
    except TimeoutError:
        return Finding(False, "provider", f"{name}: no answer within {PROVIDER_S:g} s. Check its address and network.")
    return Finding(result.ok, "provider", about(name, result.sentence))


def _clock(now: datetime) -> Finding:
    """A clock that stands before this version was made is wrong: budgets and log-ins go by it."""
    made = datetime.combine(date.fromisoformat(provenance().made), datetime.min.time(), UTC)
    if now < made - timedelta(days=1):
        return Finding(False, "clock", f"it says {now:%Y-%m-%d %H:%M} UTC, which is past. Set the system's clock.")
    return Finding(True, "clock", f"{now:%Y-%m-%d %H:%M} UTC")


def _is_locked(folder: DataFolder) -> bool:
    try:
        return folder.is_locked()
    except OSError:
        return False


def _reason(error: OSError | SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or getattr(error, "strerror", None) or error)
