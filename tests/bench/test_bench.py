"""The benchmark runs and notices what it is there to notice; nothing here is judged by its time."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys

import pytest

from tests.bench.slow_client import watch
from tests.bench.stage import ROOT, upstream
from tests.bench.steady_client import Asker
from tests.bench.verdict import Verdict, quantile

pytestmark = pytest.mark.skipif(shutil.which("taskset") is None, reason="the benchmark needs taskset, of util-linux")


def bench(*options: str) -> str:
    command = [sys.executable, "-m", "tests.bench", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_smallest_cell_prints_both_servers_and_a_verdict() -> None:
    lines = bench("--only", "whole, 1 conn", "--seconds", "0.5", "--rounds", "1", "--client", "own").splitlines()
    [bare] = [line.split() for line in lines if line.startswith("whole, 1 conn")]
    [anygpt] = [line.split() for line in lines if line.lstrip().startswith("anygpt")]
    rate, p50, p99, cpu, memory, errors, busy, idle = anygpt[1:]
    assert bare[3] == "bare"
    assert float(rate) > 0
    assert 0 < float(p50) <= float(p99)
    assert float(cpu) > 0
    assert float(memory) > 20
    assert errors == "0"
    assert busy.endswith("%")
    assert idle.endswith("%")
    assert any("p50 over the bare relay's" in line and "at most 0.6 ms" in line for line in lines)
    assert lines[-1].split(" limits met")[0] in ("0 of 1", "1 of 1")


def test_a_part_that_does_not_exist_is_refused_with_those_that_do() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--only", "speed"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert "slow streams; endurance; person" in done.stderr


async def test_slow_streams_are_counted_event_by_event() -> None:
    with upstream(slow_events=3) as server:
        found = await watch(f"{server.url}/v1/chat/completions", "key", streams=4, events=3)
    assert (found.events, found.lost) == (12, 0)
    assert 0 <= found.p50_ms <= found.p99_ms <= found.worst_ms


async def test_a_slow_stream_that_lacks_an_event_is_lost() -> None:
    with upstream(slow_events=2) as server:
        found = await watch(f"{server.url}/v1/chat/completions", "key", streams=4, events=3)
    assert (found.events, found.lost) == (8, 4)


async def test_a_steady_load_asks_as_often_as_it_says() -> None:
    with upstream() as server:
        asker = Asker(f"{server.url}/v1/chat/completions", "key")
        await asker.ask(100, 0.3)
    assert len(asker.latencies) == 30


def test_a_limit_that_is_just_reached_is_kept() -> None:
    assert Verdict("rate", 0.65, 0.65, at_least=True).met
    assert not Verdict("rate", 0.64, 0.65, at_least=True).met
    assert Verdict("memory", 300, 300, " MB").met
    assert str(Verdict("memory", 301, 300, " MB", digits=0)) == "  memory: 301 MB (at most 300 MB): NOT met"


def test_a_figure_that_could_not_be_taken_meets_no_limit() -> None:
    assert not Verdict("delay", math.nan, 50).met
    assert not Verdict("rate", math.nan, 0.8, at_least=True).met


def test_a_quantile_is_one_of_the_values() -> None:
    values = [float(number) for number in range(100, 0, -1)]
    assert (quantile(values, 0.5), quantile(values, 0.99), quantile([7.0], 0.99)) == (50, 99, 7)
    assert math.isnan(quantile([], 0.5))
