"""What a key may do: its life, its scopes, models, addresses and router."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.gateway.asking import CHAT, chat
from tests.api.gateway.test_errors import body, both_formats, check
from tests.app_server import AppServer, running_app
from tests.clock import MovedClock
from tests.upstream.fixtures import RunningUpstream


@both_formats
async def test_a_revoked_key_is_dead_at_once(server: AppServer, path: str) -> None:
    secret = server.add_key(f"dying{path}")
    async with server.client(secret) as client:
        assert (await client.post(path, json=body(path, "demo/echo"))).status_code == 200
        server.run(server.services.keys.revoke("test", f"dying{path}"))
        check(await client.post(path, json=body(path, "demo/echo")), path, 401, "revoked")


async def test_a_rotated_key_lives_on_under_its_new_secret_alone(server: AppServer) -> None:
    old = server.add_key("rotating")
    new = server.run(server.services.keys.rotate("test", "rotating"))[1]
    async with server.client(old) as client:
        check(await client.post(CHAT, json=chat("demo/echo")), CHAT, 401)
    async with server.client(new) as client:
        assert (await client.post(CHAT, json=chat("demo/echo"))).status_code == 200


async def test_a_key_of_a_disabled_person_is_dead(server: AppServer) -> None:
    people = server.services.people
    server.run(people.add("test", "bob@example.org", "Bob", "member", None))
    async with server.client(server.add_key(owner="bob@example.org")) as client:
        assert (await client.post(CHAT, json=chat("demo/echo"))).status_code == 200
        server.run(people.update("test", "bob@example.org", disabled=True))
        check(await client.post(CHAT, json=chat("demo/echo")), CHAT, 401, "disabled")


async def test_an_expired_key_is_dead(tmp_path: Path) -> None:
    clock = MovedClock()
    with running_app(tmp_path, clock=clock) as server:
        secret = server.add_key(expires=f"{clock.now().year + 1}-01-01")
        async with server.client(secret) as client:
            assert (await client.post(CHAT, json=chat("demo/echo"))).status_code == 200
            clock.skip(400 * 86400)
            check(await client.post(CHAT, json=chat("demo/echo")), CHAT, 401, "expired")


@both_formats
async def test_403_for_a_model_the_key_may_not_use(server: AppServer, path: str) -> None:
    async with server.client(server.add_key(models=["demo/ec*"])) as client:
        assert (await client.post(path, json=body(path, "demo/echo"))).status_code == 200
        check(await client.post(path, json=body(path, "demo/chat")), path, 403, "demo/ec*")


async def test_the_alias_counts_whatever_the_model_was_called_by(server: AppServer, upstream: RunningUpstream) -> None:
    name = server.add_provider(upstream.provider_url("openai/chat"), "by-alias", model={"id": "by-id"})
    async with server.client(server.add_key(models=["by-alias"])) as client:
        for asked in ("by-alias", "by-id", f"{name}/by-alias", f"{name}/by-id"):
            assert (await client.post(CHAT, json=chat(asked))).status_code == 200, asked
    async with server.client(server.add_key(models=["by-id"])) as client:
        check(await client.post(CHAT, json=chat("by-id")), CHAT, 403)


async def test_auto_opens_no_model_that_the_key_may_not_use(server: AppServer, upstream: RunningUpstream) -> None:
    dear = server.add_provider(upstream.provider_url("openai/chat"), "dear", priority=1, model={"id": "dear-1"})
    server.add_provider(upstream.provider_url("openai/chat"), "plain", priority=2, model={"id": "plain-1"})
    async with server.client(server.add_key(models=["plain"])) as client:
        answer = await client.post(CHAT, json=chat("auto"))
        assert answer.headers["x-anygpt-model"] == "plain-1"
        answer = await client.post(CHAT, json=chat("router/default"))
        assert answer.headers["x-anygpt-model"] == "plain-1"
    router = server.add_router(rules=[{"name": "by the admin", "targets": [{"provider": dear, "model": "dear-1"}]}])
    async with server.client(server.add_key(models=["plain"], router=router)) as client:
        answer = await client.post(CHAT, json=chat("plain"))
        assert answer.headers["x-anygpt-model"] == "dear-1", "a rule's targets are the admin's choice"


@both_formats
async def test_403_without_the_scope(server: AppServer, path: str) -> None:
    async with server.client(server.add_key(scopes=["models"])) as client:
        check(await client.post(path, json=body(path, "demo/echo")), path, 403, '"chat"')
        assert (await client.get("/v1/models")).status_code == 200
    async with server.client(server.add_key(scopes=["chat"])) as client:
        check(await client.get("/v1/models"), CHAT, 403, '"models"')
        assert (await client.get("/v1/key")).status_code == 200


@both_formats
async def test_403_from_another_address(server: AppServer, path: str) -> None:
    async with server.client(server.add_key(allowed_ips=["10.1.0.0/16"])) as client:
        check(await client.post(path, json=body(path, "demo/echo")), path, 403, "127.0.0.1")
        forged = {"x-forwarded-for": "10.1.2.3"}
        check(await client.post(path, json=body(path, "demo/echo"), headers=forged), path, 403, "127.0.0.1")
    async with server.client(server.add_key(allowed_ips=["127.0.0.1/32", "::1/128"])) as client:
        assert (await client.post(path, json=body(path, "demo/echo"))).status_code == 200


async def test_403_from_another_page(server: AppServer) -> None:
    async with server.client(server.add_key(allowed_referrers=["https://app.example.org"])) as client:
        for headers in ({}, {"origin": "https://evil.example.org"}, {"referer": "https://app.example.org.evil.net/"}):
            check(await client.post(CHAT, json=chat("demo/echo"), headers=headers), CHAT, 403)
        for headers in ({"origin": "https://app.example.org"}, {"referer": "https://app.example.org/page"}):
            assert (await client.post(CHAT, json=chat("demo/echo"), headers=headers)).status_code == 200


async def test_a_key_keeps_to_its_own_router(server: AppServer) -> None:
    own, other = server.add_router(), server.add_router()
    async with server.client(server.add_key(router=own)) as client:
        answer = await client.post(CHAT, json=chat("demo/echo"))
        assert answer.headers["x-anygpt-router"] == own
        check(await client.post(CHAT, json=chat(f"router/{other}")), CHAT, 403, other)
    async with server.client() as client:
        assert (await client.post(CHAT, json=chat(f"router/{own}"))).headers["x-anygpt-router"] == own


@pytest.fixture(scope="module")
def behind_a_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    with running_app(tmp_path_factory.mktemp("proxied"), trusted_proxies="127.0.0.0/8,10.9.0.0/16") as started:
        yield started


@pytest.mark.parametrize(
    ("forwarded", "status"),
    [
        ("203.0.113.7", 200),
        ("198.51.100.1, 203.0.113.7", 200),  # what a client itself claims comes first and does not count
        ("203.0.113.7, 10.9.0.1", 200),
        ("203.0.113.7, 198.51.100.1", 403),
        ("203.0.113.7, 198.51.100.1, 10.9.0.1", 403),
        ("nonsense", 403),
        (None, 403),
    ],
)
async def test_a_trusted_proxys_word_counts_for_the_address(
    behind_a_proxy: AppServer, forwarded: str | None, status: int
) -> None:
    headers = {"x-forwarded-for": forwarded} if forwarded else {}
    async with behind_a_proxy.client(behind_a_proxy.add_key(allowed_ips=["203.0.113.0/24"]), **headers) as client:
        assert (await client.post(CHAT, json=chat("demo/echo"))).status_code == status


async def test_the_token_of_a_log_in_is_no_gateway_key(server: AppServer) -> None:
    token, _ = server.run(server.services.sessions.open(server.owner, address="127.0.0.1", user_agent="test"))
    async with server.client(token) as client:
        check(await client.post(CHAT, json=chat("demo/echo")), CHAT, 401)
