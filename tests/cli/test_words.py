"""What the words of a command line mean, before any command runs."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli import COMMANDS, with_default
from tests.cli.conftest import Run


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        ("", "serve"),
        ("--port 9000", "serve --port 9000"),
        ("--reload --host h", "serve --reload --host h"),
        ("--data-dir d", "--data-dir d serve"),
        ("--data-dir=d --port 1", "--data-dir=d serve --port 1"),
        ("--port 1 --data-dir d", "--data-dir d serve --port 1"),
        ("serve --data-dir d", "--data-dir d serve"),
        ("user list --data-dir d --json", "--data-dir d user list --json"),
        ("--data-dir d user list", "--data-dir d user list"),
        ("key add -- --data-dir", "key add -- --data-dir"),
        ("--help", "--help"),
        ("--version", "--version"),
        ("--data-dir", "--data-dir"),
    ],
)
def test_serve_is_meant_where_no_command_is_named(words: str, meaning: str) -> None:
    assert " ".join(with_default(words.split())) == meaning


def test_every_module_of_a_command_is_named(anygpt: Run) -> None:
    folder = Path(importlib.import_module("app.commands").__path__[0])
    with_commands = {path.stem for path in folder.glob("*.py") if "commands = typer" in path.read_text("utf-8")}
    assert with_commands == set(COMMANDS)
    assert all(name in anygpt("--help").stdout for name in COMMANDS)


def test_a_command_that_does_not_exist_is_a_wrong_usage(anygpt: Run) -> None:
    result = anygpt("backup", "x")
    assert result.exit_code == 2
    assert "No such command 'backup'" in result.stderr


@pytest.mark.parametrize("words", ["user add", "user add a@b.c", "key add", "apply", "provider add p", "models list x"])
def test_missing_words_are_a_wrong_usage(anygpt: Run, words: str) -> None:
    assert anygpt(*words.split()).exit_code == 2


@pytest.mark.parametrize("option", ["--port=99999", "--port=x"])
def test_an_impossible_port_is_a_wrong_usage(anygpt: Run, option: str) -> None:
    assert anygpt(option).exit_code == 2


def test_the_version_is_printed(anygpt: Run) -> None:
    assert anygpt("--version").stdout.startswith("AnyGPT ")


def test_help_imports_none_of_the_services() -> None:
    code = """
import sys, app.cli
try:
    app.cli.commands(["--help"])
finally:
    print("sqlalchemy" in sys.modules)
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert answer.stdout.splitlines()[-1] == "False"
    assert "Commands:" in answer.stdout
