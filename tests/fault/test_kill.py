"""kill -9 under load: what a client saw to its end is in the ledger, with its cost."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import aiohttp
import pytest

from app.core.money import NANO
from app.db.migrate import integrity
from tests.fault.server import server
from tests.upstream.fixtures import RunningUpstream

CLIENTS = 50
BEFORE_KILL = 400  # answers


@pytest.mark.timeout(180)
async def test_kill_9_loses_no_request_whose_answer_was_seen(tmp_path: Path, upstream: RunningUpstream) -> None:
    with server(tmp_path / "data") as running:
        await asyncio.to_thread(running.start)
        await asyncio.to_thread(running.add_provider, "good", upstream.provider_url("openai/chat"))
        key = await asyncio.to_thread(running.add_key, budgets=[{"usd": "1000", "window": "day"}])
        seen: set[str] = set()
        enough = asyncio.Event()
        loaders = [asyncio.create_task(_load(running.url, key, number, seen, enough)) for number in range(CLIENTS)]
        await enough.wait()
        running.kill()
        await asyncio.gather(*loaders)
        assert len(seen) >= BEFORE_KILL

        assert integrity(f"sqlite:///{running.data_dir}/anygpt.db") == "ok"
        await asyncio.to_thread(running.start)
        rows = _ledger(running.data_dir / "anygpt.db")
        assert seen - rows.keys() == set()
        assert all(rows[request_id] is not None and rows[request_id] > 0 for request_id in seen)
        # what was under way is marked, and counted by its estimate: the budget knows of every row
        left_open = _count(running.data_dir / "anygpt.db", "select count(*) from attempt where state = 'open'")
        assert left_open == 0
        with running.admin() as client:
            spent = client.get("/api/keys/load").json()["budgets"][0]["spent_usd"]
        assert round(float(spent) * NANO) == sum(cost or 0 for cost in rows.values())
        assert running.stop() == 0


async def _load(url: str, key: str, number: int, seen: set[str], enough: asyncio.Event) -> None:
    """Asks until the server is gone; keeps the ids of answers that came whole."""
    body = {"model": "gpt-4o", "stream": number % 2 == 0, "messages": [{"role": "user", "content": "hello"}]}
    async with aiohttp.ClientSession(headers={"authorization": f"Bearer {key}"}) as session:
        while True:
            try:
                async with session.post(f"{url}/v1/chat/completions", json=body) as answer:
                    text = await answer.read()
                    if answer.status == 200 and (b"[DONE]" in text or not body["stream"]):
                        seen.add(answer.headers["x-request-id"])
                        if len(seen) >= BEFORE_KILL:
                            enough.set()
            except (aiohttp.ClientError, OSError):
                return


def _ledger(path: Path) -> dict[str, int | None]:
    connection = sqlite3.connect(path)
    try:
        return dict(connection.execute("select id, cost from request where key_id is not null"))
    finally:
        connection.close()


def _count(path: Path, query: str) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute(query).fetchone()[0])
    finally:
        connection.close()
