"""Very many requests: whether memory grows, and whether open files and tasks return to what they were."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx

from app.db.engine import READERS
from tests.bench.kernel import open_files, rss_mb
from tests.bench.load import Request, run_load
from tests.bench.options import Options
from tests.bench.stage import AnyGPT, Stage, stage
from tests.bench.throughput import ANTHROPIC, CHAT, QUESTION, chat
from tests.bench.verdict import Verdict

CONNECTIONS = 32
FIRST = 0.1  # of the requests warm up what is kept per request for good
GROWTH = 3.0  # percent
SETTLE_S, SLICE_S, RETURN_S = 2.0, 20, 15.0


def endurance(options: Options) -> Iterator[Verdict]:
    with stage() as scene:
        anygpt = scene.anygpt
        _serve(scene, options, 1)
        _load_what_comes_once(anygpt)
        files, tasks = _at_rest(scene)
        print(
            f"{options.requests} requests at {CONNECTIONS} connections; at the start {files.total()} files, {tasks} tasks"
        )
        served = _serve(scene, options, round(options.requests * FIRST))
        early = _memory(anygpt)
        first = served
        served += _serve(scene, options, options.requests - served)
        late = _memory(anygpt)
        rows = anygpt.asked("/api/logs/summary")["requests"]
        files_left, tasks_left = _returned(scene, files, tasks)
    print(f"  {rows} rows in the ledger")
    name = "endurance"
    note = f"{early:.1f} MB after {first}, {late:.1f} MB after {served} requests"
    yield Verdict(f"{name}: memory grows by", (late / early - 1) * 100, GROWTH, " %", note=note)
    added = ", ".join(f"{number} {file}" for file, number in (files_left - files).items())
    note = f"added {added}" if added else ""
    yield Verdict(f"{name}: open files", files_left.total(), files.total(), digits=0, note=note)
    yield Verdict(f"{name}: tasks", tasks_left, tasks, digits=0)
    yield Verdict(f"{name}: requests that are not in the ledger", max(served - rows, 0), 0, digits=0)


def _serve(scene: Stage, options: Options, wanted: int) -> int:
    """At least so many requests; how many it were. A load lasts whole seconds, so it stops a little late."""
    request = Request(scene.anygpt.url + CHAT, scene.anygpt.key, chat())
    served, rate = 0, float(wanted)
    while served < wanted:
        seconds = min(max(math.ceil((wanted - served) / max(rate, 1)), 1), SLICE_S)
        load = run_load(request, options.client, CONNECTIONS, seconds)
        if load.errors or not load.requests:
            raise RuntimeError(f"{load.errors} of {load.requests} requests failed")
        served, rate = served + load.requests, load.rate
    return served


def _load_what_comes_once(anygpt: AnyGPT) -> None:
    """The tokenizer, which the first answer that is cut off would load, and the database's readers, which are opened
    when several are wanted at once. Both stay, and are no leak."""
    question = Request(anygpt.url + ANTHROPIC + "/count_tokens", anygpt.key, {"model": "bench", "messages": QUESTION})
    headers = question.headers
    httpx.post(question.url, content=question.body, headers=headers, timeout=60, trust_env=False).raise_for_status()
    with ThreadPoolExecutor(READERS) as pool:
        list(pool.map(anygpt.asked, ["/api/logs/summary"] * READERS * 4))


def _memory(anygpt: AnyGPT) -> float:
    time.sleep(SETTLE_S)
    return rss_mb(anygpt.pid)


def _at_rest(scene: Stage) -> tuple[Counter[str], int]:
    """Files and tasks without connections to clients and the provider, which closes those that wait for their next
    use."""
    httpx.post(f"{scene.upstream.url}/close", trust_env=False)
    time.sleep(SETTLE_S)
    return open_files(scene.anygpt.pid), scene.anygpt.tasks()


def _returned(scene: Stage, files: Counter[str], tasks: int) -> tuple[Counter[str], int]:
    """The same at the end, once they are what they were or after a while."""
    end = time.monotonic() + RETURN_S
    while True:
        left = _at_rest(scene)
        if time.monotonic() > end or (left[0].total() <= files.total() and left[1] <= tasks):
            return left
