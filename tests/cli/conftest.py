"""Runs commands on a data folder of the test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner, Result

from app.cli import commands

Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def anygpt(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """`anygpt(…words, input=…)` in this process; nothing of the machine's own settings comes in."""
    for name in [name for name in os.environ if name.startswith("ANYGPT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ANYGPT_DATA_DIR", str(folder))

    def run(*words: str, input: str | None = None) -> Result:
        return CliRunner().invoke(commands, list(words), input=input, prog_name="anygpt")

    yield run
    structlog.reset_defaults()


@pytest.fixture
def process(folder: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`process(…words)` as a process of its own, ended with the test."""
    started: list[subprocess.Popen[str]] = []
    root = Path(__file__).parents[2]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANYGPT_")}

    def start(*words: str, **variables: str) -> subprocess.Popen[str]:
        running = subprocess.Popen(
            [sys.executable, "-m", "app.cli", *words],
            cwd=root,
            env=environment | {"ANYGPT_DATA_DIR": str(folder)} | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(running)
        return running

    yield start
    for running in started:
        if running.poll() is None:
            running.terminate()
            try:
                running.wait(timeout=20)
            except subprocess.TimeoutExpired:
                running.kill()
        running.communicate()
