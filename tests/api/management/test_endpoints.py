"""What each management endpoint does, in the field names of the declarative file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from app.services.container import Services
from tests.api.management.conftest import As, problem
from tests.clock import MovedClock
from tests.upstream.fixtures import RunningUpstream

QUESTION = {"model": "demo/echo", "messages": [{"role": "user", "content": "Hello."}]}
PROVIDER_SECRET = "sk-provider-secret-0123456789"


def provider(upstream: RunningUpstream, name: str = "sample", **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "kind": "openai-compatible",
        "base_url": upstream.provider_url("openai/chat"),
        "api_key": PROVIDER_SECRET,
        **fields,
    }


async def test_a_provider_is_added_asked_for_its_models_changed_tested_and_deleted(
    api: httpx.AsyncClient, upstream: RunningUpstream
) -> None:
    made = await api.post("/api/providers", json=provider(upstream))
    assert made.status_code == 201
    value = made.json()
    assert value["id"].startswith("prov_")
    assert {model["id"] for model in value["models"]} == {"sample-model", "sample-small", "sample-embedding"}
    assert PROVIDER_SECRET not in made.text
    assert (await api.get("/api/providers/sample")).json() == (await api.get(f"/api/providers/{value['id']}")).json()
    assert (await api.post("/api/providers/sample/test")).json()["ok"] is True
    assert (await api.post("/api/providers/sample/models/refresh")).json() == {"models": 3}
    price = {"input": "0.15", "output": "0.60"}
    models = [{"id": "one", "alias": "uno", "price": price, "capabilities": ["chat"], "context_window": 1000}]
    changed = await api.put("/api/providers/sample", json=provider(upstream, priority=5, models=models, api_key=None))
    assert changed.json()["priority"] == 5
    (model,) = changed.json()["models"]
    assert (model["alias"], model["price"], model["capabilities"]) == ("uno", price, ["chat"])
    assert changed.json()["keys"], "the stored key stays"
    price |= {"cache_write_1h": "2.00", "image": "0.04", "minute": "0.006", "request": "0.01"}
    price |= {"tiers": [{"above": 200_000, "input": "0.30", "audio_input": "5.00"}]}
    models = [{"id": "one", "price": price}]
    changed = await api.put("/api/providers/sample", json=provider(upstream, models=models))
    assert changed.json()["models"][0]["price"] == price
    wrong = [{"id": "one", "price": {**price, "tiers": [{"above": 0, "input": "1"}]}}]
    answer = await api.put("/api/providers/sample", json=provider(upstream, models=wrong))
    problem(answer, 400, "models[0].price.tiers[0].above: the prompt's size in tokens")
    problem(await api.post("/api/providers", json=provider(upstream)), 409, "sample")
    assert (await api.delete("/api/providers/sample")).status_code == 204
    problem(await api.get("/api/providers/sample"), 404)


async def test_one_call_adds_or_changes_a_provider_and_fetches_its_models(
    api: httpx.AsyncClient, upstream: RunningUpstream
) -> None:
    for priority in (7, 8):
        value = (await api.post("/api/admin/providers", json=provider(upstream, priority=priority))).json()
        assert (value["priority"], len(value["models"])) == (priority, 3)
    assert len((await api.get("/api/providers")).json()["items"]) == 2


async def test_a_router_and_its_rules(api: httpx.AsyncClient) -> None:
    made = await api.post("/api/routers", json={"name": "side", "rules": [{"name": "all"}]})
    assert (made.status_code, made.json()["version"]) == (201, 0)
    rule = await api.post("/api/routers/side/rules", json={"name": "tagged", "when": {"tags": ["x"]}})
    assert rule.status_code == 201
    rule_id = rule.json()["id"]
    draft = (await api.get("/api/routers/side/draft")).json()
    assert (draft["exists"], [each["name"] for each in draft["rules"]]) == (True, ["tagged", "all"])
    changed = await api.put(f"/api/routers/side/rules/{rule_id}", json={"name": "other", "when": {"tags": ["y"]}})
    assert (changed.json()["id"], changed.json()["name"]) == (rule_id, "other")
    assert (await api.post("/api/routers/side/publish")).json()["version"] == 1
    assert (await api.delete(f"/api/routers/side/rules/{rule_id}")).status_code == 204
    problem(await api.delete(f"/api/routers/side/rules/{rule_id}"), 404)
    document = (await api.get("/api/routers/side")).json()
    assert [each["name"] for each in document["rules"]] == ["other", "all"], "reading gives the live version"
    sent_back = (await api.put("/api/routers/side", json=document)).json()
    assert (sent_back["exists"], sent_back["version"]) == (False, 1), "what was read can be sent back"
    problem(await api.post("/api/routers", json={"name": "side"}), 409)
    bad = problem(await api.post("/api/routers", json={"name": "bad", "strategy": "luck"}), 400, '"luck"')
    assert bad["field"] == "strategy"
    assert (await api.delete("/api/routers/side")).status_code == 204
    assert [each["name"] for each in (await api.get("/api/routers")).json()["items"]] == ["default"]


async def test_a_keys_secret_is_shown_once(api: httpx.AsyncClient) -> None:
    budgets = [{"usd": "5.00", "window": "day"}]
    made = await api.post(
        "/api/keys", json={"name": "ci", "budgets": budgets, "limits": {"rpm": 5}, "expires": "2099-01-01"}
    )
    assert made.status_code == 201
    secret = made.json()["secret"]
    assert secret.startswith("gw_live_")
    assert len(secret) == len("gw_live_") + 43
    value = (await api.get("/api/keys/ci")).json()
    assert "secret" not in value
    assert (value["limits"], value["expires"]) == ({"rpm": 5}, "2099-01-01T00:00:00.000Z")
    assert (value["budgets"][0]["usd"], value["budgets"][0]["spent_usd"]) == ("5.00", "0.00")
    changed = await api.put("/api/keys/ci", json={"name": "ci", "models": ["demo/*"]})
    assert (changed.json()["limits"], changed.json()["models"]) == ({}, ["demo/*"]), "what is left out is the default"
    assert "secret" not in changed.json()
    rotated = (await api.post("/api/keys/ci/rotate")).json()["secret"]
    assert rotated != secret
    for word, status in ((secret, 401), (rotated, 200)):
        headers = {"authorization": f"Bearer {word}"}
        assert (await api.post("/v1/chat/completions", json=QUESTION, headers=headers)).status_code == status
    assert (await api.delete("/api/keys/ci")).status_code == 204
    assert (await api.get("/api/keys/ci")).json()["enabled"] is False


async def test_a_key_is_made_for_a_person(api: httpx.AsyncClient, people: object) -> None:
    made = await api.post("/api/admin/users/generate-key", json={"name": "for bob", "user": "member@example.org"})
    assert (made.status_code, made.json()["user"]) == (201, "member@example.org")
    assert made.json()["secret"].startswith("gw_live_")


async def test_people(api: httpx.AsyncClient, client: Callable[..., httpx.AsyncClient]) -> None:
    made = await api.post(
        "/api/users", json={"email": "Bob@Example.org", "role": "viewer", "password": "long enough 1"}
    )
    assert made.status_code == 201
    assert (made.json()["email"], made.json()["name"], made.json()["role"]) == ("bob@example.org", "Bob", "viewer")
    token = (
        await client().post("/api/auth/login", json={"email": "bob@example.org", "password": "long enough 1"})
    ).json()
    bob = client(authorization=f"Bearer {token['token']}")
    assert (await bob.get("/api/auth/me")).json()["permissions"] == ["read_shared", "read_all_logs"]
    changed = await api.put("/api/users/bob@example.org", json={"role": "member", "name": "Bob"})
    assert (changed.json()["role"], changed.json()["name"]) == ("member", "Bob")
    assert (await bob.get("/api/chat/sessions")).status_code == 200, "a new role counts at once"
    assert (await api.delete("/api/users/bob@example.org")).status_code == 204
    problem(await bob.get("/api/auth/me"), 401)
    problem(await api.put("/api/users/ada@example.org", json={"role": "admin"}), 409, "last owner")
    problem(await api.post("/api/users", json={"email": "bob@example.org"}), 409)
    problem(await api.post("/api/users", json={"email": "c@example.org", "role": "king"}), 400, "king")


async def test_settings(api: httpx.AsyncClient) -> None:
    value = (await api.get("/api/settings")).json()["settings"]
    assert value["max_body_mb"]["value"] == value["max_body_mb"]["default"] == 32
    assert (await api.put("/api/settings", json={"max_body_mb": 64})).json()["settings"]["max_body_mb"] == 64
    bad = problem(await api.put("/api/settings", json={"max_body_mb": 2, "team_name": 5}), 400, "team_name")
    assert bad["field"] == "team_name"
    assert (await api.get("/api/settings")).json()["settings"]["max_body_mb"]["value"] == 64, "all or none"
    problem(await api.put("/api/settings", json={"nothing": 1}), 404)


async def test_models(api: httpx.AsyncClient) -> None:
    found = (await api.get("/api/models", params={"search": "ECHO"})).json()
    assert [model["id"] for model in found["items"]] == ["demo/echo"]
    assert found["items"][0]["price"] == {"input": "0.00", "output": "0.00"}
    assert (await api.get("/api/models", params={"provider": "none"})).json()["total"] == 0
    counts = (await api.get("/api/models/providers")).json()
    assert counts["items"][0] == {"provider": "demo", "kind": "demo", "enabled": True, "models": 4, "models_enabled": 4}
    assert counts["catalogue"]["models"] > 100


async def test_logs_tell_each_request_and_sum_them_up(
    api: httpx.AsyncClient, api_as: As, add_key: Callable[..., Awaitable[str]], people: object
) -> None:
    hers = {"authorization": f"Bearer {await add_key('hers', owner='member@example.org')}"}
    teams = {"authorization": f"Bearer {await add_key('teams')}"}
    answers = [await api.post("/v1/chat/completions", json=QUESTION, headers=h) for h in (hers, teams, teams)]
    await api.post("/v1/chat/completions", json={**QUESTION, "model": "demo/failing"}, headers=teams)
    listed = (await api.get("/api/logs")).json()
    assert len(listed["items"]) == 4
    newest = listed["items"][0]
    assert (newest["status"], newest["model_asked"], newest["key"]) == (502, "demo/failing", "teams")
    assert set(newest) == {
        "id", "at", "key", "user", "router", "rule", "model_asked", "provider", "model", "format", "stream", "status",
        "error", "input_tokens", "output_tokens", "cache_read_tokens", "cost_usd", "estimated", "latency_ms",
        "first_token_ms", "attempts", "tags", "intent",
    }  # fmt: skip
    one = (await api.get(f"/api/logs/{newest['id']}")).json()
    assert set(one) - set(newest) == {"decision", "cache_write_tokens", "reasoning_tokens", "provider_cost_usd"}
    assert set(one["attempts"][0]) == {"provider", "model", "status", "error", "started_at", "latency_ms"}
    assert {"rule", "needs", "candidates", "order", "sentence"} <= set(one["decision"])
    for params, number in (
        ({"status": "failed"}, 1), ({"key": "hers"}, 1), ({"user": "member@example.org"}, 1), ({"model": "demo/echo"}, 3),
        ({"provider": "demo"}, 4), ({"search": "failing"}, 1), ({"since": "2099-01-01T00:00:00Z"}, 0),
    ):  # fmt: skip
        assert len((await api.get("/api/logs", params=params)).json()["items"]) == number, params
    summary = (await api.get("/api/logs/summary")).json()
    assert (summary["requests"], summary["failed"], summary["cost_usd"]) == (4, 1, "0.00")
    member = await api_as("member")
    seen = (await member.get("/api/logs", params={"user": "ada@example.org"})).json()["items"]
    assert [item["id"] for item in seen] == [answers[0].headers["x-request-id"]], "one's own alone"
    problem(await member.get(f"/api/logs/{newest['id']}"), 404)
    assert len((await (await api_as("viewer")).get("/api/logs")).json()["items"]) == 4
    problem(await api.get("/api/logs", params={"status": "odd"}), 400)
    problem(await api.get("/api/logs", params={"since": "2026-01-01T00:00:00"}), 400, "time zone")


async def test_the_audit_log_tells_who_changed_what(api: httpx.AsyncClient, upstream: RunningUpstream) -> None:
    await api.post("/api/providers", json=provider(upstream, models=[{"id": "m"}]))
    await api.post("/api/keys", json={"name": "audited"})
    items = (await api.get("/api/audit")).json()["items"]
    assert [(item["actor"], item["action"], item["subject"]) for item in items[:2]] == [
        ("ada@example.org", "create key", "audited"),
        ("ada@example.org", "add provider", "sample"),
    ]
    assert PROVIDER_SECRET not in json.dumps(items)


async def test_conversations_are_ones_own(api: httpx.AsyncClient, api_as: As, services: Services) -> None:
    made = (await api.post("/api/chat/sessions", json={"title": "Ideas", "model": "demo/echo"})).json()
    turn = await services.chats.ask(services.people.get("ada@example.org"), made["id"], "Hello.", "demo/echo")
    async for _ in turn.updates():
        pass
    value = (await api.get(f"/api/chat/sessions/{made['id']}")).json()
    assert [(message["role"], message["text"]) for message in value["messages"]] == [
        ("user", "Hello."),
        ("assistant", "Hello."),
    ]
    assert value["messages"][1]["cost_usd"] == "0.00"
    other = await api_as("admin")
    assert (await other.get("/api/chat/sessions")).json()["items"] == []
    problem(await other.get(f"/api/chat/sessions/{made['id']}"), 404)
    problem(await other.delete(f"/api/chat/sessions/{made['id']}"), 404)
    assert (await api.delete(f"/api/chat/sessions/{made['id']}")).status_code == 204
    assert (await api.get("/api/chat/sessions")).json()["items"] == []


async def test_lists_come_in_pages(api: httpx.AsyncClient, services: Services) -> None:
    for number in range(5):
        assert (await api.post("/api/keys", json={"name": f"key {number}"})).status_code == 201
        await api.post("/api/chat/sessions", json={"title": f"chat {number}"})
        await api.post("/api/routers", json={"name": f"router-{number}"})
        await api.post("/api/users", json={"email": f"p{number}@example.org"})
        headers = {"authorization": f"Bearer {(await api.post(f'/api/keys/key {number}/rotate')).json()['secret']}"}
        await api.post("/v1/chat/completions", json=QUESTION, headers=headers)
    for path in ("keys", "chat/sessions", "routers", "users", "logs", "audit", "models"):
        whole = (await api.get(f"/api/{path}")).json()["items"]
        assert len(whole) >= 4
        pages, cursor = [], None
        for _ in range(20):
            answer = (
                await api.get(f"/api/{path}", params={"limit": 2, **({"cursor": cursor} if cursor else {})})
            ).json()
            assert set(answer) >= {"items", "next_cursor", "total"}
            pages += answer["items"]
            if (cursor := answer["next_cursor"]) is None:
                break
        assert pages == whole, path
        problem(await api.get(f"/api/{path}", params={"limit": 201}), 400, "limit")
        problem(await api.get(f"/api/{path}", params={"limit": 0}), 400, "limit")
    problem(await api.get("/api/keys", params={"cursor": "gone"}), 400, "cursor")


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/api/keys", {}, "name"),
        ("POST", "/api/keys", {"name": "x", "colour": "red"}, "colour"),
        ("POST", "/api/keys", {"name": "x", "limits": {"rpm": "many"}}, "limits.rpm"),
        ("POST", "/api/keys", {"name": "x", "limits": {"rpx": 1}}, "limits"),
        ("POST", "/api/keys", {"name": "x", "budgets": [{"usd": "lots", "window": "day"}]}, "budgets"),
        ("POST", "/api/keys", {"name": "x", "allowed_ips": ["nowhere"]}, "allowed_ips"),
        ("POST", "/api/keys", {"name": "x", "scopes": ["all"]}, "scopes"),
        ("POST", "/api/keys", {"name": "x", "router": "none"}, "router"),
        ("POST", "/api/providers", {"name": "a b", "kind": "openai"}, "name"),
        ("POST", "/api/providers", {"name": "a", "kind": "none"}, "kind"),
        (
            "POST",
            "/api/providers",
            {"name": "a", "kind": "openai", "models": [{"id": "m", "price": {"input": "x", "output": "1"}}]},
            "price",
        ),
        ("POST", "/api/users", {"email": "nobody"}, "email"),
        ("PUT", "/api/settings", [], "body"),
    ],
)
async def test_what_is_wrong_is_named(api: httpx.AsyncClient, method: str, path: str, body: Any, field: str) -> None:
    value = problem(await api.request(method, path, json=body), 400)
    assert field in value["field"]


async def test_what_is_no_json_or_not_there_is_a_problem_too(api: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json"}
    problem(await api.post("/api/keys", content=b"{", headers=headers), 400)
    problem(await api.get("/api/nothing"), 404)
    problem(await api.delete("/api/settings"), 405)


async def test_a_log_in_is_closed_after_five_wrong_passwords(
    client: Callable[..., httpx.AsyncClient], clock: MovedClock, services: Services
) -> None:
    async def attempt(password: str, address: str = "127.0.0.1", **name: str) -> httpx.Response:
        return await client(address).post(
            "/api/auth/login", json={"password": password, **(name or {"email": "ada@example.org"})}
        )

    for left in (4, 3, 2, 1):
        problem(await attempt("wrong"), 401, f"{left} tr")
        clock.skip(170)
    problem(await attempt("wrong"), 401, "15 minutes")
    closed = await attempt("correct horse")
    problem(closed, 429)
    assert 890 <= int(closed.headers["retry-after"]) <= 901
    assert (await attempt("correct horse", address="10.0.0.9")).status_code == 200, "for this address alone"
    clock.skip(600)
    problem(await attempt("correct horse"), 429), "15 minutes from the last failure, not from the first"
    clock.skip(301)
    answer = await attempt("correct horse", username="ADA@example.org")
    assert answer.status_code == 200
    assert set(answer.json()) == {"token", "expires_at"}
    assert answer.json()["expires_at"].endswith("Z")
    problem(await attempt("wrong"), 401, "4 tries"), "a success counts from the start"


async def test_wrong_passwords_all_at_once_are_no_way_around_the_limit(
    client: Callable[..., httpx.AsyncClient],
) -> None:
    api = client()
    body = {"email": "ada@example.org", "password": "wrong"}
    answers = await asyncio.gather(*(api.post("/api/auth/login", json=body) for _ in range(12)))
    assert [answer.status_code for answer in answers].count(401) == 5


async def test_a_log_out_ends_the_token(api: httpx.AsyncClient) -> None:
    assert (await api.get("/api/auth/me")).json()["email"] == "ada@example.org"
    assert (await api.post("/api/auth/logout")).status_code == 204
    problem(await api.get("/api/auth/me"), 401)


async def test_a_token_ends_by_itself(api: httpx.AsyncClient, clock: MovedClock) -> None:
    clock.skip(12 * 3600 + 1)
    problem(await api.get("/api/auth/me"), 401)
