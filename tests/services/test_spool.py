"""A full disk: nothing is lost, nothing is counted twice, and nobody is let in until it is over."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
from sqlmodel import Session, col, func, select

from app.core.settings import Settings
from app.db.tables.ledger import AttemptRow, RequestRow
from app.services.container import Services
from app.services.gateway.record import upserts
from app.services.spool import DurableWriter, Rows, _encoded
from app.services.startup import open_services
from app.services.views import KeySpec
from tests.api.gateway.asking import CHAT, chat, events
from tests.app_server import AppServer, running_app
from tests.upstream.fixtures import RunningUpstream
from tests.waiting import until

NO_LIMIT = 1_073_741_823


def fill(server: AppServer) -> None:
    """The database may not grow by one page: SQLite then says that the disk is full."""

    def limit(session: Session) -> None:
        pages = session.connection().exec_driver_sql("PRAGMA page_count").scalar_one()
        session.connection().exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    server.run(server.services.db.write(limit))


def make_room(server: AppServer) -> None:
    limit = f"PRAGMA max_page_count = {NO_LIMIT}"
    server.run(server.services.db.write(lambda session: session.connection().exec_driver_sql(limit).close()))


def written(server: AppServer) -> set[str]:
    def read(session: Session) -> set[str]:
        whole = select(RequestRow.id).join(AttemptRow, col(AttemptRow.request_id) == RequestRow.id)
        return set(session.exec(whole.where(AttemptRow.state == "closed")))

    return server.run(server.services.db.read(read))


async def test_answers_are_released_and_their_rows_kept_until_there_is_room(
    tmp_path: Path, upstream: RunningUpstream
) -> None:
    with running_app(tmp_path) as server:
        model = server.provide(upstream, "openai/chat")
        secret = server.add_key("spooled", budgets=[{"usd": "1", "window": "total"}])
        body = chat(model, stream=True, user="u" * 3000, metadata={"tags": ",".join(["t" * 60] * 20)})
        await asyncio.to_thread(fill, server)
        async with server.client(secret) as client:
            answers = await asyncio.gather(*(client.post(CHAT, json=body) for _ in range(60)))
            assert {answer.status_code for answer in answers} == {200}, "what was admitted is answered"
            assert all(events(answer.text)[-1] == "[DONE]" for answer in answers)
            assert server.services.writer.spooling
            refused = await client.post(CHAT, json=body)
            assert (refused.status_code, "ledger" in refused.text) == (503, True)
            assert int(refused.headers["retry-after"]) >= 1
            assert (await client.get("/ready")).status_code == 503
            spool = tmp_path / "logs" / "spool.jsonl"
            ids = {answer.headers["x-request-id"] for answer in answers}
            stored = await asyncio.to_thread(written, server)
            kept = await asyncio.to_thread(spool.read_text)
            assert all(request_id in kept for request_id in ids - stored), "each is in one place or the other"
            assert ids - stored
            await asyncio.to_thread(make_room, server)
            await until(lambda: not server.services.writer.spooling)
            assert not spool.exists()
            assert await asyncio.to_thread(written, server) >= ids
            assert (await client.get("/ready")).status_code == 200
            assert (await client.post(CHAT, json=body)).status_code == 200
            left = (await client.get("/v1/key")).json()["budgets"][0]
        rows = server.run(
            server.services.db.read(lambda s: s.exec(select(func.count(), func.sum(RequestRow.cost))).one())
        )
        assert rows[0] == 61, "the refused one leaves no row"
        assert left["spent_usd"] == f"0.{rows[1]:09d}".rstrip("0")
        assert left["reserved_usd"] == "0.00"


def lines(number: int) -> Rows:
    """Rows that look like the ledger's."""
    attempt = [
        f"att_{number}",
        f"req_{number}",
        1,
        "closed",
        None,
        None,
        "p",
        "p",
        None,
        "m",
        None,
        None,
        0,
        200,
        None,
        1,
        0,
        None,
        0,
        0,
        5,
    ]
    request = {
        "id": f"req_{number}",
        "at": 1,
        "model_asked": "m",
        "format": "x",
        "stream": False,
        "status": 200,
        "cost": 5,
    }
    names = upserts()["request"].names
    counts = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens",
              "latency_ms", "attempts", "estimated_input")  # fmt: skip
    values = {**dict.fromkeys(counts, 0), "estimated": False, "tags": b"[]", "needs": b"[]", **request}
    return [
        ("attempt", f"att_{number}", tuple(attempt)),
        ("request", f"req_{number}", tuple(values.get(n) for n in names)),
    ]


async def stored(services: Services) -> list[str]:
    return list(await services.db.read(lambda s: s.exec(select(RequestRow.id).order_by(col(RequestRow.id))).all()))


async def test_what_an_earlier_run_left_is_written_at_start_and_a_cut_line_is_left_out(
    services: Services, tmp_path: Path
) -> None:
    path = tmp_path / "spool.jsonl"
    first = DurableWriter(services.db, upserts(), path)
    for number in (1, 2):
        first._append(_line(lines(number)))
    with path.open("ab") as file:
        file.write(_line(lines(3))[:50])  # the process died here
    second = DurableWriter(services.db, upserts(), path)
    assert second.spooling
    second._append(_line(lines(4)))
    second.start()
    await until(lambda: not second.spooling)
    assert await stored(services) == ["req_1", "req_2", "req_4"]
    assert not path.exists()
    await second.close()


async def test_what_an_earlier_run_left_is_in_the_ledger_before_anything_is_counted(settings: Settings) -> None:
    async with open_services(settings, serving=True) as services:
        key, _ = await services.keys.create("test", KeySpec(name="ci", budgets=[{"usd": "1", "window": "total"}]))
        attempt, (table, row_id, values) = lines(1)
        names = upserts()["request"].names
        row = tuple(key.id if name == "key_id" else value for name, value in zip(names, values, strict=True))
        await services.db.write(lambda session: session.add(AttemptRow(id="att_1", request_id="req_1", reserved=900)))
        services.writer._append(_line([attempt, (table, row_id, row)]))
    async with open_services(settings, serving=True) as services:
        assert not services.writer.spooling
        assert await stored(services) == ["req_1"]
        assert (await services.ledger.request("req_1")).row.error is None, "it had ended, so it is not interrupted"
        budgets = services.admission.budgets(services.keys.find("ci"))
        assert budgets is not None
        assert budgets.budgets[0].spent == 5


async def test_whoever_leaves_while_the_ledger_is_written_takes_nothing_with_them(
    services: Services, tmp_path: Path
) -> None:
    writer = DurableWriter(services.db, upserts(), tmp_path / "spool.jsonl")
    waiting = asyncio.create_task(writer.commit(lines(1)))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await writer.close()
    assert await stored(services) == ["req_1"]


async def test_rows_of_one_request_are_written_together_or_not_at_all(services: Services, tmp_path: Path) -> None:
    writer = DurableWriter(services.db, upserts(), tmp_path / "spool.jsonl")
    attempt, (table, row_id, values) = lines(1)
    broken = [attempt, (table, row_id, (*values[:1], None, *values[2:]))]  # a request without a time is refused
    both = await asyncio.gather(writer.commit(broken), writer.commit(lines(2)))
    assert both == [None, None]
    assert await stored(services) == ["req_2"]
    attempts = await services.db.read(lambda s: s.exec(select(AttemptRow.id)).all())
    assert list(attempts) == ["att_2"]
    assert "req_1" in (tmp_path / "spool.jsonl").read_text()
    await writer.close()


def _line(rows: Rows) -> bytes:
    return orjson.dumps([(name, row_id, [_encoded(value) for value in row]) for name, row_id, row in rows])
