"""What a relayed body says behind the end of its answer: passed on where it comes at once, and nothing waits for it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.api.gateway.scripted import BREAKS, STALLS, Scripted
from tests.app_server import running_app
from tests.upstream.operations import OPERATIONS
from tests.upstream.samples import ANTHROPIC

DONE = b"data: [DONE]\n\n"
SAID = {
    "openai-responses": ("/v1/responses", {"input": "Say hello."}, OPERATIONS["responses", True].body),
    "anthropic-messages": (
        "/v1/messages",
        {"max_tokens": 9, "messages": [{"role": "user", "content": "Say hello."}]},
        ANTHROPIC["stream"].body,
    ),
}


@pytest.mark.parametrize("format", SAID)
@pytest.mark.parametrize(
    ("behind", "passed"),
    [
        ([DONE], DONE),
        ([DONE[:9], DONE[9:]], DONE),
        ([DONE.rstrip()], DONE.rstrip()),
        ([b": bye\n\n", DONE, STALLS], b": bye\n\n" + DONE),
        ([STALLS], b""),
        ([BREAKS], b""),
        ([DONE, BREAKS], DONE),
        ([], b""),
    ],
    ids=["done", "in two", "without its blank line", "then silence", "silence", "a break", "then a break", "nothing"],
)
async def test_what_stands_behind_the_last_event_is_passed_on(
    tmp_path: Path, format: str, behind: list[bytes], passed: bytes
) -> None:
    path, question, body = SAID[format]
    with running_app(tmp_path, network=Scripted(m=[body, *behind])) as server:
        server.add_provider("http://scripted.test/v1", "talker", formats=[format], model={"id": "m"})
        async with server.client() as client, asyncio.timeout(10):
            answer = await client.post(path, json={"model": "talker", "stream": True, **question})
        assert answer.content == body + passed
        assert server.ledger(answer.headers["x-request-id"]).row.status == 200


async def test_a_provider_that_talks_on_without_end_is_cut_short(tmp_path: Path) -> None:
    path, question, body = SAID["openai-responses"]
    noise = b": noise\n\n" * 1000
    with running_app(tmp_path, network=Scripted(m=[body, *[noise] * 1000])) as server:
        server.add_provider("http://scripted.test/v1", "talker", formats=["openai-responses"], model={"id": "m"})
        async with server.client() as client:
            answer = await client.post(path, json={"model": "talker", "stream": True, **question})
    assert answer.content.startswith(body)
    assert len(answer.content) < len(body) + 100_000
