"""Many slow streams at once: how much later each event is, how much memory they take, whether one is lost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import orjson

from tests.bench.kernel import LOAD_CPU, cpu_seconds, rss_mb
from tests.bench.options import Options
from tests.bench.slow_client import Delays
from tests.bench.stage import ROOT, Server, stage
from tests.bench.verdict import Verdict

LATER_MS, MOST_MB = 50, 300


def slow_streams(options: Options) -> Iterator[Verdict]:
    print(f"{options.streams} streams, an event per 100 ms each, for {options.slow_events / 10:g} s")
    with stage(slow_events=options.slow_events) as scene:
        bare, _ = _watched(scene.bare, scene.anygpt.key, options)
        ours, memory = _watched(scene.anygpt, scene.anygpt.key, options)
    worst = f"worst event {ours.worst_ms:.0f} ms, the bare relay's {bare.worst_ms:.0f} ms"
    name = "slow streams"
    yield Verdict(f"{name}: p99 over the bare relay's", ours.p99_ms - bare.p99_ms, LATER_MS, " ms", note=worst)
    yield Verdict(f"{name}: memory", memory, MOST_MB, " MB", digits=0)
    yield Verdict(f"{name}: lost", ours.lost, 0, digits=0, note=f"by the bare relay {bare.lost}")


def _watched(server: Server, key: str, options: Options) -> tuple[Delays, float]:
    """What the client saw, and the most memory the server took meanwhile, in MB."""
    url = f"{server.url}/v1/chat/completions"
    numbers = [str(options.streams), str(options.slow_events)]
    command = [sys.executable, "-m", "tests.bench.slow_client", url, key, *numbers]
    before, most = cpu_seconds(server.pid), 0.0
    with subprocess.Popen(["taskset", "-c", str(LOAD_CPU), *command], cwd=ROOT, stdout=subprocess.PIPE) as client:
        while client.poll() is None:
            most = max(most, rss_mb(server.pid))
            try:
                client.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
        assert client.stdout is not None
        found = Delays(**orjson.loads(client.stdout.read()))
    spent = cpu_seconds(server.pid) - before
    print(
        f"  {server.name:10} p50 {found.p50_ms:.1f} ms, p99 {found.p99_ms:.1f} ms "
        f"({found.steady_p99_ms:.1f} while none begins or ends), {found.events} events, "
        f"{spent / max(found.events, 1) * 1e6:.0f} µs CPU per event, {most:.0f} MB, {found.lost} lost",
        flush=True,
    )
    return found, most
