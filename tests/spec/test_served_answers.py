"""What a running AnyGPT answers in OpenAI's formats, translated, of its own, or about a failure, is as described."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.app_server import AppServer
from tests.recordings import Recording, each, needs_recordings, recordings
from tests.sdk.answers import FORMATS, Said, answer
from tests.sdk.conftest import MODEL, Sdks
from tests.sdk.scripted import ScriptedUpstream
from tests.sdk.test_translated_openai import TEXT, GetWeather
from tests.spec.schema import complaints, events, needs_specification
from tests.spec.test_translated_answers import CLIENTS
from tests.upstream.samples import whole

pytestmark = needs_specification

ASK: dict[str, dict[str, Any]] = {
    "openai-chat": {"messages": [{"role": "user", "content": "Weather in Bern?"}]},
    "openai-responses": {"input": "Weather in Bern?"},
}
PATHS = {"openai-chat": "chat/completions", "openai-responses": "responses"}
EMBEDDERS = {"gemini": "gemini", "cohere-chat": "cohere"}  # and whose recordings they read
SAID = Said(TEXT, thought="Look outside.", call=("GetWeather", {"city": "Bern"}))
PAIRS = [(client, format) for client in CLIENTS for format in FORMATS if format != client]

each_client = pytest.mark.parametrize("wire", CLIENTS)
every_pair = pytest.mark.parametrize(("wire", "format"), PAIRS)


def ask(client: httpx.Client, wire: str, headers: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
    body = {"model": MODEL, **ASK.get(wire, {}), **fields}
    return client.post(PATHS.get(wire, wire), json=body, headers=headers)


def check_error(response: httpx.Response, status: int) -> None:
    assert response.status_code == status, response.text
    assert complaints("error", response.content) == []


@every_pair
@pytest.mark.parametrize("metadata", ["", "enabled"], ids=["plain", "metadata"])
def test_whole_answers(
    client: httpx.Client, sdks: Sdks, script: ScriptedUpstream, wire: str, format: str, metadata: str
) -> None:
    sdks.point(format, script.base_url(format))
    script.line_up(answer(format, SAID, stream=False))
    response = ask(client, wire, {"x-anygpt-metadata": metadata})
    assert TEXT in response.text
    assert complaints(wire, response.content) == []
    assert ("anygpt" in response.json()) is bool(metadata)


@every_pair
def test_streams(client: httpx.Client, sdks: Sdks, script: ScriptedUpstream, wire: str, format: str) -> None:
    sdks.point(format, script.base_url(format))
    script.line_up(*[answer(format, SAID, stream=True)] * 2)
    asked = {"stream_options": {"include_usage": True}} if wire == "openai-chat" else {"parallel_tool_calls": True}
    for metadata in ("", "enabled"):
        response = ask(client, wire, {"x-anygpt-metadata": metadata}, stream=True, **asked)
        assert len(list(events(response.content))) > 4
        assert complaints(wire, response.content, stream=True) == []


@every_pair
def test_streams_that_are_cut(
    client: httpx.Client, sdks: Sdks, script: ScriptedUpstream, wire: str, format: str
) -> None:
    sdks.point(format, script.base_url(format))
    said = answer(format, SAID, stream=True)
    script.line_up(said, cut=len(said.body) * 2 // 3)
    response = ask(client, wire, stream=True)
    assert '"error"' in response.text
    assert complaints(wire, response.content, stream=True) == []


@pytest.mark.parametrize("format", [name for name in FORMATS if not name.startswith("openai-")])
def test_completions(client: httpx.Client, sdks: Sdks, script: ScriptedUpstream, format: str) -> None:
    sdks.point(format, script.base_url(format))
    script.line_up(answer(format, Said(TEXT), stream=False))
    response = ask(client, "completions", prompt="Weather in Bern?")
    assert response.json()["choices"][0]["text"] == TEXT
    assert complaints("openai-completions", response.content) == []


@pytest.mark.parametrize("format", [name for name in FORMATS if name != "openai-responses"])
def test_a_response_that_is_read_again(client: httpx.Client, sdks: Sdks, script: ScriptedUpstream, format: str) -> None:
    sdks.point(format, script.base_url(format))
    script.line_up(answer(format, Said(TEXT), stream=False))
    tool = {"type": "function", "name": "GetWeather", "parameters": GetWeather.model_json_schema(), "strict": True}
    made = ask(client, "openai-responses", tools=[tool], instructions="Be brief.", metadata={"a": "b"}, user="ada")
    read = client.get(f"responses/{made.json()['id']}")
    assert read.status_code == 200
    assert complaints("openai-responses", read.content) == []


def foreign_errors() -> pytest.MarkDecorator:
    """Refusals in formats that are not the client's own, whose errors pass as they came."""
    found = [(recorded, wire) for wire, format in PAIRS for recorded in recordings(dialect=format, ok=False)]
    if not found:
        return each("case", dialect="none")
    return pytest.mark.parametrize("case", found, ids=[f"{wire}-{recorded.name}" for recorded, wire in found])


@foreign_errors()
def test_refusals_of_providers(case: tuple[Recording, str], client: httpx.Client, sdks: Sdks) -> None:
    recorded, wire = case
    sdks.play(recorded.dialect, recorded.name)
    response = ask(client, wire)
    check_error(response, response.status_code)
    assert response.status_code >= 400


@needs_recordings
@pytest.mark.parametrize("format", EMBEDDERS)
def test_vectors(client: httpx.Client, sdks: Sdks, format: str) -> None:
    recorded = recordings(provider=EMBEDDERS[format], dialect="embeddings", ok=True)[0]
    sdks.play(format, recorded.name)
    response = ask(client, "embeddings", input=_texts(recorded))
    assert response.status_code == 200, response.text
    assert complaints("openai-embeddings", response.content) == []


def test_vectors_of_ollama(client: httpx.Client, sdks: Sdks, script: ScriptedUpstream) -> None:
    sdks.point("ollama", script.base_url("ollama"))
    script.line_up(whole({"model": "sample-model", "embeddings": [[0.5, -1], [0.25, 2]], "prompt_eval_count": 3}))
    response = ask(client, "embeddings", input=["Hello.", "Goodbye."])
    assert response.status_code == 200, response.text
    assert complaints("openai-embeddings", response.content) == []


def test_models(client: httpx.Client, sdks: Sdks) -> None:
    sdks.play("openai-chat", "openai/chat")
    listed = client.get("models")
    assert complaints("models", listed.content) == []
    names = [model["id"] for model in listed.json()["data"]]
    assert MODEL in names
    for name in names:
        assert complaints("model", client.get(f"models/{name}").content) == []


@each_client
def test_the_gateways_own_refusals(
    client: httpx.Client, server: AppServer, sdks: Sdks, script: ScriptedUpstream, wire: str
) -> None:
    sdks.point("ollama", script.base_url("ollama"))
    path = PATHS[wire]
    check_error(client.post(path, content=b"{"), 400)
    check_error(ask(client, wire, {"authorization": "Bearer gw_live_unknown"}), 401)
    check_error(ask(client, wire, {"authorization": f"Bearer {server.add_key(models=['other'])}"}), 403)
    check_error(ask(client, wire, {"authorization": f"Bearer {server.add_key(scopes=['models'])}"}), 403)
    check_error(ask(client, wire, model="no-such-model"), 404)
    check_error(client.get("models/no-such-model"), 404)
    check_error(client.get("nowhere"), 404)
    check_error(client.get("responses/resp_nowhere"), 404)
    check_error(client.post(path, content=bytes(33 << 20)), 413)
    limited = {"authorization": f"Bearer {server.add_key(limits={'rpm': 1})}"}
    check_error(ask(client, wire, limited), 502)  # nothing is lined up
    check_error(ask(client, wire, limited), 429)


def _texts(recorded: Recording) -> list[str]:
    """As many as there are vectors in the answer."""
    question = recorded.request if isinstance(recorded.request, dict) else {}
    found = question.get("texts") or question.get("input") or question.get("requests") or ["Hello."]
    return ["Hello."] * (len(found) if isinstance(found, list) else 1)
