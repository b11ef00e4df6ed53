"""Which addresses there are: prefixes, switches, methods, lists of models in three shapes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import httpx
import pytest

from tests.api.gateway.asking import CHAT, MESSAGES, QUESTION, chat
from tests.api.gateway.test_errors import check
from tests.api.gateway.test_gemini import check as check_gemini
from tests.app_server import AppServer, running_app
from tests.upstream.fixtures import RunningUpstream

GENERATE = "/v1beta/models/demo/echo:generateContent"
CONTENTS = {"contents": [{"parts": [{"text": "Say hello."}]}]}
OPENAI_POSTS = (
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/responses",
    "/v1/embeddings",
    "/v1/images/generations",
    "/v1/audio/speech",
    "/v1/audio/transcriptions",
    "/v1/moderations",
)
# each switch's own paths, by the method they take
SWITCHED: dict[str, list[tuple[str, str]]] = {
    "openai": [("POST", prefix + path) for prefix in ("", "/openai") for path in OPENAI_POSTS]
    + [("GET", "/openai/v1/models"), ("GET", "/openai/v1/models/demo/echo"), ("GET", "/v1/responses/resp_x")],
    "groq": [("POST", "/groq/openai" + path) for path in OPENAI_POSTS]
    + [("GET", "/groq/openai/v1/models"), ("GET", "/groq/openai/v1/models/demo/echo")],
    "anthropic": [
        ("POST", prefix + path)
        for prefix in ("", "/anthropic")
        for path in ("/v1/messages", "/v1/messages/count_tokens")
    ]
    + [("GET", "/anthropic/v1/models"), ("GET", "/anthropic/v1/models/demo/echo")],
    "gemini": [
        ("POST", f"{prefix}/v1beta/models/demo/echo:{verb}")
        for prefix in ("", "/gemini")
        for verb in ("generateContent", "streamGenerateContent", "countTokens", "embedContent", "batchEmbedContents")
    ]
    + [("GET", f"{prefix}/v1beta/models{name}") for prefix in ("", "/gemini") for name in ("", "/demo/echo")],
    "models": [
        ("GET", path + name)
        for path in (
            "/v1/models",
            "/openai/v1/models",
            "/groq/openai/v1/models",
            "/anthropic/v1/models",
            "/v1beta/models",
            "/gemini/v1beta/models",
        )
        for name in ("", "/demo/echo")
    ],
}
EVERY = sorted({pair for pairs in SWITCHED.values() for pair in pairs})
ALWAYS = [("GET", path) for path in ("/health", "/ready", "/ping", "/v1/key")]


def shape_of(path: str) -> str:
    if path.startswith(("/v1beta", "/gemini")):
        return "gemini"
    return MESSAGES if path.startswith(("/v1/messages", "/anthropic")) else CHAT


def check_shape(answer: httpx.Response, path: str, status: int, words: str = "") -> str:
    """An error as the clients of that path understand it."""
    shape = shape_of(path)
    return check_gemini(answer, status, words) if shape == "gemini" else check(answer, shape, status, words)


async def is_there(client: httpx.AsyncClient, method: str, path: str) -> bool:
    """Whether an address takes the call, whatever it then makes of an empty body."""
    answer = await client.request(method, path, content=b"" if method == "POST" else None)
    if answer.status_code != 404:
        return True
    message = answer.json()["error"]["message"]
    return "There is nothing at" not in message and "is not an address" not in message


@pytest.fixture(scope="module", params=SWITCHED)
def without(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, AppServer]]:
    """A server with one switch off, and the switch's name."""
    fields: dict[str, Any] = {f"enable_{request.param}_routes": False}
    with running_app(tmp_path_factory.mktemp("app"), **fields) as started:
        yield request.param, started


async def test_a_switch_takes_away_its_own_paths_and_no_others(without: tuple[str, AppServer]) -> None:
    name, server = without
    async with server.client() as client:
        for method, path in EVERY:
            gone = (method, path) in SWITCHED[name]
            assert await is_there(client, method, path) != gone, (method, path)
        for method, path in SWITCHED[name]:
            check_shape(await client.request(method, path), path, 404, path)
        for method, path in ALWAYS:
            assert (await client.request(method, path)).status_code == 200, path


async def test_every_path_is_there_where_nothing_is_switched_off(server: AppServer) -> None:
    async with server.client() as client:
        for method, path in EVERY:
            assert await is_there(client, method, path), (method, path)


@pytest.mark.parametrize("prefix", ["", "/openai", "/groq/openai"])
async def test_a_prefix_changes_nothing_for_openais_clients(server: AppServer, prefix: str) -> None:
    async with server.client() as client:
        answer = await client.post(prefix + CHAT, json=chat("demo/echo"))
        assert "Say hello." in answer.json()["choices"][0]["message"]["content"]
        assert (await client.get(f"{prefix}/v1/models/demo/echo")).json()["object"] == "model"
        check(await client.post(prefix + CHAT, json=chat("nothing")), CHAT, 404, "nothing")


@pytest.mark.parametrize("prefix", ["", "/anthropic"])
async def test_a_prefix_changes_nothing_for_anthropics_clients(server: AppServer, prefix: str) -> None:
    async with anthropic.AsyncAnthropic(api_key=server.key, base_url=server.url + prefix, max_retries=0) as client:
        made = await client.messages.create(model="demo/echo", max_tokens=50, messages=QUESTION)
        assert "Say hello." in made.content[0].text
        assert "demo/echo" in [model.id async for model in await client.models.list()]
        assert (await client.models.retrieve("demo/echo")).id == "demo/echo"
        with pytest.raises(anthropic.NotFoundError):
            await client.models.retrieve("nothing")


@pytest.mark.parametrize("prefix", ["", "/gemini"])
async def test_a_prefix_changes_nothing_for_geminis_clients(server: AppServer, prefix: str) -> None:
    async with server.client() as client:
        for version in ("v1beta", "v1"):
            answer = await client.post(prefix + GENERATE.replace("v1beta", version), json=CONTENTS)
            assert "Say hello." in answer.text, "Google's SDK says v1 unless it is told"
        check_gemini(await client.post(f"{prefix}/v1beta/models/nothing:generateContent", json=CONTENTS), 404)


async def test_models_are_listed_in_three_shapes(server: AppServer, upstream: RunningUpstream) -> None:
    name = server.provide(upstream, "openai/chat", model={"context_window": 1000, "max_output_tokens": 100})
    async with server.client(server.add_key(models=[name, "demo/echo"])) as client:
        openai = (await client.get("/v1/models")).json()
        assert openai["object"] == "list"
        assert {model["id"] for model in openai["data"]} == {name, "demo/echo"}
        for path, headers in (("/anthropic/v1/models", {}), ("/v1/models", {"anthropic-version": "2023-06-01"})):
            listed = (await client.get(path, headers=headers)).json()
            assert {model["id"] for model in listed["data"]} == {name, "demo/echo"}
            assert {model["type"] for model in listed["data"]} == {"model"}
            assert (listed["has_more"], listed["last_id"]) == (False, listed["data"][-1]["id"])
            one = (await client.get(f"{path}/{name}", headers=headers)).json()
            assert one == next(model for model in listed["data"] if model["id"] == name)
            check(await client.get(f"{path}/other", headers=headers), MESSAGES, 404, "other")
        for path, headers in (("/v1beta/models", {}), ("/v1/models", {"x-goog-api-client": "google-genai-sdk/1"})):
            listed = (await client.get(path, headers=headers)).json()
            assert {model["name"] for model in listed["models"]} == {f"models/{name}", "models/demo/echo"}
            one = (await client.get(f"{path}/{name}", headers=headers)).json()
            assert (one["inputTokenLimit"], one["outputTokenLimit"]) == (1000, 100)
            assert "generateContent" in one["supportedGenerationMethods"]
            check_gemini(await client.get(f"{path}/other", headers=headers), 404, "other")


async def test_a_list_of_models_needs_the_scope(server: AppServer) -> None:
    async with server.client(server.add_key(scopes=["chat"])) as client:
        for method, path in SWITCHED["models"]:
            check_shape(await client.request(method, path), path, 403, '"models"')
    async with server.stranger() as client:
        for method, path in SWITCHED["models"]:
            check_shape(await client.request(method, path), path, 401)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_the_wrong_method_is_told_the_right_one(server: AppServer, method: str) -> None:
    async with server.client() as client:
        for takes, path in EVERY:
            if takes == "POST":
                check_shape(await client.request(method, path), path, 404, "takes POST")
    async with server.client() as client:
        for path in ("/v1/models", "/v1beta/models", "/anthropic/v1/models", "/v1/key"):
            wrong = "POST" if method == "GET" else method
            check_shape(await client.request(wrong, path), path, 404, "takes GET")


async def test_head_is_get_without_a_body(server: AppServer) -> None:
    async with server.client() as client:
        for path in ("/v1/models", "/v1/models/demo/echo", "/v1beta/models", "/anthropic/v1/models", "/health"):
            answer = await client.head(path)
            assert (answer.status_code, answer.content) == (200, b""), path
        refused = await client.head(CHAT)
        assert (refused.status_code, refused.content) == (404, b"")


@pytest.mark.parametrize("path", [CHAT, MESSAGES, GENERATE, "/v1/audio/transcriptions", "/v1/responses/resp_x"])
async def test_browsers_may_ask_before_they_call_where_their_origin_is_named(
    server: AppServer, tmp_path: Path, path: str
) -> None:
    headers = {"origin": "https://app.example.org", "access-control-request-method": "POST"}
    async with server.stranger() as client:
        answer = await client.options(path, headers=headers)
        check_shape(answer, path, 404)
        assert "access-control-allow-origin" not in answer.headers
    with running_app(tmp_path, cors_origins="https://app.example.org") as named:
        async with named.stranger() as client:
            answer = await client.options(path, headers=headers)
            assert answer.status_code == 204
            assert answer.headers["access-control-allow-origin"] == "https://app.example.org"
            assert {"GET", "POST", "DELETE"} <= set(answer.headers["access-control-allow-methods"].split(", "))
            refused = await client.post(path, headers=headers)
            assert refused.headers["access-control-allow-origin"] == "https://app.example.org"
