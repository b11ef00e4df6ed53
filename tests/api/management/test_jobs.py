"""Long work over the API: started, followed, cancelled."""

from __future__ import annotations

import asyncio

import httpx

from tests.api.management.conftest import problem


async def test_a_replay_is_accepted_and_followed_to_its_figures(api: httpx.AsyncClient) -> None:
    started = await api.post("/api/routers/default/replay", json={"days": 3})
    assert started.status_code == 202
    job = started.json()["job_id"]
    while (status := (await api.get(f"/api/jobs/{job}")).json())["state"] == "running":
        assert 0 <= status["progress"] <= 1
        await asyncio.sleep(0.02)
    assert (status["state"], status["progress"], status["router"]) == ("done", 1.0, "default")
    result = status["result"]
    assert (result["requests"], result["unjudged"]) == (0, 0)
    for arm in ("live", "draft"):
        fields = {"cost_usd", "cost_range", "p50_ms", "p95_ms", "failure_rate", "share"}
        assert fields <= result[arm].keys()


async def test_a_job_can_be_cancelled(api: httpx.AsyncClient) -> None:
    job = (await api.post("/api/routers/default/replay", json={})).json()["job_id"]
    assert (await api.delete(f"/api/jobs/{job}")).json()["state"] == "cancelled"


async def test_what_is_not_there_is_named(api: httpx.AsyncClient) -> None:
    problem(await api.get("/api/jobs/none"), 404)
    problem(await api.post("/api/routers/nowhere/replay", json={}), 404)
    problem(await api.post("/api/routers/default/replay", json={"days": 1000}), 400)
