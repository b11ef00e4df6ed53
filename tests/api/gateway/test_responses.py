"""Responses that clients come back to: kept, read, gone on from, deleted, and forgotten in time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from app.jobs.prune import prune
from tests.api.gateway.asking import CHAT, events
from tests.api.gateway.test_errors import check
from tests.app_server import OWNER, AppServer, running_app
from tests.clock import MovedClock
from tests.upstream import operations
from tests.upstream.fixtures import RunningUpstream

PATH, TEXT, DAY = "/v1/responses", operations.TEXT, 24 * 3600
SAMPLE = operations.OPERATIONS["responses", False]
KINDS = {"openai": "openai", "anthropic": "anthropic-compatible", "gemini": "gemini-compatible"}
every_provider = pytest.mark.parametrize("provider", KINDS)
both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def provide(server: AppServer, upstream: RunningUpstream, provider: str, *modifiers: str, **fields: Any) -> str:
    return server.provide(upstream, f"{provider}/chat", *modifiers, kind=KINDS[provider], **fields)


def ask(model: str, text: str = "Say hello.", **fields: Any) -> dict[str, Any]:
    return {"model": model, "input": text, **fields}


def finished(answer: httpx.Response) -> dict[str, Any]:
    """The response in an answer, whole or streamed."""
    assert answer.status_code == 200, answer.text
    if answer.headers["content-type"] == "application/json":
        return dict(answer.json())
    last = events(answer.text)[-1]
    assert last["type"] == "response.completed"
    return dict(last["response"])


def said(item: dict[str, Any]) -> str:
    content = item["content"]
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


@every_provider
@both_ways
async def test_what_was_answered_can_be_read_again(
    server: AppServer, upstream: RunningUpstream, provider: str, stream: bool
) -> None:
    model = provide(server, upstream, provider)
    async with server.client() as client:
        made = finished(await client.post(PATH, json=ask(model, stream=stream)))
        read = await client.get(f"{PATH}/{made['id']}")
        assert (read.status_code, read.json()) == (200, made)
        for prefix in ("/openai", "/groq/openai"):
            assert (await client.get(f"{prefix}{PATH}/{made['id']}")).json() == made
        assert (await client.head(f"{PATH}/{made['id']}")).status_code == 200
    [message] = [item for item in made["output"] if item["type"] == "message"]
    assert said(message) == TEXT


async def test_a_relayed_response_keeps_its_bytes(server: AppServer, upstream: RunningUpstream) -> None:
    model = provide(server, upstream, "openai", "split-9989")
    body = f'{{"input":"ü","model" :"{model}", "store":true, "new": 1.0}}'
    async with server.client() as client:
        answer = await client.post(PATH, content=body.encode())
    assert answer.content == SAMPLE.body
    assert upstream.seen("split-9989")[-1]["raw"] == body.replace(model, "upstream-model")
    row = server.ledger(answer.headers["x-request-id"]).row
    assert (row.format, row.input_tokens, row.output_tokens, row.cost) == ("openai-responses", 9, 6, 21_000)


async def test_a_deleted_response_is_gone(server: AppServer, upstream: RunningUpstream) -> None:
    model = provide(server, upstream, "anthropic")
    async with server.client() as client:
        name = finished(await client.post(PATH, json=ask(model)))["id"]
        deleted = await client.delete(f"{PATH}/{name}")
        assert deleted.json() == {"id": name, "object": "response", "deleted": True}
        check(await client.get(f"{PATH}/{name}"), CHAT, 404, name)
        check(await client.delete(f"{PATH}/{name}"), CHAT, 404, name)
        check(await client.post(PATH, json=ask(model, previous_response_id=name)), CHAT, 400, name)


async def test_a_provider_that_keeps_the_response_is_asked_as_the_client_did(
    server: AppServer, upstream: RunningUpstream
) -> None:
    model = provide(server, upstream, "openai", "split-9988")
    async with server.client() as client:
        name = finished(await client.post(PATH, json=ask(model)))["id"]
        body = ask(model, "And again?", previous_response_id=name)
        assert (await client.post(PATH, json=body)).status_code == 200
    assert upstream.seen("split-9988")[-1]["body"] == {**body, "model": "upstream-model"}


@both_ways
async def test_another_provider_is_told_everything_that_came_before(
    server: AppServer, upstream: RunningUpstream, stream: bool
) -> None:
    first = provide(server, upstream, "openai")
    second = provide(server, upstream, "openai", "split-9987", "pace-1")
    async with server.client() as client:
        name = finished(await client.post(PATH, json=ask(first, stream=stream)))["id"]
        answer = await client.post(PATH, json=ask(second, "And again?", previous_response_id=name, stream=stream))
        assert finished(answer)
    body = upstream.seen("split-9987")[-1]["body"]
    assert "previous_response_id" not in body
    assert [(item["role"], said(item)) for item in body["input"]] == [
        ("user", "Say hello."),
        ("assistant", TEXT),
        ("user", "And again?"),
    ]
    assert "msg_sample1" not in json.dumps(body), "ids mean something only where they were made"


@pytest.mark.parametrize("provider", ["anthropic", "gemini"])
async def test_a_provider_of_another_kind_is_told_everything_that_came_before(
    server: AppServer, upstream: RunningUpstream, provider: str
) -> None:
    first = provide(server, upstream, "openai")
    second = provide(server, upstream, provider, "split-9986")
    async with server.client() as client:
        name = finished(await client.post(PATH, json=ask(first)))["id"]
        then = finished(await client.post(PATH, json=ask(second, "And again?", previous_response_id=name)))["id"]
        finished(await client.post(PATH, json=ask(second, "Once more?", previous_response_id=then)))
    body = json.dumps(upstream.seen(f"split-9986/r/{provider}")[-1]["body"], ensure_ascii=False)
    places = [body.index(text) for text in ("Say hello.", TEXT, "And again?", "Once more?")]
    assert places == sorted(places)
    assert body.count(TEXT) == 2
    assert "previous_response_id" not in body


async def test_what_the_next_provider_gets_in_a_failover_holds_what_came_before(
    server: AppServer, upstream: RunningUpstream
) -> None:
    model = provide(server, upstream, "openai", priority=1)
    async with server.client() as client:
        name = finished(await client.post(PATH, json=ask(model)))["id"]
        broken = provide(server, upstream, "openai", "status-500", priority=1)
        provide(server, upstream, "anthropic", "split-9985", alias=broken, priority=2)
        answer = await client.post(PATH, json=ask(broken, "And again?", previous_response_id=name))
    assert (finished(answer)["status"], answer.headers["x-anygpt-attempts"]) == ("completed", "2")
    assert TEXT in json.dumps(upstream.seen("split-9985")[-1]["body"], ensure_ascii=False)


@every_provider
@both_ways
async def test_what_shall_not_be_stored_is_not(
    server: AppServer, upstream: RunningUpstream, provider: str, stream: bool
) -> None:
    model = provide(server, upstream, provider, "delay-10")
    async with server.client() as client:
        # the sample's own id is everyone's, so what an earlier test kept under it goes first
        name = finished(await client.post(PATH, json=ask(model)))["id"]
        await client.delete(f"{PATH}/{name}")
        name = finished(await client.post(PATH, json=ask(model, store=False, stream=stream)))["id"]
        check(await client.get(f"{PATH}/{name}"), CHAT, 404, name)


async def test_only_its_own_person_comes_back_to_a_response(server: AppServer, upstream: RunningUpstream) -> None:
    model = provide(server, upstream, "anthropic")
    mine, also_mine = server.add_key(owner=OWNER), server.add_key(owner=OWNER)
    teams, other_teams = server.add_key(), server.add_key()
    async with server.client(mine) as client:
        name = finished(await client.post(PATH, json=ask(model)))["id"]
    async with server.client(teams) as client:
        of_team = finished(await client.post(PATH, json=ask(model)))["id"]
    async with server.client(also_mine) as client:
        assert (await client.get(f"{PATH}/{name}")).json()["id"] == name
        assert (await client.post(PATH, json=ask(model, previous_response_id=name))).status_code == 200
        check(await client.get(f"{PATH}/{of_team}"), CHAT, 404)
    async with server.client(other_teams) as client:
        for each in (name, of_team):
            check(await client.get(f"{PATH}/{each}"), CHAT, 404, each)
            check(await client.delete(f"{PATH}/{each}"), CHAT, 404, each)
            check(await client.post(PATH, json=ask(model, previous_response_id=each)), CHAT, 400, each)
    async with server.client(teams) as client:
        assert (await client.get(f"{PATH}/{of_team}")).status_code == 200
    async with server.client(server.add_key(owner=OWNER, scopes=["models"])) as client:
        check(await client.get(f"{PATH}/{name}"), CHAT, 403, '"chat"')
    async with server.stranger() as client:
        check(await client.get(f"{PATH}/{name}"), CHAT, 401)


async def test_422_for_an_answer_in_the_background(server: AppServer, upstream: RunningUpstream) -> None:
    model = provide(server, upstream, "openai", "split-9983")
    async with server.client() as client:
        check(await client.post(PATH, json=ask(model, background=True)), CHAT, 422, "background")
        assert finished(await client.post(PATH, json=ask(model, background=True, stream=True)))
    assert [entry["body"]["stream"] for entry in upstream.seen("split-9983")] == [True]


@both_ways
async def test_a_failed_response_is_not_kept(server: AppServer, upstream: RunningUpstream, stream: bool) -> None:
    cut = operations.OPERATIONS["responses", stream].body.index("Grüße".encode()) + 100
    model = provide(server, upstream, "openai", f"cut-{cut}")
    async with server.client() as client:
        await client.delete(f"{PATH}/resp_sample1")
        answer = await client.post(PATH, json=ask(model, stream=stream))
        assert "response.completed" not in answer.text
        check(await client.get(f"{PATH}/resp_sample1"), CHAT, 404)


async def test_responses_are_forgotten_when_their_time_is_over(tmp_path: Path, upstream: RunningUpstream) -> None:
    clock = MovedClock()
    with running_app(tmp_path, clock=clock, retention_days=2) as server:
        model = provide(server, upstream, "anthropic")
        async with server.client() as client:
            old = finished(await client.post(PATH, json=ask(model)))["id"]
            clock.skip(DAY)
            young = finished(await client.post(PATH, json=ask(model, previous_response_id=old)))["id"]
            assert server.run(prune(server.services)).startswith("0 ")
            clock.skip(DAY + 60)
            check(await client.get(f"{PATH}/{old}"), CHAT, 404)
            check(await client.post(PATH, json=ask(model, previous_response_id=old)), CHAT, 400, "retention")
            assert (await client.get(f"{PATH}/{young}")).status_code == 200
            assert server.run(prune(server.services)).startswith("1 ")
            assert server.run(prune(server.services)).startswith("0 ")
            assert (await client.post(PATH, json=ask(model, previous_response_id=young))).status_code == 200


async def test_responses_outlive_a_restart(tmp_path: Path, upstream: RunningUpstream) -> None:
    with running_app(tmp_path) as server:
        secret = server.add_key("stays")
        model = provide(server, upstream, "openai", "split-9984")
        async with server.client(secret) as client:
            made = finished(await client.post(PATH, json=ask(model)))
    with running_app(tmp_path) as server:
        async with server.client(secret) as client:
            assert (await client.get(f"{PATH}/{made['id']}")).json() == made
            body = ask(model, "And again?", previous_response_id=made["id"])
            assert (await client.post(PATH, json=body)).status_code == 200
    assert upstream.seen("split-9984")[-1]["body"]["previous_response_id"] == made["id"]


async def test_the_official_sdk_creates_reads_goes_on_and_deletes(server: AppServer, upstream: RunningUpstream) -> None:
    async with openai.AsyncOpenAI(api_key=server.key, base_url=f"{server.url}/v1", max_retries=0) as client:
        for provider in KINDS:
            model = provide(server, upstream, provider)
            made = await client.responses.create(model=model, input="Say hello.")
            assert made.output_text == TEXT
            assert (await client.responses.retrieve(made.id)).output_text == TEXT
            async with client.responses.stream(model=model, input="And again?", previous_response_id=made.id) as stream:
                final = await stream.get_final_response()
            assert final.output_text == TEXT
            await client.responses.delete(final.id)
            with pytest.raises(openai.NotFoundError):
                await client.responses.retrieve(final.id)
