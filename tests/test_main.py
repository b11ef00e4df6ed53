"""The whole application: what lies outside every page and endpoint, and what a log never holds."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fault.server import ROOT, Server, server


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server(tmp_path_factory.mktemp("main") / "data") as started:
        started.start()
        yield started


def test_an_unknown_endpoint_is_a_problem_document(running: Server) -> None:
    answer = httpx.get(f"{running.url}/api/nothing", trust_env=False)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "/api/docs lists them" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/keys", "GET, POST"),
        ("POST", "/api/routers/default", "DELETE, GET, PUT"),
        ("PUT", "/api/auth/login", "POST"),
    ],
)
def test_a_method_that_an_endpoint_lacks_is_said(running: Server, method: str, path: str, allowed: str) -> None:
    answer = httpx.request(method, running.url + path, trust_env=False)
    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize(
    "path", ["/", "/chat", "/nothing", "/login/more", "/auth/other", "/_nicegui/none", "/static/x"]
)
def test_nobody_without_a_session_meets_a_server_error_or_a_page(running: Server, path: str) -> None:
    answer = httpx.get(running.url + path, trust_env=False)
    assert answer.status_code < 500
    assert "Ada" not in answer.text


def test_the_pages_of_the_api_need_no_other_host(running: Server) -> None:
    text = httpx.get(f"{running.url}/api/docs", trust_env=False).text
    assert "/api/providers" in text
    assert "https://" not in text.replace("https://host", "")


def test_without_pages_an_address_is_not_found_rather_than_a_log_in(tmp_path: Path) -> None:
    with server(tmp_path / "data", ANYGPT_ENABLE_UI_ROUTES="false") as bare:
        bare.start()
        assert httpx.get(f"{bare.url}/", trust_env=False).status_code == 404
        assert httpx.get(f"{bare.url}/health", trust_env=False).status_code == 200


@pytest.mark.parametrize("style", ["text", "json"])
def test_a_traceback_in_the_log_holds_no_local_variable(style: str) -> None:
    script = (
        "import logging, structlog; from app.core.log import set_up_logging; set_up_logging('info', "
        f"'{style}')\n"
        "def fail(secret):\n    raise RuntimeError('what went wrong')\n"
        "try:\n    fail('gw_live_' + 'very-secret')\n"
        "except RuntimeError:\n"
        "    logging.getLogger('uvicorn.error').exception('in the server')\n"
        "    structlog.get_logger().exception('in the product')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, env=dict(os.environ), timeout=60
    )
    assert done.stderr.count("what went wrong") >= 2
    assert "gw_live_very-secret" not in done.stderr
