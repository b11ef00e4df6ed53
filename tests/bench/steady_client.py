"""Asks at a fixed rate, whoever is slow, and prints every latency in ms as JSON. Arguments: URL, key, rate, seconds.

The rate does not wait for answers: where the server stands still, requests go on coming over further connections, so
its pauses are felt by as many requests as in life."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import cast
from urllib.parse import urlsplit

import httptools
import orjson
import uvloop

LAST_S = 20.0  # for the answers that are still out at the end


class Asker:
    """Its connections, and the latencies of whole answers."""

    def __init__(self, url: str, key: str) -> None:
        self._address = urlsplit(url)
        body = orjson.dumps({"model": "bench", "messages": [{"role": "user", "content": "Say twenty words."}]})
        head = f"POST {self._address.path} HTTP/1.1\r\nhost: {self._address.netloc}\r\nauthorization: Bearer {key}\r\n"
        self.request = f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
        self.latencies: list[float] = []
        self.idle: list[Connection] = []

    async def ask(self, rate: float, seconds: float) -> None:
        """Raises RuntimeError where a request has no good answer."""
        loop = asyncio.get_running_loop()
        start, number = loop.time(), round(rate * seconds)
        asked: list[asyncio.Task[None]] = []
        for place in range(number):
            await asyncio.sleep(start + place / rate - loop.time())
            asked.append(asyncio.create_task(self._one()))
        done, _ = await asyncio.wait(asked, timeout=LAST_S)
        failed = sum(task.exception() is not None for task in done) + number - len(done)
        if failed:
            raise RuntimeError(f"{failed} of {number} requests at the steady rate failed")

    async def _one(self) -> None:
        if self.idle:
            connection = self.idle.pop()
        else:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(
                lambda: Connection(self), self._address.hostname, self._address.port
            )
        self.latencies.append(await connection.ask())
        self.idle.append(connection)


class Connection(asyncio.Protocol):
    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._answer: asyncio.Future[float] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def ask(self) -> asyncio.Future[float]:
        """The latency in ms."""
        self._parser = httptools.HttpResponseParser(self)
        self._answer = asyncio.get_running_loop().create_future()
        self._sent = time.perf_counter()
        self._transport.write(self._asker.request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        latency = (time.perf_counter() - self._sent) * 1000
        if self._answer is not None and not self._answer.done():
            if self._parser.get_status_code() == 200:
                self._answer.set_result(latency)
            else:
                self._answer.set_exception(RuntimeError(f"status {self._parser.get_status_code()}"))

    def connection_lost(self, exc: Exception | None) -> None:
        if self in self._asker.idle:
            self._asker.idle.remove(self)
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("the server closed the connection"))


async def _latencies(url: str, key: str, rate: float, seconds: float) -> list[float]:
    asker = Asker(url, key)
    await asker.ask(rate, seconds)
    return asker.latencies


if __name__ == "__main__":
    measured = uvloop.run(_latencies(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])))
    print(orjson.dumps(measured).decode())
