"""Ledger rows that could not be committed (disk full): kept in logs/spool.jsonl, written back when it works again."""

from __future__ import annotations

import asyncio
import base64
import os
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
        """Returns when the rows are safe: committed, or fsynced in the spool."""
        try:
            await self._write(rows)
            return
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", error))
        deadline = asyncio.get_running_loop().time() + GIVE_UP_S
        while asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(RETRY_S)
            try:
                await self._write(rows)
                return
            except SQLAlchemyError as error:
                reason = str(getattr(error, "orig", error))
        log.error("the ledger cannot be written; rows go to the spool", reason=reason)
        self.spooling = True
        await asyncio.to_thread(self._append, rows)
        self.start()

    def start(self) -> None:
        """Drains what an earlier run left, in the background."""
        if self.spooling and (self._drainer is None or self._drainer.done()):
            self._drainer = asyncio.create_task(self._drain(), name="drain the spool")

    async def close(self) -> None:
        if self._drainer is not None:
            self._drainer.cancel()
            await asyncio.gather(self._drainer, return_exceptions=True)

    async def _write(self, rows: Rows) -> None:
        *before, (name, row_id, row) = rows
        for earlier_name, earlier_id, earlier in before:
            self._db.execute_soon(self._tables[earlier_name], earlier_id, earlier)
        await self._db.execute(self._tables[name], row_id, row)

    async def _drain(self) -> None:
        while self.spooling:
            try:
                lines = await asyncio.to_thread(self._read)
                for line in lines:
                    await self._write(
                        [
                            (name, row_id, tuple(_decoded(value) for value in row))
                            for name, row_id, row in orjson.loads(line)
                        ]
                    )
                await asyncio.to_thread(self._forget, len(lines))
            except SQLAlchemyError:
                await asyncio.sleep(DRAIN_S)

    def _append(self, rows: Rows) -> None:
        line = orjson.dumps([(name, row_id, [_encoded(value) for value in row]) for name, row_id, row in rows])
        with self._path.open("ab") as file:
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _read(self) -> list[bytes]:
        return [line for line in self._path.read_bytes().split(b"\n") if line] if self._path.exists() else []

    def _forget(self, count: int) -> None:
        """Takes the first lines out; those that came meanwhile stay. Rows replace by id, so twice is once."""
        left = self._read()[count:]
        if left:
            fresh = self._path.with_suffix(".new")
            fresh.write_bytes(b"\n".join(left) + b"\n")
            fresh.replace(self._path)
        else:
            self._path.unlink(missing_ok=True)
            self.spooling = False
            log.info("the spool has drained; requests are taken again")


def _encoded(value: Any) -> Any:
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def _decoded(value: Any) -> Any:
    return base64.b64decode(value["base64"]) if isinstance(value, dict) else value
