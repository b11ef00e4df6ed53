"""Ledger rows that could not be committed (disk full): kept in logs/spool.jsonl, written back when it works again."""

from __future__ import annotations

import asyncio
import base64
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.core.errors import LedgerUnavailable
from app.db.engine import Database, Upsert

log = structlog.get_logger()

GIVE_UP_S = 2.0
RETRY_S = 0.1
DRAIN_S = 1.0

Rows = list[tuple[str, str, tuple[Any, ...]]]  # (name of the table, id, its row)


class DurableWriter:
    """Commits ledger rows; after two seconds of failing they go, fsynced, to the spool, and new requests are refused
    until the spool has drained."""

    def __init__(self, db: Database, tables: dict[str, Upsert], spool: Path) -> None:
        self._db, self._tables, self._path = db, tables, spool
        self.spooling = spool.exists() and spool.stat().st_size > 0
        self._file = threading.Lock()  # appending and taking out happen in threads
        self._unsaved: list[bytes] = []  # lines that even the spool had no room for
        self._saving: set[asyncio.Task[None]] = set()
        self._drainer: asyncio.Task[None] | None = None

    def check(self) -> None:
        """Raises LedgerUnavailable while the ledger cannot be written."""
        if self.spooling:
            raise LedgerUnavailable(
                "The ledger cannot be written just now (the disk may be full), so no request is taken. "
                "An admin should look at the server's disk.",
                retry_after=2.0,
            )

    async def commit(self, rows: Rows) -> None:
        """Returns when the rows are safe: committed, or fsynced in the spool. Whoever is cancelled while waiting
        leaves them in good hands."""
        try:
            await self._write(rows)
        except SQLAlchemyError as error:
            await asyncio.shield(self._save(rows, error))
        except asyncio.CancelledError:
            # written again rather than shielded: rows replace by id, and a shield would cost every request
            self._in_background(self._look_after(self._write(rows), rows))
            raise

    async def recover(self) -> None:
        """Tries once to write what an earlier run left: before the ledger is read for what was spent."""
        if self.spooling:
            with suppress(SQLAlchemyError, OSError):
                await self._drain_once()

    async def waiting(self) -> list[Rows]:
        """What an earlier run left and could not be written back yet. Some of it may be in the ledger all the same."""
        return [_rows(line) for line in await asyncio.to_thread(self._read)] if self.spooling else []

    def start(self) -> None:
        """Drains what an earlier run left, in the background."""
        if self.spooling and (self._drainer is None or self._drainer.done()):
            self._drainer = asyncio.create_task(self._drain(), name="drain the spool")

    async def close(self) -> None:
        if self._saving:
            await asyncio.wait(self._saving)
        if self._drainer is not None:
            self._drainer.cancel()
            await asyncio.gather(self._drainer, return_exceptions=True)

    def _write(self, rows: Rows) -> asyncio.Future[None]:
        return self._db.execute_together([(self._tables[name], row_id, row) for name, row_id, row in rows])

    def _save(self, rows: Rows, error: SQLAlchemyError) -> asyncio.Task[None]:
        return self._in_background(self._retry(rows, error))

    async def _look_after(self, written: asyncio.Future[None], rows: Rows) -> None:
        try:
            await written
        except SQLAlchemyError as error:
            await self._retry(rows, error)

    async def _retry(self, rows: Rows, error: SQLAlchemyError) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + GIVE_UP_S
        while loop.time() < deadline:
            await asyncio.sleep(RETRY_S)
            try:
                await self._write(rows)
                return
            except SQLAlchemyError as again:
                error = again
        reason = str(getattr(error, "orig", error))
        log.error("the ledger cannot be written; rows go to the spool", reason=reason)
        self.spooling = True
        line = orjson.dumps([(name, row_id, [_encoded(value) for value in row]) for name, row_id, row in rows])
        await asyncio.to_thread(self._append, line)
        self.start()

    async def _drain(self) -> None:
        while self.spooling:
            try:
                await self._drain_once()
            except (SQLAlchemyError, OSError):
                await asyncio.sleep(DRAIN_S)

    async def _drain_once(self) -> None:
        lines = await asyncio.to_thread(self._read)
        for line in lines:
            await self._write(_rows(line))
        await asyncio.to_thread(self._forget, set(lines))

    def _append(self, line: bytes) -> None:
        with self._file:
            try:
                with self._path.open("ab") as file:
                    file.write(b"\n" + line + b"\n")  # the line before it may have been cut off
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                self._unsaved.append(line)
                log.error("the spool cannot be written either; its rows are in memory only", reason=error.strerror)

    def _read(self) -> list[bytes]:
        with self._file:
            return self._lines()

    def _lines(self) -> list[bytes]:
        stored = self._path.read_bytes().split(b"\n") if self._path.exists() else []
        return [line for line in stored if line] + self._unsaved

    def _forget(self, written: set[bytes]) -> None:
        """Takes lines out; those that came meanwhile stay. Rows replace by id, so twice is once."""
        with self._file:
            left = [line for line in self._lines() if line not in written]
            if left:
                fresh = self._path.with_suffix(".new")
                fresh.write_bytes(b"\n".join(left) + b"\n")
                fresh.replace(self._path)
                self._unsaved = []
                return
            self._path.unlink(missing_ok=True)
            self._unsaved = []
            self.spooling = False
            log.info("the spool has drained; requests are taken again")

    def _in_background(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work, name="save ledger rows")
        self._saving.add(task)
        task.add_done_callback(self._saving.discard)
        return task


def _rows(line: bytes) -> Rows:
    """A line's rows; none of one that a crash cut off in the middle, since nobody was told that it was safe."""
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        log.warning("a line of the spool is incomplete and was left out")
        return []
    return [(name, row_id, tuple(map(_decoded, row))) for name, row_id, row in found]


def _encoded(value: Any) -> Any:
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def _decoded(value: Any) -> Any:
    return base64.b64decode(value["base64"]) if isinstance(value, dict) else value
