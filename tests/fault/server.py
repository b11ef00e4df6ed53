"""A real AnyGPT process, as a person would start it, for tests that kill it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.conftest import OWNER_EMAIL, OWNER_PASSWORD

ROOT = Path(__file__).parents[2]


class Server:
    """`anygpt serve` over a data folder; may be started again after it was killed."""

    def __init__(self, data_dir: Path, **environment: str) -> None:
        self.data_dir = data_dir
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ANYGPT_")}
        self._environment = kept | {
            "ANYGPT_DATA_DIR": str(data_dir),
            "ANYGPT_PORT": str(self.port),
            "ANYGPT_ADMIN_EMAIL": OWNER_EMAIL,
            "ANYGPT_ADMIN_PASSWORD": OWNER_PASSWORD,
            **environment,
        }
        self.output = data_dir.parent / "server.txt"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Seconds until it answered."""
        started = time.monotonic()
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "serve"],
                cwd=ROOT,
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        while time.monotonic() - started < 60:
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended at once:\n{self.output.read_text()}")
            try:
                if httpx.get(f"{self.url}/health", timeout=5, trust_env=False).status_code == 200:
                    return time.monotonic() - started
            except httpx.HTTPError:
                time.sleep(0.02)  # between two looks at a process that is starting
        raise AssertionError(f"the server did not answer within a minute:\n{self.output.read_text()}")

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(45)

    def admin(self) -> httpx.Client:
        login = {"email": OWNER_EMAIL, "password": OWNER_PASSWORD}
        answer = httpx.post(f"{self.url}/api/auth/login", json=login, timeout=30, trust_env=False)
        bearer = {"authorization": f"Bearer {answer.raise_for_status().json()['token']}"}
        return httpx.Client(base_url=self.url, headers=bearer, timeout=30, trust_env=False)

    def add_provider(self, name: str, base_url: str, priority: int = 100, model: str = "gpt-4o") -> None:
        body = {
            "name": name,
            "kind": "openai",
            "base_url": base_url,
            "api_key": "sk-test-0123456789",
            "priority": priority,
            "models": [{"id": model, "price": {"input": "2.50", "output": "10.00"}}],
        }
        with self.admin() as client:
            client.post("/api/providers", json=body).raise_for_status()

    def add_key(self, name: str = "load", **fields: object) -> str:
        with self.admin() as client:
            answer = client.post("/api/keys", json={"name": name, **fields}).raise_for_status()
            return str(answer.json()["secret"])

    def setup_link(self) -> str | None:
        found = re.search(r"http\S+/setup\?token=\S+", self.output.read_text())
        return found[0] if found else None


@contextmanager
def server(data_dir: Path, **environment: str) -> Iterator[Server]:
    running = Server(data_dir, **environment)
    try:
        yield running
    finally:
        if running.process is not None and running.process.poll() is None:
            running.process.kill()
            running.process.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
