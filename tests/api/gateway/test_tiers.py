"""Tiers: limits, models and a least score for those who have none of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.gateway.asking import CHAT, chat
from tests.app_server import AppServer
from tests.upstream.fixtures import RunningUpstream


@pytest.fixture
def tiers(server: AppServer, upstream: RunningUpstream) -> Iterator[str]:
    """The tier `small` opens one model, two requests a minute, and asks for a score of 0.6; returns the model."""
    model = server.provide(upstream, "openai/chat")
    small = {"limits": {"rpm": 2, "concurrent": 1}, "models": [model], "min_score": 0.6}
    server.run(server.services.runtime.set("test", {"tiers": {"small": small}}))
    yield model
    server.run(_empty(server))
    server.run(server.services.runtime.set("test", {"tiers": {}}))


async def _empty(server: AppServer) -> None:
    """A tier goes only when nobody is in it."""
    for tier in server.services.tiers.list():
        for name in tier.own_keys:
            await server.services.keys.revoke("test", name)
        for email in tier.people:
            await server.services.people.update("test", email, tier="")


async def test_a_key_has_the_limits_and_the_models_of_its_tier(
    server: AppServer, upstream: RunningUpstream, tiers: str
) -> None:
    async with server.client(server.add_key(tier="small")) as client:
        statuses = [(await client.post(CHAT, json=chat(tiers))).status_code for _ in range(3)]
        other = await client.post(CHAT, json=chat(server.provide(upstream, "openai/chat")))
    assert statuses == [200, 200, 429]
    assert other.status_code == 403


async def test_a_key_may_be_tighter_than_its_tier_and_never_wider(server: AppServer, tiers: str) -> None:
    for own, expected in (({"rpm": 1}, [200, 429, 429]), ({"rpm": 9}, [200, 200, 429])):
        async with server.client(server.add_key(tier="small", limits=own)) as client:
            assert [(await client.post(CHAT, json=chat(tiers))).status_code for _ in range(3)] == expected


async def test_a_key_without_a_tier_is_in_its_persons(server: AppServer, tiers: str) -> None:
    people = server.services.people
    server.run(people.add("test", "small@example.org", "", "member", "a long enough password", "small"))
    async with server.client(server.add_key(owner="small@example.org")) as client:
        statuses = [(await client.post(CHAT, json=chat(tiers))).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


async def test_who_scores_less_than_the_tier_asks_for_does_not_answer(
    server: AppServer, upstream: RunningUpstream, tiers: str
) -> None:
    server.provide(upstream, "openai/chat", alias=tiers, priority=500)
    weak, strong = server.services.state.current.resolve(tiers).deployments

    async def learn() -> None:
        for _ in range(30):
            numbers = server.services.standing.of(weak.id)
            numbers.started()
            numbers.ended(server.services.clock.monotonic(), False)

    server.run(learn())
    async with server.client(server.add_key(tier="small")) as client:
        answer = await client.post(CHAT, json=chat(tiers))
    assert answer.headers["x-anygpt-provider"] == strong.provider
    async with server.client() as client:
        answer = await client.post(CHAT, json=chat(tiers))
    assert answer.headers["x-anygpt-provider"] == weak.provider


async def test_rules_ask_for_tiers(server: AppServer, upstream: RunningUpstream, tiers: str) -> None:
    provider = server.add_provider(upstream.provider_url("openai/chat"), "for-small")
    targets = [{"provider": provider, "model": "upstream-model"}]
    rules = [{"name": "small ones", "when": {"tiers": ["small"]}, "targets": targets}, {"name": "all"}]
    router = server.add_router(rules=rules)
    for fields, answers in (({"tier": "small"}, True), ({}, False)):
        async with server.client(server.add_key(router=router, **fields)) as client:
            answer = await client.post(CHAT, json=chat(tiers))
        assert (answer.headers["x-anygpt-provider"] == provider) is answers


async def test_a_key_is_told_its_tier_and_the_limits_in_force(server: AppServer, tiers: str) -> None:
    async with server.client(server.add_key(tier="small", limits={"rpm": 9, "tpm": 1000})) as client:
        told = (await client.get("/v1/key")).json()
    assert (told["tier"], told["tier_models"]) == ("small", [tiers])
    assert told["limits"] == {"rpm": 2, "concurrent": 1, "tpm": 1000}
    async with server.client(server.add_key()) as client:
        told = (await client.get("/v1/key")).json()
    assert (told["tier"], told["tier_models"]) == (None, None)
