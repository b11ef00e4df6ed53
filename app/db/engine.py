"""The database: one writer thread that commits whatever is queued, and a pool of readers.

`write` runs a function in the writer's transaction and returns when it is committed; `execute` queues one whole row,
the ledger's fast way. What has gathered while the last commit ran is committed together, at once. `execute_soon` is
for a row that is likely to be replaced at once: it is queued a quarter of a second later at most, if it still stands.
If a shared transaction fails, each piece is tried again in one of its own, so that only the faulty one sees the error;
rows that were queued together stay together.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlmodel import Session

T = TypeVar("T")
Row = tuple[Any, ...] | Callable[[], tuple[Any, ...]]
Rows = list[tuple["Upsert", str, Row]]  # (its table, id, the row)
READERS = 4
SOON_S = 0.25
MAX_ROWS = 64
# What is neither number nor text the driver first offers to adapters, and looks for one in vain each time: 3 µs of a
# row of the ledger. These give back what they are given.
sqlite3.register_adapter(bool, int)
sqlite3.register_adapter(bytes, bytes)
sqlite3.register_adapter(type(None), cast(Any, {}.get))
PRAGMAS = (
    *("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=5000"),
    "temp_store=MEMORY",  # or a file is made and deleted for each statement of many rows
)


class Upsert:
    """Whole rows of one table, written or replaced by their id; many rows are one statement.

    One statement is one release of the interpreter lock: with a statement a row, the loop and the writer would
    hand the lock to and fro many times a commit."""

    def __init__(self, table: Table, names: tuple[str, ...], *, order: int) -> None:
        self.order = order  # of several tables in one transaction, the lower one is written first
        self.names = names
        self._head = f"INSERT OR REPLACE INTO {table.name} ({', '.join(self.names)}) VALUES "  # noqa: S608
        self._row = f"({', '.join('?' * len(self.names))})"

    def run(self, cursor: Any, rows: list[Row]) -> None:
        """Of several rows with one id, the last one counts. A row that is a function is only then asked for."""
        for start in range(0, len(rows), MAX_ROWS):
            part = rows[start : start + MAX_ROWS]
            values = list(chain.from_iterable([row() if callable(row) else row for row in part]))
            cursor.execute(self._head + ", ".join([self._row] * len(part)), values)


@dataclass(slots=True)
class _Piece:
    work: Callable[[Connection], Any] | None
    rows: Rows
    done: Future[Any] | None
    loop_future: asyncio.Future[None] | None = None
    result: Any = None
    error: BaseException | None = field(default=None)


class Database:
    def __init__(self, url: str) -> None:
        self.url = url
        self._begin = "BEGIN IMMEDIATE" if url.startswith("sqlite") else "BEGIN"
        self.writer_engine = _engine(url, "BEGIN IMMEDIATE", pool_size=1)
        self.reader_engine = _engine(url, "BEGIN", pool_size=READERS)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="db-read")
        self._queue: deque[_Piece] = deque()  # appends and pops are atomic, so no lock
        self._wanted = False  # something was queued
        self._soon: dict[str, tuple[Upsert, str, Row]] = {}  # by id, of rows that nobody waits for
        self._soon_timed = False
        self._asleep = False
        self._waking = False  # the loop will wake the writer at the end of its turn
        self._signal: queue.SimpleQueue[None] = queue.SimpleQueue()  # a tenth of the cost of a threading.Event
        self._closed = False
        self._thread: threading.Thread | None = None
        self.loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Starts the writer thread; called on the loop whose futures it will resolve."""
        self.loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._write_loop, name="db-write", daemon=True)
        self._thread.start()

    async def write(self, work: Callable[[Session], T]) -> T:
        """Runs `work` in the writer's transaction. Returns after the commit; raises what `work` raised."""

        def in_session(connection: Connection) -> T:
            with Session(connection, expire_on_commit=False) as session:
                result = work(session)
                session.flush()
            return result

        piece = _Piece(in_session, [], Future())
        self._put(piece)
        assert piece.done is not None
        result: T = await asyncio.wrap_future(piece.done)
        return result

    def execute_soon(self, upsert: Upsert, id: str, row: Row) -> None:
        """Has one row written within a quarter of a second, unless another with its id comes before that."""
        if self._closed:
            raise RuntimeError("the database is closed")
        if not self._soon_timed:
            assert self.loop is not None
            self._soon_timed = True
            self.loop.call_later(SOON_S, self._queue_soon)
        self._soon[id] = (upsert, id, row)

    async def execute(self, upsert: Upsert, id: str, row: Row) -> None:
        """Queues one row and returns when it is committed."""
        await self.execute_together([(upsert, id, row)])

    def execute_together(self, rows: Rows) -> asyncio.Future[None]:
        """Queues rows; the future is done when they are committed: all of them, or none."""
        assert self.loop is not None
        future: asyncio.Future[None] = self.loop.create_future()
        for _, row_id, _ in rows:
            self._soon.pop(row_id, None)
        self._put_from_loop(_Piece(None, rows, None, future))
        return future

    async def read(self, work: Callable[[Session], T]) -> T:
        """Runs `work` in a read transaction on a thread of the pool."""

        def in_session() -> T:
            with Session(self.reader_engine, expire_on_commit=False) as session:
                return work(session)

        return await asyncio.get_running_loop().run_in_executor(self._readers, in_session)

    async def close(self) -> None:
        """Commits what is queued, then ends the threads."""
        self._queue_soon()
        self._closed = True
        self._wake()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
        await asyncio.to_thread(self._readers.shutdown)
        self.writer_engine.dispose()
        self.reader_engine.dispose()

    def _put(self, piece: _Piece) -> None:
        if self._closed:
            raise RuntimeError("the database is closed")
        self._queue.append(piece)
        self._wake()

    def _queue_soon(self) -> None:
        self._soon_timed = False
        if self._soon and not self._closed:
            rows, self._soon = list(self._soon.values()), {}
            self._put(_Piece(None, rows, None))

    def _put_from_loop(self, piece: _Piece) -> None:
        """Of all that is queued in one turn of the loop, the writer is told once, at its end."""
        if self._closed:
            raise RuntimeError("the database is closed")
        self._queue.append(piece)
        if not self._waking:
            assert self.loop is not None
            self._waking = True
            self.loop.call_soon(self._wake_at_end)

    def _wake_at_end(self) -> None:
        self._waking = False
        self._wake()

    def _wake(self) -> None:
        self._wanted = True
        if self._asleep:
            self._asleep = False
            self._signal.put(None)

    def _sleep(self) -> None:
        """Until something is queued. `_wanted` is looked at again after `_asleep` was said: whoever comes in between
        either sees the one or is seen by the other."""
        self._asleep = True
        if not self._wanted:
            self._signal.get()
        self._asleep = False

    def _write_loop(self) -> None:
        with self.writer_engine.connect() as connection:
            while True:
                if not self._wanted:
                    self._sleep()
                self._wanted = False
                pieces = [self._queue.popleft() for _ in range(len(self._queue))]
                if pieces:
                    self._commit(connection, pieces)
                elif self._closed:
                    return
                if self._closed:
                    self._wanted = True  # once more, until the queue is empty

    def _commit(self, connection: Connection, pieces: list[_Piece]) -> None:
        try:
            if all(piece.work is None for piece in pieces):
                self._run_rows(connection, pieces)
            else:
                with connection.begin():
                    _run(connection, pieces)
        except BaseException as error:  # noqa: BLE001  whatever failed is handed to the caller it belongs to
            if len(pieces) == 1:
                pieces[0].error = error
            else:
                for piece in pieces:
                    self._commit(connection, [piece])
                return
        self._release(pieces)

    def _run_rows(self, connection: Connection, pieces: list[_Piece]) -> None:
        """Only prepared rows: straight to the driver. SQLAlchemy's own transaction costs more than the rows do, and
        the loop waits for the interpreter lock meanwhile."""
        cursor = connection.connection.cursor()
        try:
            cursor.execute(self._begin)
            try:
                for upsert, rows in _grouped(pieces):
                    upsert.run(cursor, rows)
                cursor.execute("COMMIT")
            except BaseException:
                connection.connection.rollback()
                raise
        except self.writer_engine.dialect.loaded_dbapi.Error as error:
            raise DBAPIError.instance("", None, error, self.writer_engine.dialect.loaded_dbapi.Error) from error
        finally:
            cursor.close()

    def _release(self, pieces: list[_Piece]) -> None:
        awaited: list[_Piece] = []
        for piece in pieces:
            if piece.done is not None and not piece.done.cancelled():
                if piece.error is None:
                    piece.done.set_result(piece.result)
                else:
                    piece.done.set_exception(piece.error)
            elif piece.loop_future is not None:
                awaited.append(piece)
        if awaited and self.loop is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(_resolve, awaited)


def _run(connection: Connection, pieces: list[_Piece]) -> None:
    """Runs the pieces in their order, in SQLAlchemy's transaction."""
    for piece in pieces:
        if piece.work is not None:
            piece.result = piece.work(connection)
        elif piece.rows:
            cursor = connection.connection.cursor()
            for upsert, rows in _grouped([piece]):
                upsert.run(cursor, rows)
            cursor.close()


def _grouped(pieces: list[_Piece]) -> list[tuple[Upsert, list[Row]]]:
    groups: dict[Upsert, dict[str, Row]] = {}
    for piece in pieces:
        for upsert, row_id, row in piece.rows:
            groups.setdefault(upsert, {})[row_id] = row
    return [(upsert, list(rows.values())) for upsert, rows in sorted(groups.items(), key=lambda group: group[0].order)]


def _resolve(pieces: list[_Piece]) -> None:
    for piece in pieces:
        future = piece.loop_future
        if future is not None and not future.done():
            if piece.error is None:
                future.set_result(None)
            else:
                future.set_exception(piece.error)


def _engine(url: str, begin: str, pool_size: int) -> Engine:
    # hide_parameters: exceptions would print secrets otherwise
    engine = create_engine(url, hide_parameters=True, pool_size=pool_size, max_overflow=2)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _configure(connection: sqlite3.Connection, _: object) -> None:
            connection.isolation_level = None  # we say BEGIN ourselves
            for pragma in PRAGMAS:
                connection.execute(f"PRAGMA {pragma}").close()

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

    return engine


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


def is_full(error: BaseException) -> bool:
    """Whether a failed write means that the disk (or a quota) is full or cannot be written."""
    text = str(getattr(error, "orig", error)).lower()
    return isinstance(error, SQLAlchemyError) and any(
        words in text for words in ("disk is full", "disk i/o", "readonly", "unable to open")
    )
