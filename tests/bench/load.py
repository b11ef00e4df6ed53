"""A bounded load: wrk where it is installed, else a client of our own; both count answers that are not whole."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from tests.bench.kernel import LOAD_CPU
from tests.bench.verdict import quantile

_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}
_ENDS = (b"[DONE]", b"message_stop")


@dataclass(frozen=True)
class Request:
    """What is posted again and again."""

    url: str
    key: str
    fields: dict[str, Any]

    @cached_property
    def body(self) -> bytes:
        return orjson.dumps(self.fields)

    @property
    def headers(self) -> dict[str, str]:
        return {"content-type": "application/json", "authorization": f"Bearer {self.key}"}

    def is_whole(self, answer: bytes) -> bool:
        if not self.fields.get("stream"):
            return b"choices" in answer
        return any(end in answer[-200:] for end in _ENDS)


@dataclass(frozen=True)
class Load:
    """Requests per second, and latencies in milliseconds."""

    rate: float
    p50_ms: float
    p99_ms: float
    requests: int
    errors: int


def wrk_is_here() -> bool:
    return shutil.which("wrk") is not None


def run_wrk(request: Request, connections: int, seconds: float) -> Load:
    """On the load's core. wrk knows whole seconds only."""
    headers = "".join(f'wrk.headers["{name}"] = "{value}"\n' for name, value in request.headers.items())
    script = f'wrk.method = "POST"\nwrk.body = {orjson.dumps(request.body.decode()).decode()}\n{headers}'
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "load.lua"
        path.write_text(script)
        options = ["-t1", f"-c{connections}", f"-d{max(round(seconds), 1)}s", "--latency", "--timeout", "20s"]
        text = subprocess.run(
            ["taskset", "-c", str(LOAD_CPU), "wrk", *options, "-s", str(path), request.url],
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds + 60,
        ).stdout
    count = int(_found(r"(\d+) requests in", text))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    errors = (int(bad[1]) if bad else 0) + (sum(map(int, broken.groups())) if broken else 0)
    return Load(float(_found(r"Requests/sec:\s+([\d.]+)", text)), _ms("50%", text), _ms("99%", text), count, errors)


async def run_client(request: Request, connections: int, seconds: float) -> Load:
    times: list[float] = []
    errors = 0
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=request.headers) as session:
        started = time.perf_counter()
        end = started + seconds

        async def one() -> None:
            nonlocal errors
            while (begun := time.perf_counter()) < end:
                async with session.post(request.url, data=request.body) as answer:
                    text = await answer.read()
                    if answer.status != 200 or not request.is_whole(text):
                        errors += 1
                times.append((time.perf_counter() - begun) * 1000)

        await asyncio.gather(*(one() for _ in range(connections)))
        elapsed = time.perf_counter() - started
    return Load(len(times) / elapsed, quantile(times, 0.5), quantile(times, 0.99), len(times), errors)


def run_load(request: Request, client: str, connections: int, seconds: float) -> Load:
    if client == "wrk":
        return run_wrk(request, connections, seconds)
    return asyncio.run(run_client(request, connections, seconds))


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise RuntimeError(f"wrk printed something unexpected:\n{text}")
    return match[1]


def _ms(share: str, text: str) -> float:
    match = re.search(rf"{re.escape(share)}\s+([\d.]+)(us|ms|s|m)", text)
    if match is None:
        raise RuntimeError(f"wrk printed no {share}:\n{text}")
    return float(match[1]) * _UNITS[match[2]]
