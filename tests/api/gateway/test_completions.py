"""Text completions: relayed to who has them, else asked as a question of chat."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from tests.api.gateway.asking import CHAT, events
from tests.api.gateway.test_errors import check
from tests.app_server import AppServer
from tests.upstream import operations
from tests.upstream.fixtures import RunningUpstream

PATH, TEXT = "/v1/completions", operations.TEXT
KINDS = {"openai": "openai-compatible", "anthropic": "anthropic-compatible", "gemini": "gemini-compatible"}
every_provider = pytest.mark.parametrize("provider", KINDS)
translated = pytest.mark.parametrize("provider", ["anthropic", "gemini"])


def completion(model: str, **fields: Any) -> dict[str, Any]:
    return {"model": model, "prompt": "Say hello.", "max_tokens": 50, **fields}


def provide(server: AppServer, upstream: RunningUpstream, provider: str, *modifiers: str) -> str:
    return server.provide(upstream, f"{provider}/chat", *modifiers, kind=KINDS[provider])


@every_provider
async def test_a_completion_is_answered_whole(server: AppServer, upstream: RunningUpstream, provider: str) -> None:
    model = provide(server, upstream, provider)
    async with server.client() as client:
        answer = await client.post(PATH, json=completion(model))
    value = answer.json()
    assert (value["object"], value["model"]) == ("text_completion", "sample-model")
    assert [(each["text"], each["index"], each["finish_reason"]) for each in value["choices"]] == [(TEXT, 0, "stop")]
    assert value["usage"].items() >= {"prompt_tokens": 9, "completion_tokens": 6, "total_tokens": 15}.items()
    row = server.ledger(answer.headers["x-request-id"]).row
    assert (row.format, row.cost, row.estimated) == ("openai-completions", 21_000, False)


@every_provider
@pytest.mark.parametrize("with_usage", [False, True])
async def test_a_completion_is_streamed(
    server: AppServer, upstream: RunningUpstream, provider: str, with_usage: bool
) -> None:
    model = provide(server, upstream, provider)
    fields: dict[str, Any] = {"stream_options": {"include_usage": True}} if with_usage else {}
    async with server.client() as client:
        answer = await client.post(PATH, json=completion(model, stream=True, **fields))
    found = events(answer.text)
    assert found.pop() == "[DONE]"
    choices = [choice for event in found for choice in event["choices"]]
    assert "".join(choice["text"] for choice in choices) == TEXT
    assert [choice["finish_reason"] for choice in choices if choice["finish_reason"]] == ["stop"]
    assert {event["object"] for event in found} == {"text_completion"}
    assert [event["usage"]["completion_tokens"] for event in found if event.get("usage")] == [6] * with_usage
    row = server.ledger(answer.headers["x-request-id"]).row
    assert (row.input_tokens, row.output_tokens, row.estimated) == (9, 6, False), "usage is asked for all the same"


async def test_relayed_bytes_stay_as_they_are(server: AppServer, upstream: RunningUpstream) -> None:
    model = provide(server, upstream, "openai", "split-9997")
    body = f'{{"logit_bias":{{"50256":-100}}, "prompt":["a","b"],"model" :"{model}", "best_of": 2, "echo":true}}'
    async with server.client() as client:
        answer = await client.post(PATH, content=body.encode())
    assert upstream.seen("split-9997")[-1]["raw"] == body.replace(model, "upstream-model")
    assert answer.content == operations.OPERATIONS["completions", False].body


@translated
@pytest.mark.parametrize("prompt", ["Say hello.", ["Say hello."]], ids=["text", "list"])
async def test_the_prompt_becomes_what_a_person_says(
    server: AppServer, upstream: RunningUpstream, provider: str, prompt: Any
) -> None:
    model = provide(server, upstream, provider, "split-9996")
    async with server.client() as client:
        answer = await client.post(PATH, json=completion(model, prompt=prompt, stop=["\n\n#"], temperature=0.5))
    assert answer.status_code == 200
    seen = upstream.seen(f"split-9996/r/{provider}")[-1]["body"]
    if provider == "anthropic":
        [message] = seen["messages"]
        assert (message["role"], message["content"]) in (
            ("user", "Say hello."),
            ("user", [{"type": "text", "text": "Say hello."}]),
        )
        assert (seen["max_tokens"], seen["stop_sequences"], seen["temperature"]) == (50, ["\n\n#"], 0.5)
    else:
        assert seen["contents"] == [{"role": "user", "parts": [{"text": "Say hello."}]}]
        config = seen["generationConfig"]
        assert (config["maxOutputTokens"], config["stopSequences"], config["temperature"]) == (50, ["\n\n#"], 0.5)


ONLY_TEXT_MODELS = {
    "suffix": {"suffix": " end"},
    "echo": {"echo": True},
    "best_of": {"best_of": 3},
    "logprobs": {"logprobs": 2},
    "logit_bias": {"logit_bias": {"50256": -100}},
    "prompt": {"prompt": ["a", "b"]},
    "prompt of tokens": {"prompt": [1, 2, 3]},
}


@translated
@pytest.mark.parametrize("name", ONLY_TEXT_MODELS)
async def test_422_for_what_only_text_models_can_do(
    server: AppServer, upstream: RunningUpstream, provider: str, name: str
) -> None:
    model = provide(server, upstream, provider, "delay-8")
    async with server.client() as client:
        answer = await client.post(PATH, json=completion(model, **ONLY_TEXT_MODELS[name]))
    message = check(answer, CHAT, 422, name.split()[0])
    assert "chat model" in message
    assert not upstream.seen("delay-8")


@pytest.mark.parametrize("fields", [{"prompt": None}, {"max_tokens": -2}, {"n": 0}, {"best_of": 500}, {"model": None}])
async def test_400_for_a_completion_that_makes_no_sense(
    server: AppServer, upstream: RunningUpstream, fields: dict[str, Any]
) -> None:
    model = provide(server, upstream, "anthropic")
    async with server.client() as client:
        check(await client.post(PATH, json={**completion(model), **fields}), CHAT, 400, next(iter(fields)))


@every_provider
async def test_a_stream_that_is_cut_never_looks_finished(
    server: AppServer, upstream: RunningUpstream, provider: str
) -> None:
    cut = {"openai": 350, "anthropic": 700, "gemini": 400}[provider]
    model = provide(server, upstream, provider, f"cut-{cut}")
    async with server.client() as client:
        answer = await client.post(PATH, json=completion(model, stream=True))
    found = events(answer.text)
    assert "broke off" in found[-1]["error"]["message"]
    assert "Grüße" in answer.text
    assert not any(choice["finish_reason"] for event in found[:-1] for choice in event["choices"])


async def test_the_official_sdk_reads_both(server: AppServer, upstream: RunningUpstream) -> None:
    async with openai.AsyncOpenAI(api_key=server.key, base_url=f"{server.url}/v1", max_retries=0) as client:
        for provider in KINDS:
            model = provide(server, upstream, provider)
            whole = await client.completions.create(model=model, prompt="Say hello.")
            assert whole.choices[0].text == TEXT
            stream = await client.completions.create(model=model, prompt="Say hello.", stream=True)
            assert "".join([chunk.choices[0].text async for chunk in stream if chunk.choices]) == TEXT
