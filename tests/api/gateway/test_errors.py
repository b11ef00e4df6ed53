"""Errors: the status of the contract, in the shape of the client's own format."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.gateway.asking import CHAT, MESSAGES, chat, messages
from tests.app_server import AppServer
from tests.upstream import samples
from tests.upstream.fixtures import RunningUpstream

PATHS = (CHAT, MESSAGES)
both_formats = pytest.mark.parametrize("path", PATHS)

# the types that the two official APIs document for a status
OPENAI_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "invalid_request_error",
    413: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
}
ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
}


def body(path: str, model: str, **fields: Any) -> dict[str, Any]:
    return chat(model, **fields) if path == CHAT else messages(model, **fields)


def check(answer: httpx.Response, path: str, status: int, words: str = "") -> str:
    """The shape of the format, and the message."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"].startswith("req_")
    value = answer.json()
    error = value["error"]
    if path == CHAT:
        assert set(value) == {"error"}
        assert {"message", "type", "code"} <= set(error)
    else:
        assert value["type"] == "error"
        assert set(error) >= {"type", "message"}
        assert error["type"] == ANTHROPIC_TYPES.get(status, error["type"])
    assert words in error["message"]
    return str(error["message"])


@both_formats
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b'{"model": "demo/echo", "messages": [', "not valid JSON"),
        (b"[]", "object"),
        (b"null", "object"),
        (b'"text"', "object"),
        (b'{"messages": [], "max_tokens": 1}', "model"),
        (b'{"model": 5, "messages": [], "max_tokens": 1}', "model"),
        (b'{"model": "demo/echo", "messages": "text", "max_tokens": 1}', "messages"),
        (b'{"model": "demo/echo", "messages": [5], "max_tokens": 1}', "messages"),
        (b'{"model": "demo/echo", "messages": [{"role": "user", "content": "\xff"}], "max_tokens": 1}', "UTF-8"),
        (b'{"model": "demo/echo", "stream": "yes", "messages": [], "max_tokens": 1}', "stream"),
        (b'{"model": "demo/echo", "max_tokens": "many", "messages": [{"role": "user", "content": "x"}]}', "max_tokens"),
        (b'{"model": "demo/echo", "max_tokens": 1, "messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", ""),
        (b'{"a":' * 100_000, ""),
    ],
    ids=lambda value: value[:30].decode("latin-1") if isinstance(value, bytes) else "",
)
async def test_400_for_a_body_that_makes_no_sense(server: AppServer, path: str, content: bytes, words: str) -> None:
    async with server.client() as client:
        check(await client.post(path, content=content), path, 400, words)
        assert (await client.get("/health")).status_code == 200


@both_formats
async def test_401_without_a_key_or_with_an_unknown_one(server: AppServer, path: str) -> None:
    async with server.stranger() as client:
        check(await client.post(path, json=body(path, "demo/echo")), path, 401, "No API key")
        for token in ("gw_live_" + "x" * 43, "sk-other", "\u00e9"):
            headers = {b"authorization": f"Bearer {token}".encode("latin-1")}
            check(await client.post(path, json=body(path, "demo/echo"), headers=headers), path, 401, "not known")


@both_formats
async def test_a_key_in_the_address_does_not_count(server: AppServer, path: str) -> None:
    async with server.stranger() as client:
        check(await client.post(f"{path}?key={server.key}", json=body(path, "demo/echo")), path, 401)


@both_formats
async def test_404_for_an_unknown_model(server: AppServer, path: str) -> None:
    async with server.client() as client:
        check(await client.post(path, json=body(path, "nothing")), path, 404, '"nothing"')


@both_formats
async def test_413_for_a_body_over_the_limit(server: AppServer, path: str) -> None:
    server.run(server.services.runtime.set("test", {"max_body_mb": 1}))
    async with server.client() as client:
        answer = await client.post(path, content=b'{"a":"' + b"x" * 2**20 + b'"}')
        check(answer, path, 413, "max_body_mb")
    server.run(server.services.runtime.set("test", {"max_body_mb": 32}))


@both_formats
async def test_422_where_the_model_lacks_what_is_needed(
    server: AppServer, upstream: RunningUpstream, path: str
) -> None:
    model = server.provide(upstream, "openai/chat", model={"capabilities": ["chat"]})
    tool = {"name": "t", "parameters": {"type": "object"}}
    tools = (
        [{"type": "function", "function": tool}]
        if path == CHAT
        else [{"name": "t", "input_schema": {"type": "object"}}]
    )
    async with server.client() as client:
        check(await client.post(path, json=body(path, model, tools=tools)), path, 422, "tools")


@both_formats
async def test_422_where_the_providers_format_cannot_say_it(
    server: AppServer, upstream: RunningUpstream, path: str
) -> None:
    other = "anthropic" if path == CHAT else "openai"
    model = server.provide(upstream, f"{other}/chat", "pace-1")
    unsayable = {"n": 2} if path == CHAT else {"top_k": 5}
    async with server.client() as client:
        answer = await client.post(path, json=body(path, model, **unsayable))
    if path == CHAT:
        check(answer, path, 422, "n")
        assert not upstream.seen(f"pace-1/r/{other}")
    else:
        assert answer.status_code in (200, 422), "a sampling hint may be dropped, never misread"


@both_formats
@pytest.mark.parametrize("status", [400, 404, 413, 422])
async def test_a_providers_word_about_the_request_passes_with_its_status(
    server: AppServer, upstream: RunningUpstream, path: str, status: int
) -> None:
    model = server.provide(upstream, "openai/chat", f"status-{status}")
    async with server.client() as client:
        check(await client.post(path, json=body(path, model)), path, status, f"Misbehaving as asked: {status}")


@both_formats
async def test_a_refusal_in_the_clients_own_format_passes_as_it_came(
    server: AppServer, upstream: RunningUpstream, path: str
) -> None:
    family, name = (samples.OPENAI, "openai") if path == CHAT else (samples.ANTHROPIC, "anthropic")
    model = server.provide(upstream, f"{name}/error-400")
    async with server.client() as client:
        answer = await client.post(path, json=body(path, model))
    assert (answer.status_code, answer.content) == (400, family["error-400"].body)


@both_formats
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [401, 402, 403])
async def test_502_where_the_providers_key_is_bad(
    server: AppServer, upstream: RunningUpstream, path: str, status: int, stream: bool
) -> None:
    name = server.add_provider(upstream.provider_url("openai/chat", f"status-{status}"), f"{path}{status}{stream}")
    async with server.client() as client:
        message = check(await client.post(path, json=body(path, f"{path}{status}{stream}", stream=stream)), path, 502)
    assert name in message
    assert "sk-test" not in message


@both_formats
async def test_502_tells_what_each_attempt_met(server: AppServer, upstream: RunningUpstream, path: str) -> None:
    model = server.provide(upstream, "openai/chat", "status-500", priority=1, name=f"first{path[4:8]}")
    server.provide(upstream, "openai/chat", "reset", priority=2, alias=model, name=f"second{path[4:8]}")
    async with server.client() as client:
        answer = await client.post(path, json=body(path, model))
    message = check(answer, path, 502, "Misbehaving as asked: 500")
    assert message.index("first") < message.index("second")
    assert answer.headers["x-anygpt-attempts"] == "2"


@both_formats
async def test_429_only_where_every_candidate_said_so(server: AppServer, upstream: RunningUpstream, path: str) -> None:
    model = server.provide(upstream, "openai/chat", "status-429", priority=1)
    async with server.client() as client:
        answer = await client.post(path, json=body(path, model))
        check(answer, path, 429, "rate limit")
        assert int(answer.headers["retry-after"]) >= 1
    model = server.provide(upstream, "openai/chat", "status-429", priority=1)
    server.provide(upstream, "openai/chat", "status-500", priority=2, alias=model)
    async with server.client() as client:
        check(await client.post(path, json=body(path, model)), path, 502)


@both_formats
async def test_503_where_there_is_nobody_to_ask(server: AppServer, upstream: RunningUpstream, path: str) -> None:
    router = server.add_router(rules=[{"name": "rare", "when": {"tags": ["never"]}}])
    async with server.client(server.add_key(router=router)) as client:
        answer = await client.post(path, json=body(path, "demo/echo"))
    check(answer, path, 503, "No rule")
    assert int(answer.headers["retry-after"]) >= 1


@both_formats
async def test_504_where_no_provider_answers_in_time(server: AppServer, upstream: RunningUpstream, path: str) -> None:
    model = server.provide(upstream, "openai/chat", "hang")
    async with server.client(server.add_key(router=server.add_router(first_token_timeout_s=0.1))) as client:
        answer = await client.post(path, json=body(path, model, stream=True))
        check(answer, path, 504, "took too long over the first content")
    async with server.client(server.add_key(router=server.add_router(timeout_s=0.1))) as client:
        check(await client.post(path, json=body(path, model)), path, 504, "took too long over the whole answer")


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1", "/v1/", "/v1/chat", "/v1/images/edits"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_404_for_an_unknown_path(server: AppServer, path: str, method: str) -> None:
    async with server.client() as client:
        check(await client.request(method, path), CHAT, 404, path)


async def test_404_for_the_wrong_method(server: AppServer) -> None:
    async with server.client() as client:
        check(await client.get(CHAT), CHAT, 404)
        check(await client.get(MESSAGES), MESSAGES, 404)
        check(await client.post("/v1/models"), CHAT, 404)
