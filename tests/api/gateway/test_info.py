"""What the gateway answers without a provider: models, the key itself, a finished request, health."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.gateway.asking import CHAT, chat
from tests.api.gateway.test_errors import check
from tests.app_server import AppServer, running_app
from tests.upstream.fixtures import RunningUpstream


async def test_the_list_of_models_holds_every_name_once(server: AppServer, upstream: RunningUpstream) -> None:
    name = server.provide(upstream, "openai/chat", model={"context_window": 128000, "capabilities": ["chat", "vision"]})
    server.provide(upstream, "anthropic/chat", alias=name)
    async with server.client() as client:
        listed = (await client.get("/v1/models")).json()
        one = (await client.get(f"/v1/models/{name}")).json()
    assert listed["object"] == "list"
    ids = [model["id"] for model in listed["data"]]
    assert len(ids) == len(set(ids))
    assert {name, "demo/chat", "demo/echo", "demo/slow", "demo/failing"} <= set(ids)
    assert one == next(model for model in listed["data"] if model["id"] == name)
    assert one["object"] == "model"
    assert {"created", "owned_by"} <= set(one)


async def test_only_models_that_the_key_may_use_are_listed(server: AppServer) -> None:
    async with server.client(server.add_key(models=["demo/e*"])) as client:
        assert [model["id"] for model in (await client.get("/v1/models")).json()["data"]] == ["demo/echo"]
        assert (await client.get("/v1/models/demo/echo")).status_code == 200
        check(await client.get("/v1/models/demo/chat"), CHAT, 404)


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/demo/echo", "/v1/key", "/v1/generation?id=x"])
async def test_nobody_reads_them_without_a_key(server: AppServer, path: str) -> None:
    async with server.stranger() as client:
        check(await client.get(path), CHAT, 401)
        joined = "&" if "?" in path else "?"
        check(await client.get(f"{path}{joined}key={server.key}"), CHAT, 401)


async def test_a_key_can_ask_what_is_left_of_it(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat")
    secret = server.add_key(
        "asking",
        owner="ada@example.org",
        limits={"rpm": 5, "concurrent": 2},
        budgets=[{"usd": "1.50", "window": "month"}, {"usd": "3", "window": "total"}],
        expires="2099-01-01",
    )
    async with server.client(secret) as client:
        await client.post(CHAT, json=chat(model))
        value = (await client.get("/v1/key")).json()
    assert (value["name"], value["user"], value["router"], value["models"]) == (
        "asking",
        "ada@example.org",
        "default",
        ["*"],
    )
    assert value["expires"] == "2099-01-01T00:00:00.000Z"
    assert value["limits"] == {"rpm": 5, "concurrent": 2}
    assert value["limits_remaining"] == {"rpm": 4, "concurrent": 2}
    month, total = value["budgets"]
    assert (month["usd"], month["spent_usd"], month["remaining_usd"]) == ("1.50", "0.000021", "1.499979")
    assert month["resets_at"].endswith("-01T00:00:00.000Z")
    assert total["resets_at"] is None
    assert secret not in str(value)


async def test_a_finished_request_can_be_looked_up_by_its_own_key(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat", "status-500", priority=1)
    server.provide(upstream, "anthropic/chat", alias=model, priority=2)
    async with server.client() as client:
        request_id = (await client.post(CHAT, json=chat(model))).headers["x-request-id"]
        value = (await client.get("/v1/generation", params={"id": request_id})).json()
    assert value["id"] == request_id
    assert (value["model_asked"], value["model"], value["status"]) == (model, "upstream-model", 200)
    assert (value["input_tokens"], value["output_tokens"], value["cost_usd"]) == (9, 6, "0.000021")
    assert [attempt["status"] for attempt in value["attempts"]] == [500, 200]
    async with server.client(server.add_key()) as other:
        check(await other.get("/v1/generation", params={"id": request_id}), CHAT, 404)
        check(await other.get("/v1/generation", params={"id": "req_none"}), CHAT, 404)
        check(await other.get("/v1/generation"), CHAT, 404)


async def test_health_readiness_and_ping_need_no_key(server: AppServer) -> None:
    async with server.stranger() as client:
        assert (await client.get("/health")).json() == {"status": "ok"}
        ready = await client.get("/ready")
        assert (ready.status_code, ready.json()["checks"]) == (
            200,
            {"database": True, "ledger": True, "provider": True},
        )
        before = (await client.get("/ping")).json()
        async with server.client() as other:
            await other.post(CHAT, json=chat("demo/echo"))
        after = (await client.get("/ping")).json()
        assert set(before) == {"status", "version", "uptime_s", "requests_served"}
        assert after["requests_served"] == before["requests_served"] + 1
        assert (await client.head("/health")).content == b""


async def test_not_ready_without_a_provider(tmp_path: Path) -> None:
    with running_app(tmp_path) as server:
        server.run(server.services.providers.set_enabled("test", "demo", False))
        async with server.stranger() as client:
            assert (await client.get("/health")).status_code == 200
            ready = await client.get("/ready")
        assert (ready.status_code, ready.json()["checks"]["provider"]) == (503, False)


async def test_switched_off_routes_are_absent(tmp_path: Path) -> None:
    with running_app(
        tmp_path, enable_openai_routes=False, enable_models_routes=False, enable_admin_routes=False
    ) as server:
        async with server.client() as client:
            check(await client.post(CHAT, json=chat("demo/echo")), CHAT, 404)
            check(await client.get("/v1/models"), CHAT, 404)
            assert (await client.get("/api/openapi.json")).status_code == 404
            assert (await client.get("/api/keys")).status_code == 404
            assert (await client.get("/v1/key")).status_code == 200


async def test_no_origin_may_call_from_a_browser_unless_it_is_named(server: AppServer, tmp_path: Path) -> None:
    preflight = {"origin": "https://app.example.org", "access-control-request-method": "POST"}
    async with server.stranger() as client:
        answer = await client.options(CHAT, headers=preflight)
        assert "access-control-allow-origin" not in answer.headers
        assert "access-control-allow-origin" not in (await client.get("/health", headers=preflight)).headers
    with running_app(tmp_path, cors_origins="https://app.example.org,http://localhost:3000") as named:
        async with named.client() as client:
            answer = await client.options(CHAT, headers=preflight)
            assert answer.status_code == 204
            assert answer.headers["access-control-allow-origin"] == "https://app.example.org"
            assert "authorization" in answer.headers["access-control-allow-headers"]
            for asked in (chat("demo/echo"), chat("demo/echo", stream=True), {}):
                answer = await client.post(CHAT, json=asked, headers=preflight)
                assert answer.headers["access-control-allow-origin"] == "https://app.example.org"
                assert "x-anygpt-cost-usd" in answer.headers["access-control-expose-headers"]
            other = await client.post(CHAT, json=chat("demo/echo"), headers={"origin": "https://evil.example.org"})
            assert "access-control-allow-origin" not in other.headers


async def test_refusals_are_logged_without_secrets(tmp_path: Path, upstream: RunningUpstream) -> None:
    with running_app(tmp_path) as server:
        secret = server.add_key("logged")
        model = server.provide(upstream, "openai/chat", "status-401", api_keys=["sk-very-secret-indeed-123"])
        async with server.client(secret) as client:
            await client.post(f"{CHAT}?key={secret}", json=chat("nothing", user="my words"))
            await client.post(CHAT, json=chat(model))
            await client.post(CHAT, json=chat("demo/echo"))
        unknown = "gw_live_" + "u" * 43
        async with server.client(unknown) as client:
            await client.post(CHAT, json=chat("demo/echo"))
    log = (tmp_path / "logs" / "api-error.jsonl").read_text()
    assert [line.count('"status":') for line in log.splitlines()] == [1, 1, 1], "answers are not in it"
    assert '"status":404' in log
    assert '"status":502' in log
    assert '"status":401' in log
    assert '"key":"logged"' in log
    for hidden in (secret, unknown, "sk-very-secret", "my words", "Say hello", "?key="):
        assert hidden not in log
