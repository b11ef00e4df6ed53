"""docs/api.md has every path of both APIs with what it needs, and its examples work as they stand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import app.api.management
import app.api.management.access
from app.api.gateway.routes import GEMINI_VERBS, Routes
from app.api.management.access import ACCESS
from app.core.discover import modules
from app.core.errors import AnyGPTError, ClientError, Conflict, RequestRefused, Unavailable
from app.core.settings import Settings
from app.formats.registry import CLIENT_FORMATS
from tests.app_server import OWNER, PASSWORD, AppServer, running_app

modules(app.api.management)  # an endpoint is in ACCESS once its module was imported

TEXT = (Path(__file__).parent.parent / "docs" / "api.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `((?:GET|POST|PUT|DELETE) /\S+)` \| (.+?) \|", TEXT, re.MULTILINE))
ENDPOINTS = sorted(ACCESS)
ADDRESS = "http://127.0.0.1:8080"
HTTP_METHODS = ("get", "post", "put", "delete", "patch")
PREFIXES = ("/groq/openai", "/openai", "/anthropic", "/gemini")  # what stands behind them is documented once
NAMED = {("GET", f"{start}/models/{{id}}") for start in ("/v1", "/v1beta")}
NAMED |= {("GET", "/v1/responses/{id}"), ("DELETE", "/v1/responses/{id}")}
NAMED |= {("POST", f"/v1beta/models/{{model}}:{verb}") for verb in GEMINI_VERBS}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def gateway_paths() -> set[tuple[str, str]]:
    """Every address of the gateway as it is without a prefix; those with a name in them are in NAMED."""
    routes = Routes(Settings())
    found = {("POST", path) for path in routes.posts} | {("GET", path) for path in routes.gets}
    return NAMED | {(method, _without_prefix(path)) for method, path in found}


def _without_prefix(path: str) -> str:
    return next((path.removeprefix(prefix) for prefix in PREFIXES if path.startswith(prefix + "/")), path)


def errors_of_the_gateway() -> set[type[AnyGPTError]]:
    """What a request may end with; a conflict is for those who manage."""
    found: set[type[AnyGPTError]] = set()
    for root in (ClientError, Unavailable, RequestRefused):
        found |= {root, *root.__subclasses__()} | {
            kind for each in root.__subclasses__() for kind in each.__subclasses__()
        }
    return found - {Conflict}


def documented() -> set[tuple[str, str]]:
    return {(method, path) for method, path in (row.split(" ", 1) for row in ROWS)}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    with running_app(tmp_path_factory.mktemp("app")) as started:
        yield started


def ask(server: AppServer, method: str, path: str, **options: object) -> httpx.Response:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=20) as client:
        return client.request(method, path, **options)  # type: ignore[arg-type]


def test_every_path_of_the_gateway_is_documented_and_no_other() -> None:
    assert len(gateway_paths()) > 20
    assert gateway_paths() == {each for each in documented() if not each[1].startswith("/api/")}


def test_every_prefix_of_the_gateway_is_documented_with_its_switch() -> None:
    switches = {name for name in Settings.model_fields if re.fullmatch(r"enable_(?!admin|ui)\w+_routes", name)}
    rows = [line for line in TEXT.splitlines() if line.startswith("| ") and "`ANYGPT_ENABLE_" in line]
    assert {name for name in switches if any(f"ANYGPT_{name.upper()}" in row for row in rows)} == switches
    assert all(any(f"`{prefix}`" in row for row in rows) for prefix in PREFIXES)


@pytest.mark.parametrize("row", [row for row in ROWS if " /api/" not in row])
def test_every_documented_path_of_the_gateway_is_there(row: str, server: AppServer) -> None:
    method, path = row.split(" ")
    asked = path.replace("{id}", "demo/chat").replace("{model}", "demo/chat")
    answer = ask(server, method, asked, headers={"authorization": f"Bearer {server.key}"})
    said = answer.json().get("error") or {}
    assert "There is nothing at" not in said.get("message", ""), said
    without = ask(server, method, asked)
    assert (without.status_code == 401) == (ROWS[row] != "none")


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=" ".join)
def test_every_management_endpoint_is_documented_with_what_it_needs(endpoint: tuple[str, str]) -> None:
    assert ROWS.get(" ".join(endpoint)) == str(ACCESS[endpoint])


def test_no_management_endpoint_is_documented_that_does_not_exist() -> None:
    assert {each for each in documented() if each[1].startswith("/api/")} == set(ENDPOINTS)


def test_the_openapi_document_has_the_endpoints_that_have_a_permission_and_no_others(server: AppServer) -> None:
    paths = ask(server, "GET", "/api/openapi.json").json()["paths"]
    described = {(method.upper(), path) for path, item in paths.items() for method in item if method in HTTP_METHODS}
    assert described == set(ENDPOINTS)


def test_the_page_of_the_management_api_shows_every_endpoint(server: AppServer) -> None:
    page = ask(server, "GET", "/api/docs")
    shown = re.findall(r"<h3><span[^>]*>([A-Z]+)</span> <code>([^<]+)</code></h3>", page.text)
    assert sorted(shown) == ENDPOINTS
    assert "<script" not in page.text


def test_every_writing_endpoint_that_takes_a_body_has_an_example(server: AppServer) -> None:
    paths = ask(server, "GET", "/api/openapi.json").json()["paths"]
    taking = {
        (method.upper(), path) for path, item in paths.items() for method in item if "requestBody" in item[method]
    }
    for method, path in taking:
        pattern = re.sub(r"\\{\w+\\}", "[^/\n]+", re.escape(path))
        assert any(re.match(rf"{method} {pattern}\n", block) for block in blocks("http")), (method, path)


def test_every_list_comes_in_pages(server: AppServer) -> None:
    token = ask(server, "POST", "/api/auth/login", json={"email": OWNER, "password": PASSWORD}).json()["token"]
    paged = set()
    for method, path in ENDPOINTS:
        if method == "GET" and "{" not in path:
            answer = ask(server, "GET", f"{path}?limit=1", headers={"authorization": f"Bearer {token}"}).json()
            if "items" in answer:
                paged.add(path)
                assert len(answer["items"]) <= 1, path
                assert (answer["total"] is None) == (path in ("/api/logs", "/api/audit")), path
    assert len(paged) > 5


def test_the_examples_of_the_management_api_work_one_after_the_other(server: AppServer) -> None:
    token = ask(server, "POST", "/api/auth/login", json={"email": OWNER, "password": PASSWORD}).json()["token"]
    for block in blocks("http"):
        request, body = block.split("\n", 1)
        method, path = request.split(" ")
        answer = ask(server, method, path, json=json.loads(body), headers={"authorization": f"Bearer {token}"})
        assert answer.status_code in (200, 201, 202), (request, answer.text)


@pytest.mark.parametrize("block", blocks("python"), ids=lambda block: block.split()[1])
def test_the_examples_in_python_run(
    block: str, server: AppServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert ADDRESS in block
    exec(compile(block.replace(ADDRESS, server.url).replace("gw_live_…", server.key), "docs/api.md", "exec"), {})
    assert "demo model" in capsys.readouterr().out


@pytest.mark.parametrize("block", blocks("json"), ids=lambda block: block[:30])
def test_every_body_that_is_shown_is_json(block: str) -> None:
    assert json.loads(block)


def test_what_is_shown_of_a_key_has_the_fields_it_has(server: AppServer) -> None:
    key = server.add_key(budgets=[{"usd": "5.00", "window": "day"}], limits={"rpm": 60})
    real = ask(server, "GET", "/v1/key", headers={"x-api-key": key}).json()
    [shown] = [value for value in map(json.loads, blocks("json")) if "limits_remaining" in value]
    assert list(shown) == list(real)
    assert list(shown["budgets"][0]) == list(real["budgets"][0])


def test_what_is_shown_of_the_metadata_has_the_fields_it_has(server: AppServer) -> None:
    headers = {"x-api-key": server.key, "x-anygpt-metadata": "enabled"}
    question = {"model": "demo/echo", "messages": [{"role": "user", "content": "Hello"}]}
    real = ask(server, "POST", "/v1/chat/completions", json=question, headers=headers).json()["anygpt"]
    [shown] = [value for value in map(json.loads, blocks("json")) if "request_id" in value]
    assert list(shown) == list(real)
    assert list(shown["attempts"][0]) == list(real["attempts"][0])


def test_the_errors_that_are_shown_are_the_real_ones(server: AppServer) -> None:
    said = [{"role": "user", "content": "Hello"}]
    question = {"model": "gpt-9", "max_tokens": 5, "messages": said, "contents": [{"parts": [{"text": "Hello"}]}]}
    shown = [value for value in map(json.loads, blocks("json")) if "error" in value]
    real = [
        ask(server, "POST", path, json=question, headers={"x-api-key": server.key}).json()
        for path in ("/v1/chat/completions", "/v1/messages", "/v1beta/models/gpt-9:generateContent")
    ]
    assert shown == real


@pytest.mark.parametrize(
    ("status", "openai", "anthropic", "google"),
    re.findall(r"^\| (\d.*?) \| `(\w+)` \| `(\w+)` \| `(\w+)` \|$", TEXT, re.MULTILINE),
)
def test_the_types_of_errors_are_those_in_force(status: str, openai: str, anthropic: str, google: str) -> None:
    for number in status.split(", "):
        error = AnyGPTError("What failed.")
        error.status = int(number)
        assert json.loads(CLIENT_FORMATS["openai-chat"].encode_error(error))["error"]["type"] == openai
        assert json.loads(CLIENT_FORMATS["anthropic-messages"].encode_error(error))["error"]["type"] == anthropic
        assert json.loads(CLIENT_FORMATS["gemini"].encode_error(error))["error"]["status"] == google


@pytest.mark.parametrize("error", sorted(errors_of_the_gateway(), key=lambda error: error.__name__))
def test_every_code_that_a_client_of_the_gateway_can_see_is_documented(error: type[AnyGPTError]) -> None:
    status = error("What failed.").status
    rows = [line for line in TEXT.splitlines() if re.match(r"\| \d{3} \| `", line)]
    assert any(line.startswith(f"| {status} |") and f"`{error.code}`" in line for line in rows)
