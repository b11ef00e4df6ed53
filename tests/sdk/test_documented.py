"""The examples of docs/clients.md run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.app_server import AppServer

TEXT = (Path(__file__).parents[2] / "docs" / "clients.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8080"
ELSEWHERE = "langchain"  # tests/clients has an environment with it


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def here(block: str, server: AppServer) -> str:
    assert ADDRESS in block
    return block.replace(ADDRESS, server.url).replace("gw_live_…", server.key)


@pytest.mark.parametrize(
    "block", [block for block in blocks("python") if ELSEWHERE not in block], ids=lambda block: block.split()[1]
)
def test_the_examples_run(
    block: str, server: AppServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    exec(compile(here(block, server), "docs/clients.md", "exec"), {})
    assert "demo model" in capsys.readouterr().out


@pytest.mark.parametrize(
    "variables",
    [
        {"OPENAI_BASE_URL": "/v1", "OPENAI_API_KEY": None},
        {"ANTHROPIC_BASE_URL": "", "ANTHROPIC_API_KEY": None},
        {"GOOGLE_GEMINI_BASE_URL": "", "GEMINI_API_KEY": None},
    ],
    ids=lambda variables: next(iter(variables)),
)
def test_the_variables_do_without_a_change(
    variables: dict[str, str | None],
    server: AppServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each example again, with nothing in it of where and with which key."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name, ending in variables.items():
        assert f"`{name}`" in TEXT
        monkeypatch.setenv(name, server.key if ending is None else server.url + ending)
    word = next(iter(variables)).partition("_")[0].lower()
    (block,) = (block for block in blocks("python") if block.startswith(f"from {word}"))
    bare = re.sub(r'(base_url|api_key)="[^"]*"(, )?', "", block)
    assert ADDRESS not in bare
    exec(compile(bare, "docs/clients.md", "exec"), {})
    assert "demo model" in capsys.readouterr().out
