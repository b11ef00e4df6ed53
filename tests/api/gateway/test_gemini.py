"""Gemini's clients: an array or events, relayed and translated, errors in Google's shape, keys where Google puts them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from google import genai
from google.genai import types

from tests.app_server import AppServer, running_app
from tests.upstream import samples
from tests.upstream.fixtures import RunningUpstream

TEXT = "Grüße vom Muster 🦉."
KINDS = {"gemini": "gemini-compatible", "openai": "openai-compatible", "anthropic": "anthropic-compatible"}
QUESTION = {"contents": [{"role": "user", "parts": [{"text": "Say hello."}]}]}
NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    413: "INVALID_ARGUMENT",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
}
every_provider = pytest.mark.parametrize("provider", KINDS)
both_shapes = pytest.mark.parametrize("sse", [False, True], ids=["array", "sse"])


def provide(server: AppServer, upstream: RunningUpstream, sample: str, *modifiers: str, **fields: Any) -> str:
    return server.provide(upstream, sample, *modifiers, kind=KINDS[sample.partition("/")[0]], **fields)


def at(model: str, verb: str = "generateContent", *, sse: bool = False) -> str:
    return f"/v1beta/models/{model}:{verb}" + ("?alt=sse" if sse else "")


def pieces(answer: httpx.Response, sse: bool) -> list[dict[str, Any]]:
    """What a stream holds, in either shape."""
    if not sse:
        assert answer.headers["content-type"] == "application/json"
        found = answer.json()
        assert isinstance(found, list)
        return found
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = answer.text.replace("\r\n", "\n").split("\n\n")
    return [json.loads(line.strip().removeprefix("data:")) for line in lines if line.strip()]


def text_of(found: list[dict[str, Any]]) -> str:
    parts = [part for each in found for part in each.get("candidates", [{}])[0].get("content", {}).get("parts", ())]
    return "".join(part.get("text", "") for part in parts)


def check(answer: httpx.Response, status: int, words: str = "") -> str:
    """An error in Google's shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    value = answer.json()
    assert set(value) == {"error"}
    assert (value["error"]["code"], value["error"]["status"]) == (status, NAMES[status])
    assert words in value["error"]["message"]
    return str(value["error"]["message"])


@every_provider
async def test_an_answer_comes_whole(server: AppServer, upstream: RunningUpstream, provider: str) -> None:
    model = provide(server, upstream, f"{provider}/chat")
    async with server.client() as client:
        answer = await client.post(at(model), json=QUESTION)
    value = answer.json()
    assert text_of([value]) == TEXT
    assert value["candidates"][0]["finishReason"] == "STOP"
    usage = value["usageMetadata"]
    assert (usage["promptTokenCount"], usage["candidatesTokenCount"], usage["totalTokenCount"]) == (9, 6, 15)
    assert answer.headers["x-anygpt-cost-usd"] == "0.000021"
    row = server.ledger(answer.headers["x-request-id"]).row
    assert (row.format, row.model_asked, row.input_tokens, row.output_tokens) == ("gemini", model, 9, 6)


@every_provider
@both_shapes
async def test_an_answer_is_streamed_in_the_shape_that_was_asked_for(
    server: AppServer, upstream: RunningUpstream, provider: str, sse: bool
) -> None:
    model = provide(server, upstream, f"{provider}/chat", "pace-1")
    async with server.client() as client:
        answer = await client.post(at(model, "streamGenerateContent", sse=sse), json=QUESTION)
    found = pieces(answer, sse)
    assert text_of(found) == TEXT
    assert [each["candidates"][0]["finishReason"] for each in found if "finishReason" in each["candidates"][0]] == [
        "STOP"
    ]
    assert found[-1]["usageMetadata"]["candidatesTokenCount"] == 6
    row = server.ledger(answer.headers["x-request-id"]).row
    assert (row.stream, row.output_tokens, row.estimated) == (True, 6, False)


async def test_what_is_relayed_is_googles_answer_byte_for_byte(server: AppServer, upstream: RunningUpstream) -> None:
    model = provide(server, upstream, "gemini/chat", "split-9995")
    body = '{ "contents":[{"parts":[{"text":"ü"}]}], "generationConfig": {"temperature": 1.0, "new": 123456789012345678901}}'
    async with server.client() as client:
        whole = await client.post(at(model), content=body.encode())
        streamed = await client.post(at(model, "streamGenerateContent", sse=True), content=body.encode())
    assert (whole.content, streamed.content) == (samples.GEMINI["text"].body, samples.GEMINI["stream"].body)
    first, second = upstream.seen("split-9995")[-2:]
    assert (first["raw"], second["raw"]) == (body, body)
    assert first["path"].endswith("/v1beta/models/upstream-model:generateContent")
    assert second["path"].endswith("/v1beta/models/upstream-model:streamGenerateContent?alt=sse")
    assert first["headers"]["x-goog-api-key"] == "sk-test"


@every_provider
async def test_calls_of_functions_arrive_whole(server: AppServer, upstream: RunningUpstream, provider: str) -> None:
    model = provide(server, upstream, f"{provider}/tools")
    asked = {**QUESTION, "tools": [{"functionDeclarations": [{"name": "get_weather"}]}]}
    async with server.client() as client:
        whole = (await client.post(at(model), json=asked)).json()
        streamed = (await client.post(at(model, "streamGenerateContent"), json=asked)).json()
    for found in ([whole], streamed):
        parts = [part for each in found for part in each["candidates"][0]["content"]["parts"]]
        [call] = [part["functionCall"] for part in parts if "functionCall" in part]
        assert (call["name"], call["args"]) == ("get_weather", {"city": "Bern"})


@every_provider
@both_shapes
async def test_an_error_after_the_first_word_comes_in_band(
    server: AppServer, upstream: RunningUpstream, provider: str, sse: bool
) -> None:
    cut = {"gemini": 400, "openai": 600, "anthropic": 700}[provider]
    model = provide(server, upstream, f"{provider}/chat", f"cut-{cut}")
    async with server.client() as client:
        answer = await client.post(at(model, "streamGenerateContent", sse=sse), json=QUESTION)
    *before, last = pieces(answer, sse)
    assert text_of(before).startswith("Grüße")
    assert (last["error"]["code"], last["error"]["status"]) == (502, "UNAVAILABLE")
    assert "broke off" in last["error"]["message"]
    assert not any("finishReason" in each["candidates"][0] for each in before)
    assert server.ledger(answer.headers["x-request-id"]).row.status == 502


@both_shapes
async def test_errors_before_the_first_word_have_their_status(
    server: AppServer, upstream: RunningUpstream, sse: bool
) -> None:
    broken = provide(server, upstream, "gemini/chat", "status-500")
    limited = provide(server, upstream, "openai/chat", "status-429")
    plain = provide(server, upstream, "openai/chat", model={"capabilities": ["chat"]})
    tools = {**QUESTION, "tools": [{"functionDeclarations": [{"name": "t"}]}]}

    def path(model: str) -> str:
        return at(model, "streamGenerateContent", sse=sse)

    async with server.client() as client:
        check(await client.post(path(broken), json=QUESTION), 502, "Misbehaving")
        answer = await client.post(path(limited), json=QUESTION)
        check(answer, 429)
        assert int(answer.headers["retry-after"]) >= 1
        check(await client.post(path("nothing"), json=QUESTION), 404, '"nothing"')
        check(await client.post(path(plain), json=tools), 422, "tools")
        check(await client.post(path(plain), json={"contents": 5}), 400, "contents")
        check(await client.post(path(plain), content=b"{"), 400)
    async with server.client(server.add_key(scopes=["models"])) as client:
        check(await client.post(path(plain), json=QUESTION), 403, '"chat"')
    async with server.client(server.add_key(models=["other"])) as client:
        check(await client.post(path(plain), json=QUESTION), 403, plain)


@pytest.mark.parametrize("sample", ["gemini/chat", "openai/chat"])
async def test_what_keeps_the_connection_alive_harms_neither_shape(
    tmp_path: Path, upstream: RunningUpstream, sample: str
) -> None:
    with running_app(tmp_path, keep_alive_s=0.02) as server:
        slow = provide(server, upstream, sample, "delay-300", "pace-1")
        failing = provide(server, upstream, sample, "delay-300", "status-500")
        async with server.client() as client:
            for sse in (False, True):
                answer = await client.post(at(slow, "streamGenerateContent", sse=sse), json=QUESTION)
                assert answer.content.startswith(b"\r\n\r\n"), "it has waited"
                assert text_of(pieces(answer, sse)) == TEXT
                answer = await client.post(at(failing, "streamGenerateContent", sse=sse), json=QUESTION)
                assert answer.status_code == 200, "nothing else was known yet"
                [only] = pieces(answer, sse)
                assert (only["error"]["code"], only["error"]["status"]) == (502, "UNAVAILABLE")


async def test_googles_own_refusal_passes_as_it_came(server: AppServer, upstream: RunningUpstream) -> None:
    model = provide(server, upstream, "gemini/error-400")
    async with server.client() as client:
        answer = await client.post(at(model), json=QUESTION)
    assert (answer.status_code, answer.content) == (400, samples.GEMINI["error-400"].body)


@pytest.mark.parametrize("name", ["maker/model", "a:b", "maker/model:free-2", "deep/er/name", "with space"])
async def test_names_of_models_may_hold_slashes_and_colons(
    server: AppServer, upstream: RunningUpstream, name: str
) -> None:
    provide(server, upstream, "openai/chat", alias=name)
    async with server.client() as client:
        answer = await client.post(at(name), json=QUESTION)
        assert text_of([answer.json()]) == TEXT
        quoted = name.replace("/", "%2F").replace(":", "%3A").replace(" ", "%20")
        assert (await client.post(f"/v1beta/models/{quoted}:generateContent", json=QUESTION)).status_code == 200
        assert (await client.get(f"/v1beta/models/{name}")).json()["name"] == f"models/{name}"
    assert server.ledger(answer.headers["x-request-id"]).row.model_asked == name


async def test_a_key_in_the_address_opens_googles_paths_only_and_goes_no_further(
    tmp_path: Path, upstream: RunningUpstream
) -> None:
    with running_app(tmp_path) as server:
        secret = server.add_key("in the address")
        model = provide(server, upstream, "gemini/chat", "split-9994")
        broken = provide(server, upstream, "gemini/chat", "status-500")
        async with server.stranger() as client:
            for path in (at(model), f"/gemini{at(model)}", at(model, "countTokens"), at(model, "embedContent")):
                body = {"content": {"parts": [{"text": "ü"}]}} if "embed" in path else QUESTION
                assert (await client.post(path, params={"key": secret}, json=body)).status_code == 200, path
            stream = at(model, "streamGenerateContent")
            assert (await client.post(f"{stream}?alt=sse&key={secret}", json=QUESTION)).status_code == 200
            assert (await client.get("/v1beta/models", params={"key": secret})).status_code == 200
            assert (await client.get(f"/v1beta/models/{model}", params={"key": secret})).status_code == 200
            for path in ("/v1/models", "/v1/key", "/anthropic/v1/models", "/openai/v1/models"):
                assert (await client.get(path, params={"key": secret})).status_code == 401, path
            check(await client.post(at(broken), params={"key": secret}, json=QUESTION), 502)
            check(await client.post(at(model), params={"key": secret}, content=b"{"), 400)
            check(await client.post(at(model), params={"key": "wrong-key"}, json=QUESTION), 401)
            check(await client.post(at(model), json=QUESTION), 401)
        seen = json.dumps(upstream.seen("split-9994"))
        assert upstream.seen("split-9994")
        assert secret not in seen
        assert "key=" not in seen
    log = (tmp_path / "logs" / "api-error.jsonl").read_text()
    assert '"status":502' in log
    for hidden in (secret, "wrong-key", "key="):
        assert hidden not in log


async def test_googles_header_opens_every_path(server: AppServer, upstream: RunningUpstream) -> None:
    model = provide(server, upstream, "gemini/chat")
    async with server.stranger(**{"x-goog-api-key": server.key}) as client:
        assert (await client.post(at(model), json=QUESTION)).status_code == 200
        assert (await client.get("/v1beta/models")).status_code == 200


@both_shapes
async def test_who_asks_for_it_is_told_who_answered(server: AppServer, upstream: RunningUpstream, sse: bool) -> None:
    async with server.client(**{"x-anygpt-metadata": "enabled"}) as client:
        for provider in KINDS:
            model = provide(server, upstream, f"{provider}/chat")
            assert (await client.post(at(model), json=QUESTION)).json()["anygpt"]["model"] == "upstream-model"
            found = pieces(await client.post(at(model, "streamGenerateContent", sse=sse), json=QUESTION), sse)
            assert ["anygpt" in each for each in found] == [False] * (len(found) - 1) + [True]


@pytest.mark.parametrize("prefix", ["", "/gemini"])
async def test_the_official_sdk_reads_all_of_it(server: AppServer, upstream: RunningUpstream, prefix: str) -> None:
    options = types.HttpOptions(base_url=server.url + prefix)
    client = genai.Client(api_key=server.key, http_options=options)
    try:
        for provider in KINDS:
            model = provide(server, upstream, f"{provider}/chat")
            answer = await client.aio.models.generate_content(model=model, contents="Say hello.")
            assert answer.text == TEXT
            stream = await client.aio.models.generate_content_stream(model=model, contents="Say hello.")
            assert "".join([chunk.text or "" async for chunk in stream]) == TEXT
            counted = await client.aio.models.count_tokens(model=model, contents="Say hello.")
            assert counted.total_tokens is not None
            assert counted.total_tokens > 0
        listed = [each.name async for each in await client.aio.models.list()]
        assert "models/demo/chat" in listed
        with pytest.raises(genai.errors.ClientError) as caught:
            await client.aio.models.generate_content(model="nothing", contents="Say hello.")
        assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")
    finally:
        await client.aio.aclose()
        client.close()
