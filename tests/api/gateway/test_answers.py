"""Answers in both formats, whole and streamed, relayed and translated."""

from __future__ import annotations

import json

import pytest

from tests.api.gateway.asking import CHAT, MESSAGES, anthropic_text, chat, events, messages, openai_text
from tests.app_server import AppServer
from tests.upstream import samples
from tests.upstream.fixtures import RunningUpstream

TEXT = "Grüße vom Muster 🦉."
both_providers = pytest.mark.parametrize("provider", ["openai", "anthropic"])


@both_providers
async def test_a_chat_completion_is_answered_whole(server: AppServer, upstream: RunningUpstream, provider: str) -> None:
    model = server.provide(upstream, f"{provider}/chat")
    async with server.client() as client:
        answer = await client.post(CHAT, json=chat(model))
    assert answer.status_code == 200
    value = answer.json()
    assert value["choices"][0]["message"]["content"] == TEXT
    assert value["choices"][0]["finish_reason"] == "stop"
    assert value["model"] == "sample-model", "as the provider wrote it"
    assert (value["usage"]["prompt_tokens"], value["usage"]["completion_tokens"]) == (9, 6)


@both_providers
async def test_a_message_is_answered_whole(server: AppServer, upstream: RunningUpstream, provider: str) -> None:
    model = server.provide(upstream, f"{provider}/chat")
    async with server.client() as client:
        answer = await client.post(MESSAGES, json=messages(model))
    value = answer.json()
    assert (value["type"], value["role"], value["stop_reason"]) == ("message", "assistant", "end_turn")
    assert value["content"][0]["text"] == TEXT
    assert (value["usage"]["input_tokens"], value["usage"]["output_tokens"]) == (9, 6)


async def test_what_is_relayed_is_the_providers_answer_byte_for_byte(
    server: AppServer, upstream: RunningUpstream
) -> None:
    openai, anthropic = server.provide(upstream, "openai/chat"), server.provide(upstream, "anthropic/chat")
    async with server.client() as client:
        assert (await client.post(CHAT, json=chat(openai))).content == samples.OPENAI["text"].body
        assert (await client.post(MESSAGES, json=messages(anthropic))).content == samples.ANTHROPIC["text"].body
        streamed = chat(openai, stream=True, stream_options={"include_usage": True})
        assert (await client.post(CHAT, json=streamed)).content == samples.OPENAI["stream"].body
        streamed = messages(anthropic, stream=True)
        assert (await client.post(MESSAGES, json=streamed)).content == samples.ANTHROPIC["stream"].body


@both_providers
async def test_a_chat_completion_is_streamed(server: AppServer, upstream: RunningUpstream, provider: str) -> None:
    model = server.provide(upstream, f"{provider}/chat")
    async with server.client() as client:
        answer = await client.post(CHAT, json=chat(model, stream=True, stream_options={"include_usage": True}))
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = events(answer.text)
    assert openai_text(answer.text) == TEXT
    assert found[-1] == "[DONE]"
    assert [event["usage"]["completion_tokens"] for event in found[:-1] if event.get("usage")] == [6]


@both_providers
async def test_a_message_is_streamed(server: AppServer, upstream: RunningUpstream, provider: str) -> None:
    model = server.provide(upstream, f"{provider}/chat")
    async with server.client() as client:
        answer = await client.post(MESSAGES, json=messages(model, stream=True))
    assert anthropic_text(answer.text) == TEXT
    kinds = [event["type"] for event in events(answer.text)]
    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")


async def test_usage_that_the_client_did_not_ask_for_is_counted_but_not_sent(
    server: AppServer, upstream: RunningUpstream
) -> None:
    model = server.provide(upstream, "openai/chat", kind="openai")
    async with server.client() as client:
        answer = await client.post(CHAT, json=chat(model, stream=True))
    assert not any(event.get("usage") for event in events(answer.text)[:-1])
    row = server.ledger(answer.headers["x-request-id"]).row
    assert (row.input_tokens, row.output_tokens, row.estimated) == (9, 6, False)


@both_providers
@pytest.mark.parametrize("stream", [False, True])
async def test_tool_calls_reach_either_format(
    server: AppServer, upstream: RunningUpstream, provider: str, stream: bool
) -> None:
    model = server.provide(upstream, f"{provider}/tools")
    async with server.client() as client:
        in_chat = await client.post(CHAT, json=chat(model, stream=stream))
        in_messages = await client.post(MESSAGES, json=messages(model, stream=stream))
    if stream:
        deltas = [e["choices"][0]["delta"] for e in events(in_chat.text)[:-1] if e["choices"]]
        calls = [call["function"] for delta in deltas for call in delta.get("tool_calls") or ()]
        assert json.loads("".join(call.get("arguments") or "" for call in calls)) == {"city": "Bern"}
        partial = [e["delta"].get("partial_json", "") for e in events(in_messages.text) if e["type"].endswith("_delta")]
        assert json.loads("".join(partial)) == {"city": "Bern"}
    else:
        function = in_chat.json()["choices"][0]["message"]["tool_calls"][0]["function"]
        assert (function["name"], json.loads(function["arguments"])) == ("get_weather", {"city": "Bern"})
        block = next(block for block in in_messages.json()["content"] if block["type"] == "tool_use")
        assert (block["name"], block["input"]) == ("get_weather", {"city": "Bern"})


async def test_the_model_name_alone_is_exchanged_in_what_is_forwarded(
    server: AppServer, upstream: RunningUpstream
) -> None:
    model = server.provide(upstream, "openai/chat", "split-1")
    body = f'{{ "seed": 12345678901234567890, "model" : "{model}", "x": 1.0, "messages":[{{"role":"user","content":"ü"}}]}}'
    async with server.client() as client:
        await client.post(CHAT, content=body.encode())
    raw = upstream.seen("split-1")[-1]["raw"]
    assert raw == body.replace(model, "upstream-model")


async def test_the_clients_key_never_reaches_the_provider(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat", "delay-1")
    async with server.client() as client:
        await client.post(CHAT, json=chat(model), headers={"x-api-key": server.key, "cookie": "a=b"})
    seen = upstream.seen("delay-1")[-1]
    assert seen["headers"]["authorization"] == "Bearer sk-test"
    assert server.key not in json.dumps(seen)
    assert "cookie" not in seen["headers"]


async def test_the_key_may_stand_where_any_sdk_puts_it(server: AppServer) -> None:
    async with server.stranger() as client:
        for headers in (
            {"authorization": f"Bearer {server.key}"},
            {"x-api-key": server.key},
            {"x-goog-api-key": server.key},
        ):
            assert (await client.post(CHAT, json=chat("demo/echo"), headers=headers)).status_code == 200


@pytest.mark.parametrize("stream", [False, True])
async def test_the_demo_answers_without_any_set_up(server: AppServer, stream: bool) -> None:
    async with server.client() as client:
        answer = await client.post(CHAT, json=chat("demo/echo", stream=stream))
    assert "Say hello." in answer.text
