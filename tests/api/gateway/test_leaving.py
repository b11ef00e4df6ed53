"""A client that leaves ends the call upstream; what was used until then is in the ledger."""

from __future__ import annotations

import time

import httpx
import pytest

from app.services.views import LogFilter, RequestRow
from tests.api.gateway.asking import CHAT, chat
from tests.api.gateway.test_errors import body, both_formats
from tests.app_server import AppServer
from tests.upstream.fixtures import RunningUpstream
from tests.waiting import until


def newest(server: AppServer, model: str) -> RequestRow | None:
    page = server.run(server.services.ledger.requests(LogFilter(text=model), 1))
    found = [row for row in page.items if row.model_asked == model]
    return found[0] if found else None


@both_formats
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_leaving_a_stream_ends_the_call_and_is_recorded(
    server: AppServer, upstream: RunningUpstream, path: str, provider: str
) -> None:
    mark = f"stall-{900 if provider == 'openai' else 700}"
    model = server.provide(upstream, f"{provider}/chat", mark)
    upstream.forget()
    async with server.client() as client, client.stream("POST", path, json=body(path, model, stream=True)) as answer:
        async for piece in answer.aiter_text():
            if "Grüße" in piece:
                break
    left = time.monotonic()
    await until(lambda: upstream.seen(mark)[0]["left"])
    assert time.monotonic() - left < 0.3, "a tenth of a second, and what this test's own looks take"
    row = await until(lambda: newest(server, model))
    assert row.id == answer.headers["x-request-id"]
    assert row.status == 499
    assert row.output_tokens > 0
    assert row.estimated
    assert row.cost
    assert row.cost > 0


async def test_leaving_before_the_first_word_ends_the_call(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat", "hang")
    upstream.forget()
    async with server.client() as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post(CHAT, json=chat(model), timeout=0.1)
    await until(lambda: upstream.seen("hang")[0]["left"])
    row = await until(lambda: newest(server, model))
    assert row.status == 499
    assert row.estimated
    assert row.input_tokens > 0


async def test_a_place_and_a_reservation_are_given_back(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat", "hang")
    secret = server.add_key("leaver", limits={"concurrent": 1}, budgets=[{"usd": "0.02", "window": "total"}])
    async with server.client(secret) as client:
        for _ in range(3):
            with pytest.raises(httpx.ReadTimeout):
                await client.post(CHAT, json=chat(model), timeout=0.1)
            key = server.services.keys.find("leaver")
            limits, budgets = server.services.admission.limits(key), server.services.admission.budgets(key)
            assert limits is not None
            assert budgets is not None
            await until(lambda: limits.running == 0 and budgets.budgets[0].reserved == 0)  # noqa: B023
        assert (await client.post(CHAT, json=chat("demo/echo"))).status_code == 200


async def test_leaving_during_a_keep_alive_is_noticed(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat", "hang")
    upstream.forget()
    async with server.client() as client:
        with pytest.raises(httpx.ReadTimeout):
            async with client.stream("POST", CHAT, json=chat(model, stream=True), timeout=0.1):
                pass
    await until(lambda: upstream.seen("hang")[0]["left"])
