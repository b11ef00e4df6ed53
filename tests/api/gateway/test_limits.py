"""Limits of a key hold exactly, also for many requests at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from app.services.views import KeySpec
from tests.api.gateway.asking import CHAT, chat
from tests.api.gateway.test_errors import body, both_formats, check
from tests.app_server import AppServer, running_app
from tests.clock import StillClock
from tests.upstream.fixtures import RunningUpstream


class Still:
    def __init__(self, server: AppServer, clock: StillClock) -> None:
        self.server, self.clock = server, clock


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Still]:
    """A server whose clock stands still, so that nothing is refilled while a test runs."""
    clock = StillClock()
    with running_app(tmp_path_factory.mktemp("app"), clock=clock) as started:
        yield Still(started, clock)


async def many(client: httpx.AsyncClient, number: int, model: str = "demo/echo") -> list[httpx.Response]:
    return list(await asyncio.gather(*(client.post(CHAT, json=chat(model)) for _ in range(number))))


def statuses(answers: list[httpx.Response]) -> dict[int, int]:
    return {status: [a.status_code for a in answers].count(status) for status in {a.status_code for a in answers}}


@pytest.mark.parametrize(("limit", "period"), [("rps", 1), ("rpm", 60), ("rpd", 86400)])
async def test_exactly_as_many_pass_as_the_limit_says(still: Still, limit: str, period: int) -> None:
    async with still.server.client(still.server.add_key(limits={limit: 7})) as client:
        assert statuses(await many(client, 30)) == {200: 7, 429: 23}
        still.clock.skip(period / 7 + 0.001)
        assert statuses(await many(client, 10)) == {200: 1, 429: 9}
        still.clock.skip(period)
        assert statuses(await many(client, 10)) == {200: 7, 429: 3}


@both_formats
async def test_a_refusal_says_when_to_try_again(still: Still, path: str) -> None:
    async with still.server.client(still.server.add_key(limits={"rpm": 1})) as client:
        await client.post(path, json=body(path, "demo/echo"))
        answer = await client.post(path, json=body(path, "demo/echo"))
        check(answer, path, 429, "1 requests per minute")
        assert answer.headers["x-ratelimit-remaining-requests"] == "0"
        wait = int(answer.headers["retry-after"])
        assert 59 <= wait <= 61
        still.clock.skip(wait)
        assert (await client.post(path, json=body(path, "demo/echo"))).status_code == 200


async def test_refused_requests_do_not_count(still: Still) -> None:
    async with still.server.client(still.server.add_key(limits={"rpm": 2})) as client:
        for _ in range(5):
            check(await client.post(CHAT, json=chat("no-such-model")), CHAT, 404)
            check(await client.post(CHAT, json={}), CHAT, 400)
        assert statuses(await many(client, 4)) == {200: 2, 429: 2}


async def test_a_request_over_the_budget_takes_no_place_in_the_limits(still: Still, upstream: RunningUpstream) -> None:
    model = still.server.provide(upstream, "openai/chat")
    key = still.server.add_key(limits={"rpm": 2}, budgets=[{"usd": "0.001", "window": "day"}])
    async with still.server.client(key) as client:
        for _ in range(3):
            check(await client.post(CHAT, json=chat(model)), CHAT, 402)
        assert statuses(await many(client, 4)) == {200: 2, 429: 2}


async def test_tokens_a_minute_are_taken_before_and_settled_after(still: Still, upstream: RunningUpstream) -> None:
    model = still.server.provide(upstream, "openai/chat")  # asking reserves 14 tokens, answering comes to 15
    async with still.server.client(still.server.add_key(limits={"tpm": 48})) as client:
        found = [await client.post(CHAT, json=chat(model)) for _ in range(4)]
        assert [answer.status_code for answer in found] == [200, 200, 200, 429]
        assert "tokens per minute" in found[3].text
        assert (await client.get("/v1/key")).json()["limits_remaining"] == {"tpm": 3}
        still.clock.skip(60)
        assert (await client.post(CHAT, json=chat(model))).status_code == 200


async def test_no_more_run_at_once_than_allowed(still: Still, upstream: RunningUpstream) -> None:
    model = still.server.provide(upstream, "openai/chat", "delay-150")
    async with still.server.client(still.server.add_key(limits={"concurrent": 3})) as client:
        assert statuses(await many(client, 12, model)) == {200: 3, 429: 9}
        assert statuses(await many(client, 3, model)) == {200: 3}


async def test_a_place_is_free_again_after_every_kind_of_end(still: Still, upstream: RunningUpstream) -> None:
    failing = still.server.provide(upstream, "openai/chat", "status-500")
    cut = still.server.provide(upstream, "openai/chat", "cut-700")
    async with still.server.client(still.server.add_key("ends", limits={"concurrent": 1})) as client:
        for model in (failing, cut, "demo/failing", "no-such-model", "demo/echo"):
            await client.post(CHAT, json=chat(model, stream=True))
        assert (await client.post(CHAT, json=chat("demo/echo"))).status_code == 200


async def test_what_runs_while_the_limits_change_still_counts_and_gives_its_place_back(
    still: Still, upstream: RunningUpstream
) -> None:
    model = still.server.provide(upstream, "openai/chat", "delay-200")
    secret = still.server.add_key("changing", limits={"concurrent": 1})
    keys = still.server.services.keys
    async with still.server.client(secret) as client:
        first = asyncio.create_task(client.post(CHAT, json=chat(model)))
        while not upstream.seen("delay-200"):
            await asyncio.sleep(0.005)
        from_now_on = still.server.services.keys.find("changing")
        assert from_now_on.limits == {"concurrent": 1}
        spec = KeySpec(name="changing", limits={"concurrent": 2})
        await asyncio.to_thread(lambda: still.server.run(keys.update("test", "changing", spec)))
        assert statuses(await many(client, 2)) in ({200: 2}, {200: 1, 429: 1})
        assert (await first).status_code == 200
        assert statuses(await many(client, 2, model)) == {200: 2}, "both places are free"
