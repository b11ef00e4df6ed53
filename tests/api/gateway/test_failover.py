"""Another provider answers where one fails before it has said anything."""

from __future__ import annotations

import pytest

from tests.api.gateway.asking import CHAT, MESSAGES, anthropic_text, chat, events, messages, openai_text
from tests.app_server import AppServer
from tests.upstream.fixtures import RunningUpstream

TEXT = "Grüße vom Muster 🦉."
MISHAPS = [
    "status-500",
    "status-503",
    "status-429",
    "status-401",
    "status-403",
    "status-404",
    "reset",
    "garbage",
    "html",
]
both = pytest.mark.parametrize("stream", [False, True])


def two(
    server: AppServer,
    upstream: RunningUpstream,
    *modifiers: str,
    sample: str = "openai/chat",
    good: str = "openai/chat",
) -> str:
    """A model that a broken provider serves first, and a good one after it."""
    model = server.provide(upstream, sample, *modifiers, priority=1)
    return server.provide(upstream, good, alias=model, priority=2)


@both
@pytest.mark.parametrize("mishap", MISHAPS)
async def test_a_provider_that_fails_at_once_is_passed_over(
    server: AppServer, upstream: RunningUpstream, mishap: str, stream: bool
) -> None:
    model = two(server, upstream, mishap)
    async with server.client() as client:
        answer = await client.post(CHAT, json=chat(model, stream=stream))
    assert answer.status_code == 200
    assert TEXT in (openai_text(answer.text) if stream else answer.json()["choices"][0]["message"]["content"])
    assert answer.headers["x-anygpt-attempts"] == "2"
    detail = server.ledger(answer.headers["x-request-id"])
    assert [attempt.status == 200 for attempt in detail.attempts] == [False, True]
    assert detail.row.status == 200


@pytest.mark.parametrize("silence", ["hang", "stall-20"])
async def test_a_provider_that_says_nothing_is_given_up(
    server: AppServer, upstream: RunningUpstream, silence: str
) -> None:
    model = two(server, upstream, silence)
    async with server.client(server.add_key(router=server.add_router(first_token_timeout_s=0.15))) as client:
        answer = await client.post(CHAT, json=chat(model, stream=True))
    assert openai_text(answer.text) == TEXT
    assert [attempt.status for attempt in server.ledger(answer.headers["x-request-id"]).attempts] == [504, 200]


@pytest.mark.parametrize("silence", ["hang", "stall-20"])
async def test_a_whole_answer_may_take_as_long_as_the_request_may(
    server: AppServer, upstream: RunningUpstream, silence: str
) -> None:
    model = two(server, upstream, silence)
    router = server.add_router(first_token_timeout_s=0.05, idle_timeout_s=0.05, timeout_s=0.3)
    async with server.client(server.add_key(router=router)) as client:
        answer = await client.post(CHAT, json=chat(model))
    assert answer.status_code == 504
    assert answer.elapsed.total_seconds() > 0.25


@pytest.mark.parametrize("cut", [10, 190])
async def test_a_stream_that_is_cut_before_its_first_word_is_answered_elsewhere(
    server: AppServer, upstream: RunningUpstream, cut: int
) -> None:
    model = two(server, upstream, f"cut-{cut}")
    async with server.client() as client:
        answer = await client.post(CHAT, json=chat(model, stream=True))
    assert openai_text(answer.text) == TEXT
    assert events(answer.text)[-1] == "[DONE]"
    assert answer.headers["x-anygpt-attempts"] == "2"


async def test_an_answer_that_is_cut_is_answered_elsewhere(server: AppServer, upstream: RunningUpstream) -> None:
    model = two(server, upstream, "cut-40")
    async with server.client() as client:
        answer = await client.post(CHAT, json=chat(model))
    assert answer.json()["choices"][0]["message"]["content"] == TEXT


async def test_failover_crosses_formats(server: AppServer, upstream: RunningUpstream) -> None:
    model = two(server, upstream, "status-503", good="anthropic/chat")
    async with server.client() as client:
        in_chat = await client.post(CHAT, json=chat(model, stream=True))
        in_messages = await client.post(MESSAGES, json=messages(model, stream=True))
    assert openai_text(in_chat.text) == TEXT
    assert anthropic_text(in_messages.text) == TEXT


async def test_the_next_key_of_a_provider_is_tried_first(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat", "key-sk-good", api_keys=["sk-bad", "sk-good"])
    async with server.client() as client:
        answers = [await client.post(CHAT, json=chat(model)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert [answer.headers["x-anygpt-attempts"] for answer in answers] == ["2", "1", "1"], "the bad key rests"


async def test_no_more_attempts_are_made_than_the_router_allows(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat", "status-500", priority=1)
    server.provide(upstream, "openai/chat", "status-502", priority=2, alias=model)
    server.provide(upstream, "openai/chat", alias=model, priority=3)
    async with server.client(server.add_key(router=server.add_router(max_attempts=2))) as client:
        answer = await client.post(CHAT, json=chat(model))
    assert answer.status_code == 502
    assert answer.headers["x-anygpt-attempts"] == "2"


async def test_a_provider_that_refuses_to_be_asked_for_usage_is_asked_again_without(
    server: AppServer, upstream: RunningUpstream
) -> None:
    """Its error names the field; the sample's text does not, so only the recovery of others is seen here."""
    model = two(server, upstream, sample="openai/error-400")
    async with server.client() as client:
        answer = await client.post(CHAT, json=chat(model, stream=True))
    assert answer.status_code == 400, "the request's own fault is not tried elsewhere"
