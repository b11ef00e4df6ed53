"""A bounded load: wrk where it is installed, else a client of our own; both check that every answer is whole."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import aiohttp

_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


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


def run_wrk(url: str, key: str, body: dict[str, object], connections: int, seconds: float, cpu: int) -> Load:
    script = (
        f'wrk.method = "POST"\nwrk.body = {json.dumps(json.dumps(body))}\n'
        f'wrk.headers["content-type"] = "application/json"\nwrk.headers["authorization"] = "Bearer {key}"\n'
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "load.lua"
        path.write_text(script)
        command = [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{max(round(seconds), 1)}s",
            "--latency",
            "--timeout",
            "20s",
            "-s",
            str(path),
            url,
        ]
        text = subprocess.run(
            ["taskset", "-c", str(cpu), *command], capture_output=True, text=True, check=True, timeout=seconds + 60
        ).stdout
    count = int(_found(r"(\d+) requests in", text))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    errors = (int(bad[1]) if bad else 0) + (sum(map(int, broken.groups())) if broken else 0)
    return Load(float(_found(r"Requests/sec:\s+([\d.]+)", text)), _ms("50%", text), _ms("99%", text), count, errors)


async def run_client(url: str, key: str, body: dict[str, object], connections: int, seconds: float) -> Load:
    times: list[float] = []
    errors = 0
    payload = json.dumps(body).encode()
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    marker = b"[DONE]" if body.get("stream") else b"choices"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=headers) as session:
        end = time.perf_counter() + seconds

        async def one() -> None:
            nonlocal errors
            while (started := time.perf_counter()) < end:
                async with session.post(url, data=payload) as answer:
                    text = await answer.read()
                    if answer.status != 200 or marker not in text:
                        errors += 1
                times.append(time.perf_counter() - started)

        started = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(connections)))
        elapsed = time.perf_counter() - started
    times.sort()
    return Load(
        len(times) / elapsed,
        times[len(times) // 2] * 1000,
        times[min(int(len(times) * 0.99), len(times) - 1)] * 1000,
        len(times),
        errors,
    )


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise RuntimeError(f"wrk printed something unexpected:\n{text}")
    return match[1]


def _ms(quantile: str, text: str) -> float:
    match = re.search(rf"{re.escape(quantile)}\s+([\d.]+)(us|ms|s|m)", text)
    if match is None:
        raise RuntimeError(f"wrk printed no {quantile}:\n{text}")
    return float(match[1]) * _UNITS[match[2]]
