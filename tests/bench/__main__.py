"""Loads a bare relay and AnyGPT in turn and prints a table with the ratios.

Both servers run on the first core, upstream and load on the second. AnyGPT has everything on: key, limits, budget,
plan and a ledger row committed before each answer ends. Nothing but this machine's loopback is loaded, for a bounded
time. Options: --seconds N (each cell, default 4), --rounds N (default 3; the median counts), --client own|wrk.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.bench.load import Load, run_client, run_wrk, wrk_is_here

ROOT = Path(__file__).parent.parent.parent
SERVER_CPU, LOAD_CPU = 0, min(1, (os.cpu_count() or 1) - 1)
MESSAGES = [{"role": "system", "content": "You are brief."}, {"role": "user", "content": "Say twenty words. " * 10}]


@dataclass(frozen=True)
class Cell:
    name: str
    body: dict[str, object]
    connections: int


CELLS = [
    Cell(f"{kind}, {connections} conn", {"model": "bench", **options, "messages": MESSAGES}, connections)
    for kind, options in (
        ("whole", {}),
        ("stream 100", {"stream": True}),
        ("stream 100 + usage", {"stream": True, "stream_options": {"include_usage": True}}),
    )
    for connections in (1, 32)
]


@dataclass(frozen=True)
class Measured:
    load: Load
    cpu_per_1000: float
    rss_mb: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--client", choices=("wrk", "own"), default="wrk" if wrk_is_here() else "own")
    parser.add_argument("--only", default="", help="cells whose name holds this")
    options = parser.parse_args()
    upstream_port, relay_port, anygpt_port = free_port(), free_port(), free_port()
    with (
        tempfile.TemporaryDirectory() as folder,
        process("tests.bench.upstream", upstream_port, LOAD_CPU),
        process("tests.bench.bare_relay", relay_port, SERVER_CPU, BENCH_UPSTREAM=f"http://127.0.0.1:{upstream_port}"),
        anygpt(Path(folder), anygpt_port, upstream_port) as (anygpt_process, key),
    ):
        relay_pid = _pid_of("tests.bench.bare_relay", relay_port)
        print(f"client {options.client}, {options.rounds} rounds of {options.seconds:g} s, medians\n")
        print(
            f"{'':24}{'server':8}{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}"
            f"{'CPU s/1000':>12}{'RSS MB':>8}{'errors':>8}{'ratio':>8}"
        )
        for cell in CELLS:
            if options.only not in cell.name:
                continue
            rows: dict[str, list[Measured]] = {"bare": [], "anygpt": []}
            for _ in range(options.rounds):
                for name, port, pid in (("bare", relay_port, relay_pid), ("anygpt", anygpt_port, anygpt_process.pid)):
                    rows[name].append(measure(cell, port, pid, key, options.seconds, options.client))
            report(cell, rows)


def report(cell: Cell, rows: dict[str, list[Measured]]) -> None:
    ratio = statistics.median(
        ours.load.rate / theirs.load.rate for ours, theirs in zip(rows["anygpt"], rows["bare"], strict=True)
    )
    for name, measured in rows.items():

        def middle(values: Iterator[float]) -> float:
            return statistics.median(values)

        print(
            f"{cell.name if name == 'bare' else '':24}{name:8}"
            f"{middle(m.load.rate for m in measured):9.0f}"
            f"{middle(m.load.p50_ms for m in measured):9.2f}"
            f"{middle(m.load.p99_ms for m in measured):9.2f}"
            f"{middle(m.cpu_per_1000 for m in measured):12.3f}"
            f"{middle(m.rss_mb for m in measured):8.0f}"
            f"{sum(m.load.errors for m in measured):8}"
            f"{'' if name == 'bare' else f'{ratio:8.2f}'}",
            flush=True,
        )


def measure(cell: Cell, port: int, pid: int, key: str, seconds: float, client: str) -> Measured:
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    before = cpu_seconds(pid)
    if client == "wrk":
        load = run_wrk(url, key, cell.body, cell.connections, seconds, LOAD_CPU)
    else:
        load = asyncio.run(run_client(url, key, cell.body, cell.connections, seconds))
    return Measured(load, (cpu_seconds(pid) - before) / max(load.requests, 1) * 1000, rss_mb(pid))


@contextmanager
def anygpt(folder: Path, port: int, upstream_port: int) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A server of its own with a key that has every limit and a budget."""
    environment = {
        "ANYGPT_DATA_DIR": str(folder / "data"),
        "ANYGPT_PORT": str(port),
        "ANYGPT_ADMIN_EMAIL": "bench@example.org",
        "ANYGPT_ADMIN_PASSWORD": "benchmark-1",
    }
    started = pinned(
        [
            sys.executable,
            "-c",
            "from app.core.settings import load_settings; from app.main import serve; serve(load_settings())",
        ],
        SERVER_CPU,
        environment,
    )
    try:
        wait_for(port)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            login = {"email": "bench@example.org", "password": "benchmark-1"}
            token = client.post("/api/auth/login", json=login).json()["token"]
            client.headers["authorization"] = f"Bearer {token}"
            provider = {
                "name": "bench",
                "kind": "openai",
                "base_url": f"http://127.0.0.1:{upstream_port}/v1",
                "api_key": "sk-benchmark-key",
                "models": [{"id": "bench", "price": {"input": "0.15", "output": "0.60"}}],
            }
            client.post("/api/providers", json=provider).raise_for_status()
            key = {
                "name": "bench",
                "limits": {"rps": 1_000_000, "rpm": 60_000_000, "tpm": 1_000_000_000, "concurrent": 10_000},
                "budgets": [{"usd": "1000000", "window": "day"}],
            }
            secret = client.post("/api/keys", json=key).raise_for_status().json()["secret"]
        yield started, secret
    finally:
        started.send_signal(signal.SIGTERM)
        started.wait(40)


@contextmanager
def process(module: str, port: int, cpu: int, **environment: str) -> Iterator[None]:
    started = pinned([sys.executable, "-m", module, str(port)], cpu, environment)
    try:
        wait_for(port)
        yield
    finally:
        started.terminate()
        started.wait(10)


def pinned(command: list[str], cpu: int, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["taskset", "-c", str(cpu), *command],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=None,
    )


def wait_for(port: int) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _pid_of(module: str, port: int) -> int:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if module.encode() in command and str(port).encode() in command:
                return int(entry.name)
    raise RuntimeError(f"{module} does not run")


if __name__ == "__main__":
    main()
