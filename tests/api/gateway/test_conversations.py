"""A conversation stays with the deployment that answered it; questions that stand alone are free."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.gateway.asking import CHAT
from tests.app_server import AppServer
from tests.upstream.fixtures import RunningUpstream

BEGUN = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Who was Ada?"}]
GOES_ON = [*BEGUN, {"role": "assistant", "content": "A mathematician."}, {"role": "user", "content": "And Grace?"}]


@pytest.fixture
def model(server: AppServer, upstream: RunningUpstream) -> str:
    """Served by three, in turns."""
    model = server.provide(upstream, "openai/chat")
    for _ in range(2):
        server.provide(upstream, "openai/chat", alias=model)
    return model


async def providers(server: AppServer, asked: list[dict[str, Any]], **router: Any) -> list[str]:
    """Who answered each."""
    key = server.add_key(router=server.add_router(strategy="round_robin", **router))
    async with server.client(key) as client:
        answers = [await client.post(CHAT, json=body) for body in asked]
    return [answer.headers["x-anygpt-provider"] for answer in answers]


async def test_a_conversation_stays_where_it_was_begun(server: AppServer, model: str) -> None:
    asked = [{"model": model, "messages": BEGUN}, *[{"model": model, "messages": GOES_ON}] * 3]
    assert len(set(await providers(server, asked))) == 1


async def test_questions_that_stand_alone_take_turns(server: AppServer, model: str) -> None:
    assert len(set(await providers(server, [{"model": model, "messages": BEGUN}] * 6))) == 3


@pytest.mark.parametrize("name", ["session_id", "prompt_cache_key"])
async def test_the_client_may_name_its_conversation(server: AppServer, model: str, name: str) -> None:
    asked = [{"model": model, "messages": [{"role": "user", "content": str(n)}], name: "one"} for n in range(4)]
    assert len(set(await providers(server, asked))) == 1


async def test_a_router_may_leave_conversations_free(server: AppServer, model: str) -> None:
    asked = [{"model": model, "messages": BEGUN, "session_id": "one"}] * 6
    assert len(set(await providers(server, asked, sticky=False))) == 3


async def test_what_the_gateway_is_told_of_a_conversation_does_not_reach_the_provider(
    server: AppServer, upstream: RunningUpstream, model: str
) -> None:
    upstream.forget()
    await providers(server, [{"model": model, "messages": BEGUN, "session_id": "one", "prompt_cache_key": "two"}])
    [seen] = upstream.seen()
    assert "session_id" not in seen["body"]
    assert seen["body"]["prompt_cache_key"] == "two"
