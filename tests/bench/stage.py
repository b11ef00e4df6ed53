"""The processes of a measurement: an upstream, a bare relay and an AnyGPT with everything on, each on its core."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.bench.kernel import LOAD_CPU, SERVER_CPU

ROOT = Path(__file__).parent.parent.parent
EMAIL, PASSWORD = "bench@example.org", "benchmark-1"
PRICE = {"input": "0.15", "output": "0.60"}
MODELS = ("bench", "slow")
MANY = 300  # models of a provider that is only looked at
READY_S, STOP_S = 30, 40


@dataclass(frozen=True)
class Server:
    """A process that listens on this machine's loopback."""

    name: str
    port: int
    pid: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True)
class AnyGPT(Server):
    key: str = field(repr=False)
    session: str = field(repr=False)
    tasks_file: Path

    def tasks(self) -> int:
        """asyncio's tasks in the process, counted by itself."""
        self.tasks_file.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR1)
        wait_until(self.tasks_file.exists, "AnyGPT did not count its tasks")
        return int(self.tasks_file.read_text())

    def asked(self, path: str, **query: str) -> Any:
        """What the management API says."""
        headers = {"authorization": f"Bearer {self.session}"}
        return (
            httpx.get(self.url + path, params=query, headers=headers, timeout=60, trust_env=False)
            .raise_for_status()
            .json()
        )


@dataclass(frozen=True)
class Stage:
    upstream: Server
    bare: Server
    anygpt: AnyGPT


@contextmanager
def stage(*, pieces: int = 1, slow_events: int = 1) -> Iterator[Stage]:
    """New processes over an empty folder; they end with the block."""
    with (
        tempfile.TemporaryDirectory() as folder,
        upstream(pieces=pieces, slow_events=slow_events) as provider,
        _module("bare_relay", SERVER_CPU, BENCH_UPSTREAM=provider.url) as bare,
        _anygpt(Path(folder), provider) as anygpt,
    ):
        yield Stage(provider, bare, anygpt)


@contextmanager
def upstream(*, pieces: int = 1, slow_events: int = 1) -> Iterator[Server]:
    with _module("upstream", LOAD_CPU, BENCH_PIECES=str(pieces), BENCH_SLOW_EVENTS=str(slow_events)) as server:
        yield server


@contextmanager
def _anygpt(folder: Path, provider: Server) -> Iterator[AnyGPT]:
    """With a key that has every limit and a budget."""
    port, tasks_file = _free_port(), folder / "tasks"
    environment = {
        "ANYGPT_DATA_DIR": str(folder / "data"),
        "ANYGPT_PORT": str(port),
        "ANYGPT_ADMIN_EMAIL": EMAIL,
        "ANYGPT_ADMIN_PASSWORD": PASSWORD,
        "BENCH_TASKS": str(tasks_file),
    }
    with _module("anygpt_server", SERVER_CPU, port, **environment) as server:
        session, key = _set_up(server, provider)
        yield AnyGPT("anygpt", server.port, server.pid, key, session, tasks_file)


def _set_up(server: Server, provider: Server) -> tuple[str, str]:
    """Providers and a key; returns a session's token and the key's secret."""
    with httpx.Client(base_url=server.url, timeout=60, trust_env=False) as client:
        login = {"email": EMAIL, "password": PASSWORD}
        session: str = client.post("/api/auth/login", json=login).raise_for_status().json()["token"]
        client.headers["authorization"] = f"Bearer {session}"
        for name, models in (("bench", MODELS), ("many", [f"model-{number}" for number in range(MANY)])):
            added = {
                "name": name,
                "kind": "openai",
                "base_url": f"{provider.url}/v1",
                "api_key": "sk-benchmark-key",
                "models": [{"id": model, "price": PRICE} for model in models],
            }
            client.post("/api/providers", json=added).raise_for_status()
        key = {
            "name": "bench",
            "limits": {"rps": 1_000_000, "rpm": 60_000_000, "tpm": 1_000_000_000, "concurrent": 10_000},
            "budgets": [{"usd": "1000000", "window": "day"}],
        }
        return session, client.post("/api/keys", json=key).raise_for_status().json()["secret"]


@contextmanager
def _module(name: str, cpu: int, port: int | None = None, **environment: str) -> Iterator[Server]:
    port = port or _free_port()
    # taskset becomes the program it starts, so its process is the server's
    started = subprocess.Popen(
        ["taskset", "-c", str(cpu), sys.executable, "-m", f"tests.bench.{name}", str(port)],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: _listens(port), f"{name} does not listen")
        yield Server(name, port, started.pid)
    finally:
        started.terminate()
        started.wait(STOP_S)


def wait_until(true: Callable[[], bool], otherwise: str, seconds: float = READY_S) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise RuntimeError(f"{otherwise} within {seconds:g} s")
        time.sleep(0.05)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
