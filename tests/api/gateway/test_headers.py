"""Headers of every answer, and the metadata that a client may ask for."""

from __future__ import annotations

import json

import pytest

from app.formats.signatures import wrap
from tests.api.gateway.asking import CHAT, MESSAGES, QUESTION, chat, events, messages
from tests.app_server import AppServer
from tests.upstream.fixtures import RunningUpstream


async def test_an_answer_says_how_it_came_about(server: AppServer, upstream: RunningUpstream) -> None:
    name = server.add_provider(upstream.provider_url("openai/chat"), "told")
    async with server.client() as client:
        answer = await client.post(CHAT, json=chat("told"))
    found = answer.headers
    assert found["x-request-id"].startswith("req_")
    assert found["x-anygpt-router"] == "default"
    assert found["x-anygpt-provider"] == name
    assert found["x-anygpt-model"] == "upstream-model"
    assert found["x-anygpt-attempts"] == "1"
    assert found["x-anygpt-cost-usd"] == "0.000021", "9 tokens at 1 USD and 6 at 2 USD a million"


async def test_a_stream_says_the_same_without_the_cost(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat")
    async with server.client() as client:
        found = (await client.post(CHAT, json=chat(model, stream=True))).headers
    assert {"x-request-id", "x-anygpt-router", "x-anygpt-provider", "x-anygpt-model"} <= set(found)
    assert found["x-anygpt-attempts"] == "1"
    assert "x-anygpt-cost-usd" not in found


async def test_the_request_id_is_always_ours(server: AppServer, upstream: RunningUpstream) -> None:
    async with server.client() as client:
        answer = await client.post(CHAT, json=chat("demo/echo"), headers={"x-request-id": "mine"})
        refused = await client.post(CHAT, json={}, headers={"x-request-id": "mine"})
        listed = await client.get("/v1/models", headers={"x-request-id": "mine"})
    assert all(found.headers["x-request-id"].startswith("req_") for found in (answer, refused, listed))


async def test_the_cost_is_unknown_where_the_price_is(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat", model={"price": None})
    async with server.client() as client:
        answer = await client.post(CHAT, json=chat(model))
    assert "x-anygpt-cost-usd" not in answer.headers
    assert server.ledger(answer.headers["x-request-id"]).row.cost is None


async def test_limits_are_told_with_each_answer(server: AppServer) -> None:
    key = server.add_key(limits={"rpm": 10, "tpm": 1000})
    async with server.client(key) as client:
        found = (await client.post(CHAT, json=chat("demo/echo"))).headers
    assert found["x-ratelimit-limit-requests"] == "10"
    assert found["x-ratelimit-remaining-requests"] == "9"
    assert found["x-ratelimit-limit-tokens"] == "1000"
    assert int(found["x-ratelimit-remaining-tokens"]) < 1000
    assert {"x-ratelimit-reset-requests", "x-ratelimit-reset-tokens"} <= set(found)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_metadata_comes_where_it_is_asked_for(
    server: AppServer, upstream: RunningUpstream, path: str, stream: bool, provider: str
) -> None:
    broken = server.provide(upstream, "openai/chat", "status-500", priority=1)
    model = server.provide(upstream, f"{provider}/chat", alias=broken)
    key = server.add_key(budgets=[{"usd": "1", "window": "total"}])
    body = chat(model, stream=stream, max_tokens=10) if path == CHAT else messages(model, stream=stream)
    async with server.client(key) as client:
        answer = await client.post(path, json=body, headers={"x-anygpt-metadata": "enabled"})
        without = await client.post(path, json=body)
    assert "anygpt" not in without.text
    if stream:
        with_it = [event for event in events(answer.text) if event != "[DONE]" and "anygpt" in event]
        assert len(with_it) == 1
        if path == MESSAGES:
            assert with_it[0]["usage"], "in the last event that carries usage"
        told = with_it[0]["anygpt"]
    else:
        told = answer.json()["anygpt"]
    assert told["request_id"] == answer.headers["x-request-id"]
    assert (told["router"], told["model"], told["cost_usd"]) == ("default", "upstream-model", "0.000021")
    assert told["rule"] == "every model"
    assert told["budget_remaining_usd"] == "0.999979"
    assert [attempt["status"] for attempt in told["attempts"]] == [500, 200]
    assert set(told["attempts"][0]) == {"provider", "model", "status", "error", "latency_ms"}
    assert told["provider"] == told["attempts"][1]["provider"] == answer.headers["x-anygpt-provider"]


async def test_a_beta_is_asked_for_even_where_the_body_is_written_anew(
    server: AppServer, upstream: RunningUpstream
) -> None:
    """What another family signed lies under a mark of ours, and makes a translation of its own format."""
    model = server.provide(upstream, "anthropic/chat", "split-9401", kind="anthropic-compatible")
    thought = {"type": "thinking", "thinking": "Hm.", "signature": wrap("c2ln", "gemini", "anthropic")}
    said = [{"role": "assistant", "content": [thought, {"type": "text", "text": "Hello."}]}]
    question = messages(model, messages=[*QUESTION, *said, *QUESTION])
    async with server.client(**{"anthropic-beta": "context-1m"}) as client:
        assert (await client.post(MESSAGES, json=question)).status_code == 200
    (entry,) = upstream.seen("split-9401")
    assert "c2ln" not in json.dumps(entry["body"]), "it was translated"
    assert entry["headers"]["anthropic-beta"] == "context-1m"


async def test_a_beta_of_anthropics_is_no_matter_of_other_formats(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat", "split-9402")
    async with server.client(**{"anthropic-beta": "context-1m"}) as client:
        assert (await client.post(MESSAGES, json=messages(model))).status_code == 200
    (entry,) = upstream.seen("split-9402")
    assert "anthropic-beta" not in entry["headers"]
