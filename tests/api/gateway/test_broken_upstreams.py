"""Providers that break in every way, before and after the first word, to every client from every format."""

from __future__ import annotations

import json

import pytest

from tests.api.gateway.clients import (
    CUT,
    FIRST_WORD,
    STREAMS,
    TEXT,
    Client,
    both_ways,
    every_client,
    every_pair,
    every_provider,
    provide,
)
from tests.app_server import AppServer
from tests.upstream.fixtures import RunningUpstream

CODINGS = ("gzip", "deflate", "br", "zstd")
QUICK = {"first_token_timeout_s": 0.6, "idle_timeout_s": 0.6, "timeout_s": 10.0}


@every_pair
async def test_a_stream_cut_after_its_first_word_ends_with_an_error(
    server: AppServer, upstream: RunningUpstream, client: Client, provider: str
) -> None:
    model = provide(server, upstream, provider, f"cut-{CUT[provider]}")
    async with server.client() as http:
        answer = await client.ask(http, model, stream=True)
    assert client.text(answer, True).startswith("Grüße")
    assert "broke off" in client.error(answer)
    assert not client.finished(answer)
    row = server.ledger(answer.headers["x-request-id"]).row
    assert (row.status, row.estimated) == (502, True)
    assert row.output_tokens > 0


@every_pair
async def test_a_stream_that_stalls_after_its_first_word_ends_with_an_error(
    server: AppServer, upstream: RunningUpstream, client: Client, provider: str
) -> None:
    model = provide(server, upstream, provider, f"stall-{CUT[provider]}")
    async with server.client(server.add_key(router=server.add_router(**QUICK))) as http:
        answer = await client.ask(http, model, stream=True)
    assert client.text(answer, True).startswith("Grüße")
    assert "took too long over the next part" in client.error(answer)
    assert not client.finished(answer)
    row = server.ledger(answer.headers["x-request-id"]).row
    assert row.status == 504
    assert row.output_tokens > 0


@every_pair
async def test_a_web_page_after_the_first_word_is_no_end(
    server: AppServer, upstream: RunningUpstream, client: Client, provider: str
) -> None:
    model = provide(server, upstream, provider, f"spoil-{CUT[provider]}")
    async with server.client() as http:
        answer = await client.ask(http, model, stream=True)
    assert "error" in json.dumps(client.events(answer)[-1])
    assert not client.finished(answer)
    assert server.ledger(answer.headers["x-request-id"]).row.status == 502


@every_pair
async def test_an_error_in_the_middle_of_a_stream_is_told_as_one(
    server: AppServer, upstream: RunningUpstream, client: Client, provider: str
) -> None:
    model = provide(server, upstream, provider, "oops", "pace-30")
    async with server.client() as http:
        answer = await client.ask(http, model, stream=True)
    assert client.text(answer, True).startswith("Grüße")
    assert "The sample engine stopped" in client.error(answer)
    assert not client.finished(answer)
    assert server.ledger(answer.headers["x-request-id"]).row.status >= 400


@every_client
@both_ways
@pytest.mark.parametrize(
    "broken", ["garbage", "html", "json-error", "empty", "redirect", "claim-gzip", "claim-rot13", "deep"]
)
async def test_what_is_no_answer_is_told_as_a_bad_gateway_and_answered_elsewhere(
    server: AppServer, upstream: RunningUpstream, client: Client, broken: str, stream: bool
) -> None:
    for provider in ("openai-chat", "openai-responses", "anthropic-messages", "gemini"):
        if broken in ("json-error", "empty"):
            family = provider.partition("-")[0]
            fields = {"formats": ["openai-responses"]} if provider == "openai-responses" else {}
            kind = {"openai": "openai", "anthropic": "anthropic", "gemini": "gemini"}[family]
            model = server.provide(upstream, f"{family}/{broken}", kind=f"{kind}-compatible", priority=1, **fields)
        else:
            model = provide(server, upstream, provider, broken, priority=1)
        async with server.client() as http:
            refused = await client.ask(http, model, stream=stream)
        assert refused.status_code == 502, (provider, refused.text)
        assert client.refusal(refused)
        server.provide(upstream, "openai/chat", alias=model, priority=2)
        async with server.client() as http:
            answer = await client.ask(http, model, stream=stream)
        assert client.text(answer, stream) == TEXT
        assert answer.headers["x-anygpt-attempts"] in ("2", "1")


async def test_a_redirect_is_not_followed_and_says_what_to_check(server: AppServer, upstream: RunningUpstream) -> None:
    model = provide(server, upstream, "openai-chat", "redirect")
    upstream.forget()
    async with server.client() as http:
        answer = await Client("openai-chat").ask(http, model, stream=False)
    assert answer.status_code == 502
    assert "check base_url" in answer.json()["error"]["message"]
    assert [entry["path"].startswith("/redirect/") for entry in upstream.seen()] == [True]


@every_pair
async def test_comments_without_end_are_no_beginning_of_an_answer(
    server: AppServer, upstream: RunningUpstream, client: Client, provider: str
) -> None:
    model = provide(server, upstream, provider, "comments-0", priority=1)
    server.provide(upstream, "openai/chat", alias=model, priority=2)
    async with server.client(server.add_key(router=server.add_router(**QUICK))) as http:
        answer = await client.ask(http, model, stream=True)
    assert client.text(answer, True) == TEXT
    attempts = server.ledger(answer.headers["x-request-id"]).attempts
    assert [attempt.status for attempt in attempts] == [504, 200]
    assert attempts[0].latency_ms < 3000


@every_client
async def test_comments_after_the_first_word_keep_no_stream_alive_beyond_the_requests_time(
    server: AppServer, upstream: RunningUpstream, client: Client
) -> None:
    body = STREAMS["openai-chat"].body
    said = body.index(b"\n\n", body.index(FIRST_WORD)) + 2
    model = provide(server, upstream, "openai-chat", f"comments-{said}")
    router = server.add_router(first_token_timeout_s=0.5, idle_timeout_s=0.5, timeout_s=1.0)
    async with server.client(server.add_key(router=router)) as http:
        answer = await client.ask(http, model, stream=True)
    assert "took too long over the" in client.error(answer)
    assert not client.finished(answer)
    row = server.ledger(answer.headers["x-request-id"]).row
    assert row.status == 504
    assert row.latency_ms < 2500


@every_pair
async def test_an_event_of_two_megabytes_passes(
    server: AppServer, upstream: RunningUpstream, client: Client, provider: str
) -> None:
    model = provide(server, upstream, provider, "fill-2000000")
    async with server.client() as http:
        answer = await client.ask(http, model, stream=True)
    assert client.text(answer, True) == "x" * 2_000_000 + " vom Muster 🦉."
    assert client.finished(answer)


@every_provider
@pytest.mark.parametrize("relayed", [True, False], ids=["relayed", "translated"])
async def test_an_event_over_the_limit_is_refused_and_answered_elsewhere(
    server: AppServer, upstream: RunningUpstream, provider: str, relayed: bool
) -> None:
    client = Client(provider if relayed else "gemini-array" if provider == "openai-chat" else "openai-chat")
    model = provide(server, upstream, provider, "fill-70000000", priority=1)
    async with server.client() as http:
        answer = await client.ask(http, model, stream=True)
    assert answer.status_code == 502, answer.text[:200]
    assert "event of more than" in client.refusal(answer)
    server.provide(upstream, "openai/chat", alias=model, priority=2)
    async with server.client() as http:
        answer = await client.ask(http, model, stream=True)
    assert client.text(answer, True) == TEXT


@every_client
@pytest.mark.parametrize("coding", CODINGS)
async def test_packed_answers_arrive_plain(
    server: AppServer, upstream: RunningUpstream, client: Client, coding: str
) -> None:
    for provider in STREAMS:
        model = provide(server, upstream, provider, f"pack-{coding}", "pace-1")
        async with server.client() as http:
            for stream in (False, True):
                answer = await client.ask(http, model, stream=stream)
                assert client.text(answer, stream) == TEXT
                assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("coding", CODINGS)
@both_ways
async def test_a_packed_answer_that_is_cut_never_looks_whole(
    server: AppServer, upstream: RunningUpstream, coding: str, stream: bool
) -> None:
    client = Client("openai-chat")
    for cut in (1, 12, 90):
        model = provide(server, upstream, "openai-chat", f"pack-{coding}", f"cut-{cut}")
        async with server.client() as http:
            answer = await client.ask(http, model, stream=stream)
        assert answer.status_code == 502 or not client.finished(answer)
        assert server.ledger(answer.headers["x-request-id"]).row.status == 502


@every_provider
@both_ways
async def test_a_small_answer_that_unpacks_to_much_is_refused(
    server: AppServer, upstream: RunningUpstream, provider: str, stream: bool
) -> None:
    client = Client("openai-chat")
    model = provide(server, upstream, provider, "pack-gzip", "fill-70000000", priority=1)
    async with server.client() as http:
        answer = await client.ask(http, model, stream=stream)
    assert answer.status_code == 502
    assert "more than" in client.refusal(answer)
