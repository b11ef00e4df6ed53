"""A steady load alone, and while a person is at the model browser and the logs: what that adds to its latency."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import orjson

from tests.bench.kernel import LOAD_CPU
from tests.bench.load import Request, run_load
from tests.bench.options import Options
from tests.bench.stage import ROOT, AnyGPT, stage
from tests.bench.throughput import CHAT, chat
from tests.bench.verdict import Verdict, quantile

RATE, ADDED_MS = 200, 30
FILL_S, CONNECTIONS = 5, 32


def person(options: Options) -> Iterator[Verdict]:
    alone: list[float] = []
    meanwhile: list[float] = []
    with stage() as scene:
        rows = _fill(scene.anygpt, options)
        print(f"{RATE} requests/s, {rows} rows in the ledger")
        for _ in range(options.visits):
            alone += _latencies(scene.anygpt, options.visit_s)
            visitor = _started("visitor", scene.anygpt.url, scene.anygpt.session, f"{options.visit_s - 1:g}")
            meanwhile += _latencies(scene.anygpt, options.visit_s)
            print(f"  {_said(visitor).strip()}")
    for title, values in (("alone", alone), ("with a person", meanwhile)):
        shares = ", ".join(f"{name} {quantile(values, share):.2f}" for name, share in (("p50", 0.5), ("p99", 0.99)))
        print(f"  {title:14} {shares}, worst {max(values):.2f} ms", flush=True)
    added = quantile(meanwhile, 0.99) - quantile(alone, 0.99)
    yield Verdict("person: added to the API's p99", added, ADDED_MS, " ms")


def _fill(anygpt: AnyGPT, options: Options) -> int:
    """Real requests until the ledger has that many rows."""
    request = Request(anygpt.url + CHAT, anygpt.key, chat())
    while (rows := int(anygpt.asked("/api/logs/summary")["requests"])) < options.rows:
        run_load(request, options.client, CONNECTIONS, FILL_S)
    return rows


def _latencies(anygpt: AnyGPT, seconds: float) -> list[float]:
    """In ms."""
    values: list[float] = orjson.loads(
        _said(_started("steady_client", anygpt.url + CHAT, anygpt.key, str(RATE), f"{seconds:g}"))
    )
    return values


def _started(module: str, *arguments: str) -> subprocess.Popen[str]:
    command = ["taskset", "-c", str(LOAD_CPU), sys.executable, "-m", f"tests.bench.{module}", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _said(process: subprocess.Popen[str]) -> str:
    said, _ = process.communicate(timeout=120)
    if process.returncode:
        raise RuntimeError(f"{process.args} ended with {process.returncode}")
    return said
