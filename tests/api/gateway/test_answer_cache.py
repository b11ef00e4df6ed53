"""Exact answers that a router keeps."""

from __future__ import annotations

from typing import Any

import pytest

from app.routing.document import Cache
from app.services.gateway.answer_cache import AnswerCache
from app.services.gateway.call import CachedAnswer
from tests.api.gateway.asking import CHAT, MESSAGES, chat, messages
from tests.app_server import AppServer
from tests.routing.samples import deployment
from tests.upstream.fixtures import RunningUpstream

CACHE = {"ttl_s": 300, "max_entries": 100, "shared": False}
both = pytest.mark.parametrize("stream", [False, True])


@both
async def test_the_same_cold_question_is_answered_again_without_a_call_and_costs_nothing(
    server: AppServer, upstream: RunningUpstream, stream: bool
) -> None:
    model = server.provide(upstream, "openai/chat")
    async with server.client(server.add_key(router=server.add_router(cache=CACHE))) as client:
        first = await client.post(CHAT, json=chat(model, stream=stream, temperature=0))
        again = await client.post(CHAT, json={"temperature": 0.0, **chat(model, stream=stream)})
    assert again.content == first.content
    assert again.headers["content-type"] == first.headers["content-type"]
    assert "x-anygpt-cache" not in first.headers
    assert again.headers["x-anygpt-cache"] == "hit"
    assert again.headers["x-anygpt-attempts"] == "0"
    assert again.headers["x-anygpt-provider"] == first.headers["x-anygpt-provider"]
    detail = server.ledger(again.headers["x-request-id"])
    assert (detail.row.status, detail.row.cost, detail.attempts) == (200, 0, ())
    assert detail.decision["cached"] == first.headers["x-request-id"]
    assert "no call, no cost" in detail.sentence


DIFFERENT: list[dict[str, Any]] = [
    {"temperature": 0.1},
    {"temperature": None},
    {"temperature": 0, "max_tokens": 7},
    {"temperature": 0, "stream": True},
    {"temperature": 0, "messages": [{"role": "user", "content": "Say hello!"}]},
]


@pytest.mark.parametrize("change", DIFFERENT, ids=str)
async def test_another_question_is_asked(server: AppServer, upstream: RunningUpstream, change: dict[str, Any]) -> None:
    model = server.provide(upstream, "openai/chat")
    async with server.client(server.add_key(router=server.add_router(cache=CACHE))) as client:
        await client.post(CHAT, json=chat(model, temperature=0))
        other = await client.post(CHAT, json={**chat(model), **change})
    assert other.headers["x-anygpt-attempts"] == "1"


async def test_who_asks_for_it_gets_a_kept_answer_at_any_temperature(
    server: AppServer, upstream: RunningUpstream
) -> None:
    model = server.provide(upstream, "anthropic/chat")
    asks = {"x-anygpt-cache": "enabled"}
    async with server.client(server.add_key(router=server.add_router(cache=CACHE))) as client:
        for attempts in ("1", "0"):
            answer = await client.post(MESSAGES, json=messages(model, temperature=1), headers=asks)
            assert answer.headers["x-anygpt-attempts"] == attempts


@pytest.mark.parametrize(("shared", "attempts"), [(False, "1"), (True, "0")])
async def test_another_keys_answers_are_given_only_where_the_router_says_so(
    server: AppServer, upstream: RunningUpstream, shared: bool, attempts: str
) -> None:
    model = server.provide(upstream, "openai/chat")
    router = server.add_router(cache={**CACHE, "shared": shared})
    for expected in ("1", attempts):
        async with server.client(server.add_key(router=router)) as client:
            answer = await client.post(CHAT, json=chat(model, temperature=0))
        assert answer.headers["x-anygpt-attempts"] == expected


@pytest.mark.parametrize(("store", "attempts"), [(True, "1"), (False, "0")])
async def test_a_response_that_is_stored_under_its_id_stays_its_keys_alone(
    server: AppServer, upstream: RunningUpstream, store: bool, attempts: str
) -> None:
    model = server.provide(upstream, "openai/chat")
    router = server.add_router(cache={**CACHE, "shared": True})
    body = {"model": model, "input": "Say hello.", "temperature": 0, "store": store}
    first_key, other_key = server.add_key(router=router), server.add_key(router=router)
    async with server.client(first_key) as client:
        first = await client.post("/v1/responses", json=body)
    async with server.client(other_key) as client:
        again = await client.post("/v1/responses", json=body)
    assert again.headers["x-anygpt-attempts"] == attempts
    if store:
        async with server.client(first_key) as client:
            assert (await client.get(f"/v1/responses/{first.json()['id']}")).status_code == 200


def test_a_router_that_keeps_nothing_any_more_forgets_and_the_oldest_go_first() -> None:
    cache, rules = AnswerCache(), Cache(ttl_s=10, max_entries=2)
    kept = CachedAnswer(b"hello", deployment("near/llama"), "req_1")
    for number in range(3):
        cache.put("one", bytes([number]), kept, rules, now=0)
    assert [cache.get("one", bytes([number]), 1) is kept for number in range(3)] == [False, True, True]
    assert cache.get("one", b"\1", 11) is None, "its time is over"
    cache.put("two", b"\1", kept, rules, now=0)
    cache.forget({"two"})
    assert cache.get("one", b"\2", 1) is None
    assert cache.get("two", b"\1", 1) is kept


async def test_a_failure_is_not_kept(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat", "status-500")
    async with server.client(server.add_key(router=server.add_router(cache=CACHE))) as client:
        statuses = [(await client.post(CHAT, json=chat(model, temperature=0))).status_code for _ in range(2)]
    assert statuses == [502, 502]


async def test_routers_keep_nothing_unless_they_are_told_to(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat")
    async with server.client(**{"x-anygpt-cache": "enabled"}) as client:
        answers = [await client.post(CHAT, json=chat(model, temperature=0)) for _ in range(2)]
    assert [answer.headers["x-anygpt-attempts"] for answer in answers] == ["1", "1"]
