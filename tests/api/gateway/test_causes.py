"""What one provider refuses by its nature, another may answer: too long an input, a content policy."""

from __future__ import annotations

from tests.api.gateway.asking import CHAT, chat
from tests.app_server import AppServer
from tests.upstream.fixtures import RunningUpstream


async def test_an_input_that_is_too_long_goes_to_a_model_with_a_larger_window(
    server: AppServer, upstream: RunningUpstream
) -> None:
    small, large = {"context_window": 8_000}, {"context_window": 128_000}
    model = server.provide(upstream, "openai/error-context", priority=1, model=small)
    server.provide(upstream, "openai/chat", alias=model, priority=2, model=small)
    server.provide(upstream, "openai/chat", alias=model, priority=3, model=large)
    async with server.client() as client:
        answer = await client.post(CHAT, json=chat(model))
    assert answer.status_code == 200
    first, second = server.ledger(answer.headers["x-request-id"]).attempts
    assert (first.status, second.status) == (400, 200)
    assert answer.headers["x-anygpt-provider"] == second.provider
    assert second.provider == list(server.services.state.current.resolve(model).deployments)[2].provider


async def test_without_a_larger_one_the_client_hears_what_the_provider_said(
    server: AppServer, upstream: RunningUpstream
) -> None:
    model = server.provide(upstream, "openai/error-context", priority=1, model={"context_window": 8_000})
    server.provide(upstream, "openai/chat", alias=model, priority=2, model={"context_window": 8_000})
    async with server.client() as client:
        answer = await client.post(CHAT, json=chat(model))
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "context_length_exceeded"
    assert answer.headers["x-anygpt-attempts"] == "1"


async def test_a_router_names_who_answers_too_long_inputs_and_what_a_policy_refuses(
    server: AppServer, upstream: RunningUpstream
) -> None:
    spare = server.add_provider(upstream.provider_url("openai/chat"), "spare")
    target = [{"provider": spare, "model": "upstream-model"}]
    router = server.add_router(fallbacks={"context_too_long": target, "content_policy": target})
    async with server.client(server.add_key(router=router)) as client:
        for sample in ("openai/error-context", "openai/error-policy"):
            answer = await client.post(CHAT, json=chat(server.provide(upstream, sample)))
            assert (answer.status_code, answer.headers["x-anygpt-provider"]) == (200, spare)


async def test_an_input_too_long_for_all_goes_to_the_fallback_before_any_call(
    server: AppServer, upstream: RunningUpstream
) -> None:
    spare = server.add_provider(upstream.provider_url("openai/chat"), "spare2")
    router = server.add_router(fallbacks={"context_too_long": [{"provider": spare, "model": "upstream-model"}]})
    model = server.provide(upstream, "openai/chat", model={"context_window": 100})
    long = [{"role": "user", "content": "long " * 400}]
    async with server.client(server.add_key(router=router)) as client:
        answer = await client.post(CHAT, json=chat(model, messages=long))
    assert (answer.status_code, answer.headers["x-anygpt-provider"]) == (200, spare)
    assert answer.headers["x-anygpt-attempts"] == "1"


async def test_a_policys_refusal_is_the_clients_where_the_router_says_nothing(
    server: AppServer, upstream: RunningUpstream
) -> None:
    model = server.provide(upstream, "openai/error-policy", priority=1)
    server.provide(upstream, "openai/chat", alias=model, priority=2)
    async with server.client() as client:
        answer = await client.post(CHAT, json=chat(model))
    assert (answer.status_code, answer.headers["x-anygpt-attempts"]) == (400, "1")


async def test_a_fallback_that_the_budget_does_not_hold_is_not_asked(
    server: AppServer, upstream: RunningUpstream
) -> None:
    dear = {"price": {"input": "1000000", "output": "1000000"}}
    spare = server.add_provider(upstream.provider_url("openai/chat"), "dear", model=dear)
    router = server.add_router(fallbacks={"content_policy": [{"provider": spare, "model": "upstream-model"}]})
    key = server.add_key(router=router, budgets=[{"usd": "1", "window": "day"}])
    async with server.client(key) as client:
        answer = await client.post(CHAT, json=chat(server.provide(upstream, "openai/error-policy"), max_tokens=10))
    assert (answer.status_code, answer.headers["x-anygpt-attempts"]) == (400, "1")
