"""Every endpoint as every role: what each may do is the contract's table, and nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import pytest

import app.api.management
from app.api.management.access import ACCESS, Endpoints
from app.core.discover import instances
from app.main import Application
from app.services.container import Services
from tests.api.management.conftest import As, problem

instances(app.api.management, Endpoints)  # fills ACCESS
ROLES = ("owner", "admin", "member", "viewer")

# the contract's table, by the beginning of the path; the longest that fits counts
MAY = {
    "/api/auth/login": (*ROLES, None),
    "/api/auth": ROLES,
    "/api/providers": ("owner", "admin"),
    "/api/routers": ("owner", "admin"),
    "/api/jobs": ("owner", "admin"),
    "/api/user-models": ROLES,
    "/api/settings": ("owner", "admin"),
    "/api/admin": ("owner", "admin"),
    "/api/users": ("owner", "admin"),
    "/api/audit": ("owner", "admin"),
    "/api/keys": ("owner", "admin", "member"),
    "/api/chat": ("owner", "admin", "member"),
    "/api/models": ROLES,
    "/api/logs": ROLES,
}
ENDPOINTS = sorted(ACCESS)
CONTRACT = [
    ("GET", "/api/providers"), ("POST", "/api/providers"), ("GET", "/api/providers/{id}"),
    ("PUT", "/api/providers/{id}"), ("DELETE", "/api/providers/{id}"), ("POST", "/api/providers/{id}/test"),
    ("POST", "/api/providers/{id}/models/refresh"), ("POST", "/api/admin/providers"),
    ("GET", "/api/routers"), ("POST", "/api/routers"), ("GET", "/api/routers/{id}"), ("PUT", "/api/routers/{id}"),
    ("DELETE", "/api/routers/{id}"), ("POST", "/api/routers/{id}/rules"),
    ("PUT", "/api/routers/{id}/rules/{rule_id}"), ("DELETE", "/api/routers/{id}/rules/{rule_id}"),
    ("GET", "/api/routers/{id}/draft"), ("GET", "/api/routers/{id}/diff"), ("POST", "/api/routers/{id}/publish"),
    ("GET", "/api/routers/{id}/versions"), ("POST", "/api/routers/{id}/rollback"),
    ("POST", "/api/routers/{id}/explain"), ("POST", "/api/routers/{id}/replay"), ("GET", "/api/jobs/{job_id}"),
    ("GET", "/api/keys"), ("POST", "/api/keys"), ("GET", "/api/keys/{id}"), ("PUT", "/api/keys/{id}"),
    ("DELETE", "/api/keys/{id}"), ("POST", "/api/keys/{id}/rotate"), ("POST", "/api/admin/users/generate-key"),
    ("GET", "/api/models"), ("GET", "/api/models/providers"), ("GET", "/api/user-models/global"),
    ("GET", "/api/user-models/stats"), ("POST", "/api/admin/models/refresh-provider-counts"),
    ("GET", "/api/logs"), ("GET", "/api/logs/{id}"), ("GET", "/api/logs/summary"),
    ("GET", "/api/users"), ("GET", "/api/audit"), ("GET", "/api/settings"),
    ("GET", "/api/chat/sessions"), ("POST", "/api/chat/sessions"), ("GET", "/api/chat/sessions/{id}"),
    ("DELETE", "/api/chat/sessions/{id}"),
]  # fmt: skip


def allowed(path: str) -> tuple[str | None, ...]:
    return MAY[max((start for start in MAY if path.startswith(start)), key=len)]


def address(path: str) -> str:
    return path.replace("{id}", "none").replace("{rule_id}", "none").replace("{job_id}", "none")


def test_every_endpoint_of_the_contract_that_is_due_is_there() -> None:
    assert set(CONTRACT) <= set(ENDPOINTS)


def test_every_endpoint_stands_in_the_table() -> None:
    assert all(any(path.startswith(start) for start in MAY) for _, path in ENDPOINTS)


async def test_every_role_may_call_what_the_table_says_and_nothing_else(api_as: As) -> None:
    wrong = []
    for role in ROLES:
        client = await api_as(role)
        for method, path in ENDPOINTS:
            if path == "/api/auth/logout":
                continue
            answer = await client.request(method, address(path), json={})
            refused = answer.status_code in (401, 403)
            if refused is (role in allowed(path)) and not _wrong_password(answer, path):
                wrong.append((role, method, path, answer.status_code))
            assert answer.status_code < 500, (role, method, path, answer.text)
            if refused:
                problem(answer, 401 if path == "/api/auth/login" else 403)
    assert wrong == []


def _wrong_password(answer: httpx.Response, path: str) -> bool:
    return path == "/api/auth/login" and answer.status_code in (400, 401)


async def test_nobody_is_let_in_without_showing_who_they_are(client: Callable[..., httpx.AsyncClient]) -> None:
    for headers in (
        {},
        {"authorization": "Bearer nonsense"},
        {"cookie": "anygpt_session=nonsense"},
        {"x_api_key": "gw_live_x"},
    ):
        for method, path in ENDPOINTS:
            if None not in allowed(path):
                problem(await client(**headers).request(method, address(path), json={}), 401)


async def test_a_key_needs_the_scope_admin(
    client: Callable[..., httpx.AsyncClient], add_key: Callable[..., Awaitable[str]], people: object
) -> None:
    plain = client(authorization=f"Bearer {await add_key('plain')}")
    problem(await plain.get("/api/providers"), 403, '"admin"')
    secret = await add_key("admin", scopes=["admin"])
    for headers in ({"authorization": f"Bearer {secret}"}, {"x_api_key": secret}):
        assert (await client(**headers).get("/api/providers")).status_code == 200
    of_a_member = await add_key("member", scopes=["admin"], owner="member@example.org")
    member = client(authorization=f"Bearer {of_a_member}")
    problem(await member.get("/api/providers"), 403), "a key can do no more than its person"
    assert (await member.get("/api/keys")).status_code == 200
    narrow = client(authorization=f"Bearer {await add_key('far', scopes=['admin'], allowed_ips=['10.0.0.0/8'])}")
    problem(await narrow.get("/api/providers"), 403, "127.0.0.1")


async def test_a_key_of_nobody_works_as_an_admin_everywhere(
    client: Callable[..., httpx.AsyncClient], add_key: Callable[..., Awaitable[str]]
) -> None:
    keyed = client(authorization=f"Bearer {await add_key('robot', scopes=['admin'])}")
    for method, path in ENDPOINTS:
        answer = await keyed.request(method, address(path), json={})
        assert answer.status_code < 500, (method, path, answer.text)
    assert (await keyed.post("/api/keys", json={"name": "made by a robot"})).status_code == 201
    problem(await keyed.post("/api/chat/sessions", json={}), 403, "person")
    assert (await keyed.put("/api/settings", json={"max_body_mb": 8})).status_code == 200


async def test_a_browser_needs_its_csrf_token_to_change_something(
    services: Services, people: dict[str, object], client: Callable[..., httpx.AsyncClient], application: Application
) -> None:
    token, _ = await services.sessions.open(services.people.get("admin@example.org"), address="", user_agent="")
    browser = client(cookie=f"anygpt_session={token}")
    csrf = (await browser.get("/api/auth/me")).json()["csrf_token"]
    assert csrf
    for headers in ({}, {"x-csrf-token": "wrong"}, {"x-csrf-token": token}):
        problem(await browser.post("/api/keys", json={"name": "forged"}, headers=headers), 403, "CSRF")
    assert (await browser.post("/api/keys", json={"name": "meant"}, headers={"x-csrf-token": csrf})).status_code == 201
    assert [key["name"] for key in (await browser.get("/api/keys")).json()["items"]] == ["meant"]


@pytest.mark.parametrize("role", ["admin", "member"])
async def test_nobody_raises_themselves(api_as: As, role: str) -> None:
    client = await api_as(role)
    problem(await client.put(f"/api/users/{role}@example.org", json={"role": "owner"}), 403)
    problem(await client.post("/api/users", json={"email": "x@example.org", "role": "owner"}), 403)
    problem(await client.put("/api/users/ada@example.org", json={"disabled": True}), 403)
    problem(await client.put("/api/users/ada@example.org", json={"password": "another one 123"}), 403)


async def test_members_see_their_own_keys_alone(
    api_as: As, services: Services, add_key: Callable[..., Awaitable[str]]
) -> None:
    await add_key("the team's")
    member = await api_as("member")
    made = (await member.post("/api/keys", json={"name": "mine"})).json()
    assert made["user"] == "member@example.org"
    assert [key["name"] for key in (await member.get("/api/keys")).json()["items"]] == ["mine"]
    problem(await member.get("/api/keys/the team's"), 404)
    problem(await member.put("/api/keys/the team's", json={"name": "x"}), 404)
    problem(await member.delete("/api/keys/the team's"), 404)
    problem(await member.post("/api/keys/the team's/rotate"), 404)
    problem(await member.post("/api/keys", json={"name": "sly", "scopes": ["admin"]}), 403)
    problem(await member.post("/api/keys", json={"name": "sly", "user": "ada@example.org"}), 403)
