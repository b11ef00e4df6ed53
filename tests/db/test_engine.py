"""One writer: group commit, isolation of faults, nothing lost at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError
from sqlmodel import Session, SQLModel, col, func, select

from app.db.engine import Database, is_full, sqlite_url
from app.db.tables.ledger import AttemptRow
from app.db.tables.people import PersonRow
from app.db.tables.settings import MetaRow
from app.services.gateway.record import ATTEMPT_COLUMNS, REQUEST_COLUMNS, upserts


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(sqlite_url(tmp_path / "test.db"))
    SQLModel.metadata.create_all(database.writer_engine)
    database.start()
    yield database
    await database.close()


def attempt(number: int, state: str = "closed") -> tuple[object, ...]:
    values = {"id": f"att_{number}", "request_id": "req_1", "position": 1, "state": state, "provider_id": "p"}
    values |= {"provider": "p", "model": "m", "estimated_input": 0, "status": 200, "started_at": 1, "latency_ms": 0}
    values |= {"input_tokens": 0, "output_tokens": 0}
    return tuple(values.get(name) for name in ATTEMPT_COLUMNS)


async def test_a_write_is_there_for_readers_when_it_returns(db: Database) -> None:
    await db.write(lambda session: session.add(MetaRow(name="answer", number=42)))
    assert await db.read(lambda session: session.get_one(MetaRow, "answer").number) == 42


async def test_a_faulty_write_fails_alone(db: Database) -> None:
    """What was queued together with it is committed all the same."""
    await db.write(lambda session: session.add(MetaRow(name="taken")))
    writes = [db.write(lambda session, n=n: session.add(MetaRow(name=f"row{n}"))) for n in range(20)]
    writes.insert(7, db.write(lambda session: session.add(MetaRow(name="taken"))))
    results = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [IntegrityError]
    assert await db.read(lambda session: session.exec(select(func.count()).select_from(MetaRow)).one()) == 21


async def test_rows_queued_without_waiting_are_committed_soon(db: Database) -> None:
    table = upserts()["attempt"]
    db.execute_soon(table, "att_1", attempt(1, "open"))
    async with asyncio.timeout(5):
        while await db.read(lambda session: session.get(AttemptRow, "att_1")) is None:
            await asyncio.sleep(0.01)


async def test_of_two_rows_with_one_id_the_later_counts(db: Database) -> None:
    table = upserts()["attempt"]
    db.execute_soon(table, "att_1", lambda: attempt(1, "open"))
    await db.execute(table, "att_1", attempt(1, "closed"))
    assert await db.read(lambda session: session.get_one(AttemptRow, "att_1").state) == "closed"


async def test_a_row_replaced_before_its_time_is_never_written(db: Database) -> None:
    written = []
    table = upserts()["attempt"]
    for number in range(3):
        db.execute_soon(table, f"att_{number}", lambda number=number: written.append(number) or attempt(number, "open"))
    await db.execute(table, "att_1", attempt(1, "closed"))
    assert written == [], "rows that nobody waits for do not go with the next commit"
    async with asyncio.timeout(5):
        while await db.read(lambda session: session.get(AttemptRow, "att_2")) is None:
            await asyncio.sleep(0.01)
    assert written == [0, 2]
    assert await db.read(lambda session: session.get_one(AttemptRow, "att_1").state) == "closed"


async def test_many_rows_are_all_written(db: Database) -> None:
    table = upserts()["attempt"]
    await asyncio.gather(*(db.execute(table, f"att_{n}", attempt(n)) for n in range(500)))
    assert await db.read(lambda session: session.exec(select(func.count()).select_from(AttemptRow)).one()) == 500


async def test_closing_commits_what_is_queued(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "test.db"))
    SQLModel.metadata.create_all(database.writer_engine)
    database.start()
    for number in range(50):
        database.execute_soon(upserts()["attempt"], f"att_{number}", attempt(number))
    await database.close()
    again = Database(sqlite_url(tmp_path / "test.db"))
    with Session(again.reader_engine) as session:
        assert session.exec(select(func.count()).select_from(AttemptRow)).one() == 50


async def test_the_columns_of_the_ledger_are_those_of_its_tables(db: Database) -> None:
    tables = upserts()
    metadata = SQLModel.metadata.tables
    assert set(tables["attempt"].names) == set(metadata["attempt"].columns.keys()) == set(ATTEMPT_COLUMNS)
    assert set(tables["request"].names) == set(metadata["request"].columns.keys()) == set(REQUEST_COLUMNS)


async def test_a_full_disk_is_recognised(db: Database) -> None:
    def fill(session: Session) -> None:
        session.connection().exec_driver_sql("PRAGMA max_page_count = 1")
        session.add(MetaRow(name="big", value=b"x" * 10_000_000))
        session.flush()

    with pytest.raises(OperationalError) as caught:
        await db.write(fill)
    assert is_full(caught.value)
    assert not is_full(ValueError("something else"))


async def test_times_are_utc_and_naive_ones_are_refused(db: Database) -> None:
    moment = datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=UTC)
    person = PersonRow(id="p", email="a@b.c", role="owner", created_at=moment)
    await db.write(lambda session: session.add(person))
    read = await db.read(lambda session: session.get_one(PersonRow, "p").created_at)
    assert read == moment
    assert read.utcoffset() == timedelta(0)
    found = await db.read(lambda s: s.exec(select(PersonRow.id).where(col(PersonRow.created_at) <= moment)).all())
    assert found == ["p"]
    naive = PersonRow(id="q", email="b@b.c", role="owner", created_at=datetime(2026, 1, 1))
    with pytest.raises(StatementError, match="without a zone"):
        await db.write(lambda session: session.add(naive))
