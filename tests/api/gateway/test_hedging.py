"""A second provider is asked beside one that takes unusually long, and a stream that begins slowly is left."""

from __future__ import annotations

import asyncio

import pytest

from tests.api.gateway.asking import CHAT, chat, openai_text
from tests.app_server import AppServer
from tests.upstream.fixtures import RunningUpstream

TEXT = "Grüße vom Muster 🦉."
both = pytest.mark.parametrize("stream", [False, True])


def known(server: AppServer, model: str, seconds: float) -> None:
    """As if the first deployment of a model had answered often, always within that time, and others as well: so there
    is credit for a second call."""

    async def learn() -> None:
        services = server.services
        deployment = services.state.current.resolve(model).deployments[0]
        numbers = services.standing.of(deployment.id)
        for _ in range(50):
            numbers.started()
            numbers.ended(services.clock.monotonic(), True, seconds, seconds, 5, 10, 1)
            services.gateway.hedge.budget.request(services.clock.monotonic())

    server.run(learn())


@both
async def test_who_takes_unusually_long_is_outrun_and_both_are_accounted_for(
    server: AppServer, upstream: RunningUpstream, stream: bool
) -> None:
    model = server.provide(upstream, "openai/chat", "delay-5000", priority=1)
    server.provide(upstream, "openai/chat", alias=model, priority=2)
    known(server, model, 0.05)
    async with server.client(server.add_key(router=server.add_router(hedge=True))) as client:
        answer = await client.post(CHAT, json=chat(model, stream=stream))
        without = await client.post(CHAT, json=chat(server.provide(upstream, "openai/chat"), stream=stream))
    assert answer.status_code == 200
    assert TEXT in (openai_text(answer.text) if stream else answer.json()["choices"][0]["message"]["content"])
    assert answer.elapsed.total_seconds() < 4
    detail = server.ledger(answer.headers["x-request-id"])
    assert [attempt.status for attempt in detail.attempts] == [499, 200]
    assert detail.attempts[0].error == "not needed: another was faster"
    assert detail.row.status == 200
    assert detail.row.provider == detail.attempts[1].provider
    alone = server.ledger(without.headers["x-request-id"]).row
    assert (detail.row.cost or 0) > (alone.cost or 0) > 0, "what the slower one read is paid for, too"


async def test_the_first_may_still_win_after_the_second_was_asked(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat", "delay-400", priority=1)
    server.provide(upstream, "openai/chat", "delay-5000", alias=model, priority=2)
    known(server, model, 0.05)
    async with server.client(server.add_key(router=server.add_router(hedge=True))) as client:
        answer = await client.post(CHAT, json=chat(model))
    detail = server.ledger(answer.headers["x-request-id"])
    assert answer.status_code == 200
    assert [attempt.status for attempt in detail.attempts] == [200, 499]
    assert detail.row.provider == detail.attempts[0].provider, "whoever answered, not whoever was asked last"
    assert answer.headers["x-anygpt-provider"] == detail.attempts[0].provider


async def test_where_both_fail_a_third_answers(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat", "delay-300", "status-500", priority=1)
    server.provide(upstream, "openai/chat", "delay-100", "status-503", alias=model, priority=2)
    server.provide(upstream, "openai/chat", alias=model, priority=3)
    known(server, model, 0.05)
    async with server.client(server.add_key(router=server.add_router(hedge=True))) as client:
        answer = await client.post(CHAT, json=chat(model))
    assert answer.status_code == 200
    assert [attempt.status for attempt in server.ledger(answer.headers["x-request-id"]).attempts] == [500, 503, 200]


async def test_nobody_is_asked_twice_without_the_routers_leave_or_without_knowing_what_is_usual(
    server: AppServer, upstream: RunningUpstream
) -> None:
    model = server.provide(upstream, "openai/chat", "delay-300", priority=1)
    server.provide(upstream, "openai/chat", alias=model, priority=2)
    async with server.client(server.add_key(router=server.add_router(hedge=True))) as client:
        unknown = await client.post(CHAT, json=chat(model))
    known(server, model, 0.05)
    async with server.client() as client:
        without = await client.post(CHAT, json=chat(model))
    assert (unknown.headers["x-anygpt-attempts"], without.headers["x-anygpt-attempts"]) == ("1", "1")


async def test_a_client_that_leaves_ends_both(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat", "hang", priority=1)
    server.provide(upstream, "openai/chat", "hang", alias=model, priority=2)
    known(server, model, 0.05)
    async with server.client(server.add_key(router=server.add_router(hedge=True))) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await client.post(CHAT, json=chat(model))

    async def until_quiet() -> None:
        await server.services.gateway.settled()

    server.run(until_quiet())
    assert server.services.gateway.running == 0


async def test_a_stream_that_begins_too_slowly_is_left_for_another(
    server: AppServer, upstream: RunningUpstream
) -> None:
    model = server.provide(upstream, "openai/chat", "pace-700", priority=1)
    server.provide(upstream, "openai/chat", alias=model, priority=2)
    async with server.client(server.add_key(router=server.add_router(min_tokens_per_s=20))) as client:
        answer = await client.post(CHAT, json=chat(model, stream=True))
    assert openai_text(answer.text) == TEXT
    first, second = server.ledger(answer.headers["x-request-id"]).attempts
    assert (first.status, second.status) == (504, 200)
    assert "began with less than 20 tokens a second" in (first.error or "")


async def test_a_slow_stream_is_kept_where_nobody_else_is_left(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat", "pace-300")
    async with server.client(server.add_key(router=server.add_router(min_tokens_per_s=1000))) as client:
        answer = await client.post(CHAT, json=chat(model, stream=True))
    assert openai_text(answer.text) == TEXT
