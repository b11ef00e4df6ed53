"""The demo answers at once, politely, and in the very format it claims."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from app.core.errors import UnreadableAnswer, UpstreamDown
from app.core.price import FREE
from app.formats.base import UpstreamCall
from app.providers.connections import Connections
from app.providers.demo import DemoTransport
from app.providers.failures import read_any_error
from app.providers.kinds import kind_named
from app.providers.transport import UpstreamAnswer, UpstreamRequest

BASE = "http://demo.invalid/v1"


@pytest.fixture
def demo() -> DemoTransport:
    return DemoTransport(pace=0)


async def ask(demo: DemoTransport, model: str, content: Any = "Hello!", **fields: Any) -> UpstreamAnswer:
    body = {"model": model, "messages": [{"role": "user", "content": content}], **fields}
    return await demo.send(
        UpstreamRequest(method="POST", url=f"{BASE}/chat/completions", body=json.dumps(body).encode())
    )


async def whole(demo: DemoTransport, model: str, content: Any = "Hello!", **fields: Any) -> dict[str, Any]:
    return dict(json.loads(await (await ask(demo, model, content, **fields)).read(100_000)))


def text_of(completion: dict[str, Any]) -> str:
    return str(completion["choices"][0]["message"]["content"])


async def test_a_whole_answer_has_text_a_finish_and_usage(demo: DemoTransport) -> None:
    answer = await whole(demo, "demo/chat")
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["finish_reason"] == "stop"
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert min(usage.values()) > 0


@pytest.mark.parametrize(
    ("question", "holds"),
    [
        ("How do I connect OpenAI?", "### Connecting a provider"),
        ("Show me the API in Python!", "```python"),
        ("What does a router do?", "### Routers"),
        ("what happens when a provider is down", "### When a provider fails"),
        ("Can I limit the cost?", "### Keeping spending in hand"),
        ("Write a poem about the sea", "demo model"),
        ("Quantenchromodynamik?", "I pick a canned answer"),
        ("", "I pick a canned answer"),
    ],
)
async def test_the_words_of_a_question_pick_the_answer(demo: DemoTransport, question: str, holds: str) -> None:
    assert holds in text_of(await whole(demo, "demo/chat", question))


async def test_a_stream_is_the_whole_answer_in_words(demo: DemoTransport) -> None:
    answer = await ask(demo, "demo/chat", "What is a router?", stream=True, stream_options={"include_usage": True})
    assert answer.headers["content-type"] == "text/event-stream"
    events = [event async for event in answer.chunks()]
    assert events[-1] == b"data: [DONE]\n\n"
    chunks = [json.loads(event.removeprefix(b"data: ")) for event in events[:-1]]
    assert all(event.startswith(b"data: ") and event.endswith(b"\n\n") for event in events)
    text = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks[:-1])
    plain = await whole(demo, "demo/chat", "What is a router?")
    assert text == text_of(plain)
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert (chunks[-1]["choices"], chunks[-1]["usage"]) == ([], plain["usage"])
    assert len(events) > 30


async def test_usage_comes_in_a_stream_only_when_asked_for(demo: DemoTransport) -> None:
    body = await (await ask(demo, "demo/echo", stream=True)).read(10_000)
    assert b"usage" not in body


async def test_echo_says_the_last_words_back(demo: DemoTransport) -> None:
    assert text_of(await whole(demo, "demo/echo", "Grüße 🦉")) == "Grüße 🦉"


async def test_pictures_and_tools_are_politely_ignored(demo: DemoTransport) -> None:
    parts = [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "text", "text": "What is this?"},
    ]
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    assert (
        text_of(await whole(demo, "demo/echo", parts, tools=[tool], response_format={"type": "text"}))
        == "What is this?"
    )


async def test_a_token_limit_cuts_the_answer_and_says_so(demo: DemoTransport) -> None:
    answer = await whole(demo, "demo/chat", max_tokens=5)
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] <= 5


async def test_a_model_that_fails_and_one_that_is_not_there(demo: DemoTransport) -> None:
    assert (await ask(demo, "demo/failing")).status == 503
    assert (await ask(demo, "demo/nothing")).status == 404
    broken = UpstreamRequest(method="POST", url=f"{BASE}/chat/completions", body=b'{"model": 1')
    assert (await demo.send(broken)).status == 400
    assert (await demo.send(UpstreamRequest(method="GET", url=f"{BASE}/nowhere"))).status == 404


async def test_words_come_at_a_human_pace() -> None:
    clock = asyncio.get_running_loop().time
    begun = clock()
    answer = await ask(DemoTransport(pace=0.1), "demo/chat", "What is a router?", stream=True)
    words = 0
    async for _ in answer.chunks():
        words += 1
    assert clock() - begun > 0.1 * (words - 4) / 40


async def test_a_closed_answer_says_nothing_more(demo: DemoTransport) -> None:
    answer = await ask(demo, "demo/chat", stream=True)
    stream = answer.chunks()
    await anext(stream)
    answer.close()
    answer.close()
    assert [event async for event in stream] == []


async def test_a_limit_holds_here_too(demo: DemoTransport) -> None:
    for stream in (False, True):
        with pytest.raises(UnreadableAnswer):
            await (await ask(demo, "demo/chat", stream=stream)).read(10)


async def test_the_demo_is_called_like_any_provider_and_costs_nothing(demo: DemoTransport) -> None:
    connections = Connections(demo=demo)
    provider = connections.upstream("demo", kind_named("demo"))
    assert {model.price for model in await provider.list_models(None)} == {FREE}
    await provider.probe(None)
    body = b'{"model": "demo/failing", "messages": []}'
    with pytest.raises(UpstreamDown, match="demo/failing always answers 503"):
        await provider.call("openai-chat", UpstreamCall(path="/chat/completions", body=body), None, read_any_error)
    await connections.aclose()
