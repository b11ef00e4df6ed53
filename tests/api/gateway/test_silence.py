"""While a provider is silent the client hears a keep-alive, and another provider may still answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.formats.registry import CLIENT_FORMATS
from tests.api.gateway.asking import CHAT, MESSAGES, anthropic_text, events, openai_text
from tests.api.gateway.test_errors import body, both_formats
from tests.app_server import AppServer, running_app
from tests.upstream.fixtures import RunningUpstream

TEXT = "Grüße vom Muster 🦉."
KEEP_ALIVE = {CHAT: CLIENT_FORMATS["openai-chat"].keep_alive, MESSAGES: CLIENT_FORMATS["anthropic-messages"].keep_alive}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """Waits for hundredths of a second where others wait for 15 seconds."""
    with running_app(tmp_path_factory.mktemp("app"), keep_alive_s=0.05) as started:
        yield started


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """Waits for less time than the whole answer takes, and for more than its beginning may take on a busy machine."""
    with running_app(tmp_path_factory.mktemp("patient"), keep_alive_s=0.4) as started:
        yield started


def text(path: str, body: str) -> str:
    return openai_text(body) if path == CHAT else anthropic_text(body)


@both_formats
async def test_headers_and_a_keep_alive_go_out_before_the_answer(
    server: AppServer, upstream: RunningUpstream, path: str
) -> None:
    model = server.provide(upstream, "openai/chat", "delay-300")
    async with server.client() as client, client.stream("POST", path, json=body(path, model, stream=True)) as answer:
        pieces = [piece async for piece in answer.aiter_raw()]
    assert answer.status_code == 200
    assert answer.headers["x-request-id"].startswith("req_")
    assert answer.headers["x-anygpt-router"] == "default"
    assert not {"x-anygpt-provider", "x-anygpt-model", "x-anygpt-attempts"} & set(answer.headers)
    whole = b"".join(pieces)
    assert whole.startswith(KEEP_ALIVE[path])
    assert 2 <= whole.count(KEEP_ALIVE[path]) <= 8
    assert text(path, whole.decode()) == TEXT


@both_formats
async def test_a_failover_is_possible_after_a_keep_alive(
    server: AppServer, upstream: RunningUpstream, path: str
) -> None:
    model = server.provide(upstream, "openai/chat", "delay-120", "status-500", priority=1)
    server.provide(upstream, "openai/chat", alias=model, priority=2)
    async with server.client() as client:
        answer = await client.post(path, json=body(path, model, stream=True))
    assert answer.content.startswith(KEEP_ALIVE[path])
    assert text(path, answer.text) == TEXT
    assert len(server.ledger(answer.headers["x-request-id"]).attempts) == 2


@both_formats
async def test_an_error_after_a_keep_alive_goes_in_band(
    server: AppServer, upstream: RunningUpstream, path: str
) -> None:
    model = server.provide(upstream, "openai/chat", "delay-120", "status-500")
    async with server.client() as client:
        answer = await client.post(path, json=body(path, model, stream=True))
    assert answer.status_code == 200
    assert "Misbehaving as asked: 500" in events(answer.text)[-1]["error"]["message"]
    assert "[DONE]" not in answer.text
    assert server.ledger(answer.headers["x-request-id"]).row.status == 502


@both_formats
async def test_an_answer_that_begins_in_time_has_no_keep_alive(
    patient: AppServer, upstream: RunningUpstream, path: str
) -> None:
    model = patient.provide(upstream, "openai/chat", "pace-80")  # slow after its beginning
    async with patient.client() as client:
        answer = await client.post(path, json=body(path, model, stream=True))
    assert KEEP_ALIVE[path] not in answer.content
    assert text(path, answer.text) == TEXT
    assert "x-anygpt-provider" in answer.headers


async def test_a_whole_answer_has_no_keep_alive(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat", "delay-150")
    async with server.client() as client:
        answer = await client.post(CHAT, json=body(CHAT, model))
    assert answer.json()["choices"][0]["message"]["content"] == TEXT
