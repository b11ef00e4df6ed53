"""A provider's dialect is for what AnyGPT writes itself: what a client wrote goes on as it came."""

from __future__ import annotations

import json

from tests.api.gateway.asking import CHAT, MESSAGES, chat, messages
from tests.app_server import AppServer
from tests.upstream.fixtures import RunningUpstream


async def test_a_relayed_request_keeps_what_the_provider_may_refuse(
    server: AppServer, upstream: RunningUpstream
) -> None:
    model = server.provide(upstream, "openai/chat", kind="mistral")
    body = json.dumps(chat(model, seed=7, user="ada", max_completion_tokens=5)).encode()
    upstream.forget()
    async with server.client() as client:
        assert (await client.post(CHAT, content=body)).status_code == 200
    assert upstream.seen()[0]["raw"].encode() == body.replace(model.encode(), b"upstream-model")


async def test_a_translated_request_is_said_as_the_provider_takes_it(
    server: AppServer, upstream: RunningUpstream
) -> None:
    model = server.provide(upstream, "openai/chat", kind="mistral")
    call = {"type": "tool_use", "id": "toolu_01ABCDEFGHIJ", "name": "look", "input": {}}
    answer = {"type": "tool_result", "tool_use_id": "toolu_01ABCDEFGHIJ", "content": "rain"}
    asked = messages(model, metadata={"user_id": "ada"}, tools=[{"name": "look", "input_schema": {"type": "object"}}])
    asked["messages"] = [
        *asked["messages"],
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [answer]},
    ]
    upstream.forget()
    async with server.client() as client:
        answered = await client.post(MESSAGES, json=asked)
    assert answered.status_code == 200
    seen = upstream.seen()[0]["body"]
    assert "user" not in seen
    made = seen["messages"][-2]["tool_calls"][0]["id"]
    assert len(made) == 9
    assert seen["messages"][-1]["tool_call_id"] == made
    decision = server.ledger(answered.headers["x-request-id"]).decision
    assert any(note.startswith("user:") for note in decision["approximated"])


async def test_what_another_family_signed_is_opened_before_it_goes_on(
    server: AppServer, upstream: RunningUpstream
) -> None:
    """A client of one format that was answered by two providers sends back what both have signed."""
    model = server.provide(upstream, "anthropic/chat")
    marked = "b3BlbmFpOjo6ZW5jcnlwdGVk"  # OpenAI's, as it was handed to an Anthropic client
    thought = {"type": "thinking", "thinking": "So it rains.", "signature": marked}
    asked = messages(model)
    asked["messages"] = [
        *asked["messages"],
        {"role": "assistant", "content": [thought, {"type": "text", "text": "It rains."}]},
        {"role": "user", "content": "And now?"},
    ]
    upstream.forget()
    async with server.client() as client:
        assert (await client.post(MESSAGES, json=asked)).status_code == 200
    assert marked not in upstream.seen()[0]["raw"]
