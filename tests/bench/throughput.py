"""Requests per second, latency and processor time of both servers, loaded in turn; what is translated as well."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from tests.bench.kernel import cpu_seconds, load_idle, rss_mb
from tests.bench.load import Load, Request, run_load
from tests.bench.options import Options
from tests.bench.stage import Server, Stage, stage
from tests.bench.verdict import Verdict

QUESTION = [{"role": "user", "content": "Say twenty words. " * 10}]
MESSAGES = [{"role": "system", "content": "You are brief."}, *QUESTION]
CHAT, ANTHROPIC = "/v1/chat/completions", "/v1/messages"
FULL = 0.95  # a core that is busy for more of the time has as much to do as it can


@dataclass(frozen=True)
class Cell:
    """One load. AnyGPT may be asked otherwise than the bare relay: in another format."""

    name: str
    connections: int
    body: dict[str, Any]
    path: str = CHAT
    bare_body: dict[str, Any] | None = None
    ratio: float | None = None  # of the bare relay's requests per second, at least
    added_ms: float | None = None  # to its median latency, at most


def chat(**options: Any) -> dict[str, Any]:
    return {"model": "bench", **options, "messages": MESSAGES}


STREAM = chat(stream=True)
USAGE = chat(stream=True, stream_options={"include_usage": True})
TRANSLATED = {"model": "bench", "max_tokens": 1000, "stream": True, "system": "You are brief.", "messages": QUESTION}
CELLS = (
    Cell("whole, 1 conn", 1, chat(), added_ms=0.6),
    Cell("whole, 32 conn", 32, chat(), ratio=0.65),
    Cell("stream 100, 1 conn", 1, STREAM, added_ms=0.6),
    Cell("stream 100, 32 conn", 32, STREAM, ratio=0.80),
    Cell("stream 100 + usage, 32 conn", 32, USAGE, ratio=0.80),
    Cell("translated stream, 32 conn", 32, TRANSLATED, ANTHROPIC, bare_body=STREAM, ratio=0.35),
)


@dataclass(frozen=True)
class Measured:
    load: Load
    cpu_per_1000: float
    rss_mb: float
    busy: float  # the server: processor time per second
    load_idle: float  # the load's core


Rounds = list[tuple[Measured, Measured]]  # of the bare relay, of AnyGPT


def measure_cells(cells: Iterable[Cell], options: Options) -> Iterator[Verdict]:
    print(
        f"{'':29}{'server':8}{'req/s':>8}{'p50 ms':>8}{'p99 ms':>8}{'CPU s/1000':>12}"
        f"{'RSS MB':>8}{'errors':>8}{'busy':>6}{'load idle':>11}"
    )
    with stage(pieces=options.pieces) as scene:
        for cell in cells:
            rounds = [_round(cell, scene, options, number) for number in range(options.rounds)]
            for place, name in enumerate(("bare", "anygpt")):
                print(_row(cell.name if place == 0 else "", name, [pair[place] for pair in rounds]), flush=True)
            yield _verdict(cell, rounds)


def _round(cell: Cell, scene: Stage, options: Options, number: int) -> tuple[Measured, Measured]:
    """Who is first changes from round to round, so that a machine that grows slower is nobody's gain."""
    bare = Request(scene.bare.url + CHAT, scene.anygpt.key, cell.bare_body or cell.body)
    anygpt = Request(scene.anygpt.url + cell.path, scene.anygpt.key, cell.body)
    if number % 2 == 0:
        before = _measure(scene.bare, bare, cell, options)
        return before, _measure(scene.anygpt, anygpt, cell, options)
    ours = _measure(scene.anygpt, anygpt, cell, options)
    return _measure(scene.bare, bare, cell, options), ours


def _measure(server: Server, request: Request, cell: Cell, options: Options) -> Measured:
    _check(request)
    before, started = cpu_seconds(server.pid), time.perf_counter()
    with load_idle() as idle:
        load = run_load(request, options.client, cell.connections, options.seconds)
    spent, elapsed = cpu_seconds(server.pid) - before, time.perf_counter() - started
    per_1000 = spent / max(load.requests, 1) * 1000
    return Measured(load, per_1000, rss_mb(server.pid), spent / elapsed, idle.share)


def _check(request: Request) -> None:
    """wrk looks at the status only; a server that answers wrongly would look fast."""
    answer = httpx.post(request.url, content=request.body, headers=request.headers, timeout=20, trust_env=False)
    if answer.status_code != 200 or not request.is_whole(answer.content):
        raise RuntimeError(f"{request.url} answered {answer.status_code}: {answer.text[-300:]}")


def _row(title: str, server: str, rounds: list[Measured]) -> str:
    def middle(of: Callable[[Measured], float]) -> float:
        return statistics.median(map(of, rounds))

    return (
        f"{title:29}{server:8}{middle(lambda m: m.load.rate):8.0f}{middle(lambda m: m.load.p50_ms):8.2f}"
        f"{middle(lambda m: m.load.p99_ms):8.2f}{middle(lambda m: m.cpu_per_1000):12.3f}"
        f"{middle(lambda m: m.rss_mb):8.0f}{sum(m.load.errors for m in rounds):8}"
        f"{middle(lambda m: m.busy):6.0%}{middle(lambda m: m.load_idle):11.0%}"
    )


def _verdict(cell: Cell, rounds: Rounds) -> Verdict:
    rate = statistics.median(ours.load.rate / bare.load.rate for bare, ours in rounds)
    cpu = statistics.median(bare.cpu_per_1000 / max(ours.cpu_per_1000, 1e-6) for bare, ours in rounds)
    if cell.added_ms is not None:
        added = statistics.median(ours.load.p50_ms - bare.load.p50_ms for bare, ours in rounds)
        note = f"{rate:.2f} of its requests/s, {cpu:.2f} per CPU second"
        return Verdict(f"{cell.name}: p50 over the bare relay's", added, cell.added_ms, " ms", note=note)
    assert cell.ratio is not None
    note = f"{cpu:.2f} per CPU second"
    for name, place in (("the bare relay", 0), ("AnyGPT", 1)):
        busy = statistics.median(pair[place].busy for pair in rounds)
        if busy < FULL and statistics.median(pair[place].load_idle for pair in rounds) < 1 - FULL:
            note += f"; {name} was {busy:.0%} busy, for the load's core was full"
    return Verdict(f"{cell.name}: of the bare relay's requests/s", rate, cell.ratio, at_least=True, note=note)
