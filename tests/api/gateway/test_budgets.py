"""A budget is never passed, however many ask at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest

from app.providers.transport import UpstreamAnswer, UpstreamRequest
from app.services.views import KeySpec
from tests.api.gateway.asking import CHAT, chat, events
from tests.api.gateway.test_errors import body, both_formats, check
from tests.app_server import AppServer, running_app
from tests.upstream.fixtures import RunningUpstream
from tests.waiting import until

COST = Decimal("0.000021")  # of one sample answer: 9 tokens at 1 USD and 6 at 2 USD a million
ROOM = 100  # tokens a client asks for at most


def most(question: dict[str, Any]) -> Decimal:
    """What such a request reserves."""
    size = len(json.dumps(question["messages"], separators=(",", ":")))
    return (Decimal(-(-size // 3)) * 1 + ROOM * 2) / 1_000_000


async def spent(server: AppServer, secret: str) -> tuple[Decimal, Decimal]:
    async with server.client(secret) as client:
        budget = (await client.get("/v1/key")).json()["budgets"][0]
    return Decimal(budget["spent_usd"]), Decimal(budget["reserved_usd"])


@pytest.mark.parametrize("stream", [False, True])
async def test_fifty_at_once_on_a_budget_for_ten(server: AppServer, upstream: RunningUpstream, stream: bool) -> None:
    model = server.provide(upstream, "openai/chat", "delay-100", kind="openai")
    question = chat(model, max_tokens=ROOM, stream=stream)
    limit = most(question) * 10
    secret = server.add_key(budgets=[{"usd": str(limit), "window": "total"}])
    async with server.client(secret) as client:
        answers = await asyncio.gather(*(client.post(CHAT, json=question) for _ in range(50)))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(402)) == (10, 40)
    assert await spent(server, secret) == (COST * 10, 0)


async def test_what_was_not_used_is_given_back(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat")
    question = chat(model, max_tokens=ROOM)
    secret = server.add_key(budgets=[{"usd": str(most(question) + COST * 4), "window": "day"}])
    async with server.client(secret) as client:
        statuses = [(await client.post(CHAT, json=question)).status_code for _ in range(7)]
    assert statuses == [200] * 5 + [402] * 2
    assert await spent(server, secret) == (COST * 5, 0)


@both_formats
async def test_402_says_what_is_left(server: AppServer, upstream: RunningUpstream, path: str) -> None:
    model = server.provide(upstream, "openai/chat")
    secret = server.add_key(budgets=[{"usd": "0.00001", "window": "day"}])
    async with server.client(secret) as client:
        check(await client.post(path, json=body(path, model)), path, 402, "starts anew at")


async def test_the_dearest_candidate_is_reserved_for(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat", priority=1)
    server.provide(upstream, "openai/chat", alias=model, priority=2, model={"price": {"input": "1", "output": "2000"}})
    secret = server.add_key(budgets=[{"usd": "0.01", "window": "day"}])
    async with server.client(secret) as client:
        check(await client.post(CHAT, json=chat(model, max_tokens=ROOM)), CHAT, 402)


async def test_a_key_may_go_on_with_the_cheapest(server: AppServer, upstream: RunningUpstream) -> None:
    dear = {"id": "dear", "price": {"input": "1", "output": "2000"}}
    model = server.provide(upstream, "openai/chat", priority=1, model=dear)
    server.provide(upstream, "openai/chat", alias=model, priority=2, model={"id": "cheap"})
    server.provide(
        upstream, "openai/chat", alias=model, priority=3, model={"id": "middle", "price": {"input": "1", "output": "3"}}
    )
    secret = server.add_key(budgets=[{"usd": "0.21", "window": "day"}], on_budget="cheapest")
    async with server.client(secret) as client:
        answers = [await client.post(CHAT, json=chat(model, max_tokens=ROOM)) for _ in range(2)]
        assert [answer.headers["x-anygpt-model"] for answer in answers] == ["dear", "cheap"]
        check(await client.post(CHAT, json=chat(model, max_tokens=1_000_000)), CHAT, 402)


async def test_an_unknown_price_is_refused_unless_allowed(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat", model={"price": None})
    budget = [{"usd": "1", "window": "day"}]
    async with server.client(server.add_key(budgets=budget)) as client:
        check(await client.post(CHAT, json=chat(model)), CHAT, 403, "price")
    async with server.client(server.add_key(budgets=budget, unknown_price="allow")) as client:
        assert (await client.post(CHAT, json=chat(model))).status_code == 200
    async with server.client() as client:
        assert (await client.post(CHAT, json=chat(model))).status_code == 200, "without a budget it does not matter"


async def test_a_failed_request_costs_nothing(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat", "status-500")
    secret = server.add_key(budgets=[{"usd": "0.1", "window": "day"}])
    async with server.client(secret) as client:
        assert (await client.post(CHAT, json=chat(model))).status_code == 502
    assert await spent(server, secret) == (0, 0)


class Talker:
    """A network with one provider on it, which streams as many words as its model's name says."""

    async def send(self, request: UpstreamRequest) -> UpstreamAnswer:
        return _Talk(int(json.loads(request.body)["model"]))

    async def aclose(self) -> None:
        pass


class _Talk:
    complete = False

    status = 200
    headers: ClassVar[dict[str, str]] = {"content-type": "text/event-stream"}

    def __init__(self, words: int) -> None:
        self._words = words
        self.closed = False

    async def read(self, limit: int) -> bytes:
        raise NotImplementedError

    async def chunks(self) -> AsyncIterator[bytes]:
        block = b"".join(_event({"content": "word "}) for _ in range(100))
        for _ in range(self._words // 100):
            yield block
        yield _event({}, "stop") + b"data: [DONE]\n\n"

    def close(self) -> None:
        self.closed = True


def _event(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + json.dumps({"id": "c", "choices": [choice]}).encode() + b"\n\n"


async def test_a_stream_that_outgrows_its_reservation_ends_in_band_where_nothing_is_left(tmp_path: Path) -> None:
    """Without a maximum 4,096 tokens are reserved: 0.0082 USD here; more is reserved as the stream grows."""
    with running_app(tmp_path, network=Talker()) as server:
        for words in (1_000, 8_000, 100_000):
            server.add_provider("http://talker.test/v1", f"words-{words}", model={"id": str(words)})
        secret = server.add_key(budgets=[{"usd": "0.05", "window": "day"}])
        async with server.client(secret) as client:
            short = await client.post(CHAT, json=chat("words-1000", stream=True))
            longer = await client.post(CHAT, json=chat("words-8000", stream=True))
            too_long = await client.post(CHAT, json=chat("words-100000", stream=True))
        assert events(short.text)[-1] == "[DONE]"
        assert events(longer.text)[-1] == "[DONE]", "8,000 words are 10,000 tokens: topped up"
        assert "budget" in events(too_long.text)[-1]["error"]["message"]
        assert "[DONE]" not in too_long.text
        row = server.ledger(too_long.headers["x-request-id"]).row
        assert row.status == 402
        total, reserved = await spent(server, secret)
        assert reserved == 0
        assert Decimal("0.03") < total <= Decimal("0.05"), "near the budget, never past it"


async def test_spend_is_read_from_the_ledger_after_a_restart(tmp_path: Path, upstream: RunningUpstream) -> None:
    secret = "gw_live_" + "r" * 43
    with running_app(tmp_path) as server:
        model = server.provide(upstream, "openai/chat")
        server.add_key("kept", secret=secret, budgets=[{"usd": "1", "window": "day"}, {"usd": "2", "window": "total"}])
        async with server.client(secret) as client:
            for _ in range(3):
                await client.post(CHAT, json=chat(model))
        assert await spent(server, secret) == (COST * 3, 0)
    with running_app(tmp_path) as server:
        assert await spent(server, secret) == (COST * 3, 0)
        async with server.client(secret) as client:
            await client.post(CHAT, json=chat(model))
        assert await spent(server, secret) == (COST * 4, 0)


async def test_a_changed_budget_forgets_neither_what_is_spent_nor_what_is_reserved(
    server: AppServer, upstream: RunningUpstream
) -> None:
    model, slow = server.provide(upstream, "openai/chat"), server.provide(upstream, "openai/chat", "delay-250")
    keys = server.services.keys
    day, larger = [{"usd": "0.02", "window": "day"}], [{"usd": "0.03", "window": "day"}]
    secret = server.add_key("changing", budgets=day)

    async def change(budgets: list[dict[str, str]]) -> None:
        spec = KeySpec(name="changing", budgets=budgets)
        await asyncio.to_thread(lambda: server.run(keys.update("test", "changing", spec)))

    async with server.client(secret) as client:
        await client.post(CHAT, json=chat(model))
        running = asyncio.create_task(client.post(CHAT, json=chat(slow, max_tokens=ROOM)))
        await until(lambda: upstream.seen("delay-250"))
        for budgets in (larger, [], day):
            await change(budgets)
        assert await spent(server, secret) == (COST, most(chat(slow, max_tokens=ROOM)))
        assert (await running).status_code == 200
        assert await spent(server, secret) == (COST * 2, 0)
        await change([])
        await client.post(CHAT, json=chat(model))
        await change(day)
        assert await spent(server, secret) == (COST * 3, 0), "what was spent meanwhile counts"
