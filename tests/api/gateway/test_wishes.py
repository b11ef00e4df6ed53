"""What a client asks of routing: other models, providers it wants or does not, prices, suffixes, limits."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.gateway.asking import CHAT, chat
from tests.app_server import AppServer
from tests.upstream.fixtures import RunningUpstream

CHEAP, DEAR = {"input": "1", "output": "1"}, {"input": "5", "output": "10"}


@pytest.fixture
def three(server: AppServer, upstream: RunningUpstream) -> dict[str, str]:
    """One model at three providers: the dear one first, then one of unknown price, then the cheap one."""
    model = server.provide(upstream, "openai/chat", priority=1, model={"price": DEAR})
    server.provide(upstream, "openai/chat", alias=model, priority=2, model={"price": None})
    server.provide(upstream, "openai/chat", alias=model, priority=3, model={"price": CHEAP})
    names = [each.provider for each in server.services.state.current.resolve(model).deployments]
    return dict(zip(("model", "dear", "unknown", "cheap"), (model, *names), strict=True))


async def answered_by(server: AppServer, body: dict[str, Any]) -> str:
    async with server.client() as client:
        answer = await client.post(CHAT, json=body)
    return answer.headers.get("x-anygpt-provider", answer.text)


WISHES: list[tuple[dict[str, Any], str]] = [
    ({}, "dear"),
    ({"provider": {"sort": "price"}}, "cheap"),
    ({"provider": {"order": ["{cheap}", "{unknown}"]}}, "cheap"),
    ({"provider": {"order": ["{unknown}"]}}, "unknown"),
    ({"provider": {"only": ["{unknown}", "{cheap}"]}}, "unknown"),
    ({"provider": {"ignore": ["{dear}"]}}, "unknown"),
    ({"provider": {"only": ["somebody-elses"], "require_parameters": True}}, "dear"),
    ({"provider": {"only": ["somebody-elses", "{cheap}"]}}, "cheap"),
    ({"provider": {"max_price": {"prompt": 2, "completion": 2}}}, "cheap"),
    ({"max_cost_usd": 0.00005, "max_tokens": 10}, "cheap"),
]


@pytest.mark.parametrize(("wish", "who"), WISHES, ids=str)
async def test_the_client_has_its_wish(
    server: AppServer, three: dict[str, str], wish: dict[str, Any], who: str
) -> None:
    assert await answered_by(server, chat(three["model"], **_named(wish, three))) == three[who]


async def test_a_suffix_asks_for_the_cheapest_and_for_what_is_free(
    server: AppServer, upstream: RunningUpstream, three: dict[str, str]
) -> None:
    assert await answered_by(server, chat(three["model"] + ":floor")) == three["cheap"]
    assert "not free" in await answered_by(server, chat(three["model"] + ":free"))
    free = {"price": {"input": "0", "output": "0"}}
    server.provide(upstream, "openai/chat", alias=three["model"], priority=9, model=free)
    assert await answered_by(server, chat(three["model"] + ":free")) not in three.values()


async def test_other_models_are_tried_in_their_order_and_unknown_ones_passed_over(
    server: AppServer, upstream: RunningUpstream, three: dict[str, str]
) -> None:
    down = server.provide(upstream, "openai/chat", "status-500")
    body = chat(down, models=["nobody/knows", three["model"]])
    assert await answered_by(server, body) == three["dear"]


async def test_without_fallbacks_one_alone_is_asked(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat", "status-500", priority=1)
    server.provide(upstream, "openai/chat", alias=model, priority=2)
    async with server.client() as client:
        answer = await client.post(CHAT, json=chat(model, provider={"allow_fallbacks": False}))
    assert (answer.status_code, answer.headers["x-anygpt-attempts"]) == (502, "1")


async def test_wishes_open_nothing_that_the_key_does_not(
    server: AppServer, upstream: RunningUpstream, three: dict[str, str]
) -> None:
    other = server.provide(upstream, "openai/chat")
    down = server.provide(upstream, "openai/chat", "status-500")
    async with server.client(server.add_key(models=[down])) as client:
        answer = await client.post(CHAT, json=chat(down, models=[other]))
    assert (answer.status_code, answer.headers["x-anygpt-attempts"]) == (502, "1")


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"provider": {"sort": "beauty"}}, "provider.sort"),
        ({"provider": {"order": "me"}}, "provider.order"),
        ({"provider": {"max_price": {"prompt": "cheap"}}}, "provider.max_price.prompt"),
        ({"provider": {"allow_fallbacks": "no"}}, "provider.allow_fallbacks"),
        ({"max_cost_usd": "much"}, "max_cost_usd"),
        ({"max_latency_ms": -1}, "max_latency_ms"),
        ({"models": [1]}, "models"),
    ],
)
async def test_a_wish_that_cannot_be_read_is_refused_by_its_name(
    server: AppServer, three: dict[str, str], wish: dict[str, Any], field: str
) -> None:
    async with server.client() as client:
        answer = await client.post(CHAT, json=chat(three["model"], **wish))
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == field


async def test_who_is_usually_slower_than_wished_is_passed_over(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat", priority=1)
    server.provide(upstream, "openai/chat", alias=model, priority=2)
    slow, other = server.services.state.current.resolve(model).deployments

    async def learn() -> None:
        for _ in range(20):
            numbers = server.services.standing.of(slow.id)
            numbers.started()
            numbers.ended(server.services.clock.monotonic(), True, 9.0)

    server.run(learn())
    assert await answered_by(server, chat(model)) == slow.provider
    assert await answered_by(server, chat(model, max_latency_ms=2000)) == other.provider


def _named(wish: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """The provider's names in place of what the table calls them."""
    provider = wish.get("provider")
    if provider is None:
        return wish
    values = {
        name: [each.format(**names) for each in value] if isinstance(value, list) else value
        for name, value in provider.items()
    }
    return {**wish, "provider": values}
