"""/api/routers from the first draft to the way back: what each step answers, and what is in force after it."""

from __future__ import annotations

from typing import Any

import httpx

from app.services.container import Services
from tests.api.management.conftest import problem

CHAT, ECHO = ({"provider": "demo", "model": f"demo/{name}"} for name in ("chat", "echo"))
SIDE: dict[str, Any] = {"name": "side", "rules": [{"name": "all", "targets": [CHAT]}]}
HELLO = {"model": "demo/chat", "messages": [{"role": "user", "content": "Hello"}]}


async def live(api: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    """Router «side», published."""
    if (await api.get("/api/routers/side")).status_code == 404:
        await api.post("/api/routers", json=SIDE)
    await api.put("/api/routers/side", json={**SIDE, **changes})
    answer = await api.post("/api/routers/side/publish", json={})
    assert answer.status_code == 200, answer.text
    value: dict[str, Any] = answer.json()
    return value


async def test_a_draft_tells_what_it_would_change_and_what_is_wrong(api: httpx.AsyncClient) -> None:
    await live(api)
    rules = [{"name": "all", "targets": [CHAT, {"provider": "demo", "model": "demo/none"}], "strategy": "weighted"}]
    draft = (await api.put("/api/routers/side", json={**SIDE, "rules": rules})).json()
    assert (draft["exists"], draft["base"], draft["by"]) == (True, 1, "ada@example.org")
    diff = (await api.get("/api/routers/side/diff")).json()
    assert (diff["base"], diff["version"]) == (1, 1)
    assert [change["sentence"] for change in diff["changes"]] == [
        "Rule all: new target demo/none at demo.",
        "Rule all: strategy weighted instead of the router's.",
    ]
    said = "Rule all: nobody serves demo/none at demo."
    assert said in [each["message"] for each in diff["problems"] if each["level"] == "warning"]
    assert diff["problems"] == draft["problems"]
    assert (await api.delete("/api/routers/side/draft")).status_code == 204
    assert (await api.get("/api/routers/side/diff")).json()["changes"] == []


async def test_a_version_is_published_tried_and_taken_back(api: httpx.AsyncClient) -> None:
    await live(api)
    await api.put("/api/routers/side", json={"rules": [{"name": "all", "targets": [ECHO]}]})
    problem(await api.get("/api/routers/side/canary"), 404)
    canary = (await api.post("/api/routers/side/publish", json={"percent": 10, "note": "echo"})).json()
    assert (canary["version"], canary["canary"]["version"], canary["canary"]["percent"]) == (1, 2, 10)
    report = (await api.get("/api/routers/side/canary")).json()
    assert (report["live"]["requests"], report["canary"]["failure_rate"]) == (0, None)
    assert report["note"].startswith("Not enough requests yet")
    assert (await api.post("/api/routers/side/publish", json={})).json()["version"] == 2
    problem(await api.delete("/api/routers/side/canary"), 404)
    assert (await api.post("/api/routers/side/rollback", json={"version": 1})).json()["version"] == 3
    versions = (await api.get("/api/routers/side/versions")).json()["items"]
    assert [(each["version"], each["note"], each["live"]) for each in versions] == [
        (3, "back to version 1", True),
        (2, "echo", False),
        (1, "", False),
    ]
    assert versions[0]["document"] == versions[2]["document"]
    assert set(versions[0]) >= {"version", "published_at", "published_by", "note", "document"}
    page = (await api.get("/api/routers/side/versions", params={"limit": 2})).json()
    rest = (await api.get("/api/routers/side/versions", params={"limit": 2, "cursor": page["next_cursor"]})).json()
    assert [each["version"] for each in (*page["items"], *rest["items"])] == [3, 2, 1]


async def test_a_stopped_canary_leaves_the_live_version(api: httpx.AsyncClient) -> None:
    await live(api)
    await api.put("/api/routers/side", json={**SIDE, "max_attempts": 2})
    await api.post("/api/routers/side/publish", json={"percent": 50})
    assert (await api.delete("/api/routers/side/canary")).status_code == 204
    value = (await api.get("/api/routers/side")).json()
    assert (value["version"], value["canary"], "max_attempts" in value) == (1, None, False)


async def test_what_cannot_be_published_is_refused_with_the_reason(api: httpx.AsyncClient) -> None:
    await live(api)
    problem(await api.post("/api/routers/side/publish", json={}), 409, "nothing to publish")
    for percent in (0, 100, -1):
        assert (
            problem(await api.post("/api/routers/side/publish", json={"percent": percent}), 400)["field"] == "percent"
        )
    problem(await api.post("/api/routers/side/publish", json={"colour": "red"}), 400)
    problem(await api.post("/api/routers/side/rollback", json={"version": 7}), 404, "no version 7")
    problem(await api.post("/api/routers/none/publish", json={}), 404)
    rules = [{"name": "all", "targets": [{"provider": "gone", "model": "m"}]}]
    await api.put("/api/routers/side", json={"rules": rules})
    problem(await api.post("/api/routers/side/publish", json={}), 409, "there is no provider gone")


async def test_a_request_is_explained_by_the_live_version_the_draft_or_a_document(api: httpx.AsyncClient) -> None:
    await live(api)
    await api.put("/api/routers/side", json={"rules": [{"name": "all", "targets": [ECHO]}]})
    found = (await api.post("/api/routers/side/explain", json=HELLO)).json()
    assert set(found) >= {"rule", "needs", "candidates", "order", "sentence"}
    assert (found["rule"], found["version"], found["order"]) == ("all", 1, [CHAT])
    assert set(found["candidates"][0]) == {"provider", "model", "kept", "reason", "numbers"}
    assert found["sentence"].startswith("Rule 1 (all) matches. demo/chat at demo, about $0.00")
    by_draft = (await api.post("/api/routers/side/explain", json={**HELLO, "draft": True})).json()
    assert by_draft["order"] == [ECHO]
    given = {"text": "Hello", "document": {"rules": [{"name": "mine", "targets": [ECHO, CHAT]}]}}
    by_document = (await api.post("/api/routers/side/explain", json=given)).json()
    assert (by_document["rule"], by_document["order"]) == ("mine", [ECHO, CHAT])
    assert (await api.get("/api/logs")).json()["items"] == [], "nobody was called"


async def test_what_cannot_be_explained_is_named(api: httpx.AsyncClient) -> None:
    await live(api)
    for body, status, words in (
        ({}, 400, "messages"),
        ({"text": 3}, 400, "text"),
        ({**HELLO, "draft": "yes"}, 400, "draft"),
        ({**HELLO, "document": []}, 400, "document"),
        ({**HELLO, "document": {"colour": "red"}}, 400, "colour"),
        ({**HELLO, "key": "none"}, 404, 'no key "none"'),
        ({**HELLO, "person": "none"}, 404, 'no person "none"'),
        ({**HELLO, "model": "gpt-9"}, 404, "gpt-9"),
    ):
        problem(await api.post("/api/routers/side/explain", json=body), status, words)
    problem(await api.post("/api/routers/none/explain", json=HELLO), 404, 'no router "none"')
    await api.post("/api/routers", json={"name": "new", "rules": [{"name": "all"}]})
    problem(await api.post("/api/routers/new/explain", json=HELLO), 404, "not published")
    assert (await api.post("/api/routers/new/explain", json={**HELLO, "draft": True})).json()["rule"] == "all"


async def test_a_router_that_is_not_published_answers_nobody_and_says_so(
    api: httpx.AsyncClient, client: Any, add_key: Any, services: Services
) -> None:
    await api.post("/api/routers", json={"name": "new", "rules": [{"name": "all"}]})
    asking = client(authorization=f"Bearer {await add_key('ci')}")
    answer = await asking.post("/v1/chat/completions", json={**HELLO, "model": "router/new"})
    assert answer.status_code == 404
    assert "exists but is not published" in answer.json()["error"]["message"]
    await api.post("/api/routers/new/publish", json={})
    answer = await asking.post("/v1/chat/completions", json={**HELLO, "model": "router/new"})
    assert (answer.status_code, answer.headers["x-anygpt-router"]) == (200, "new")
