"""Opens many slow streams at once and prints, as JSON, how late each event was. Arguments: a URL, a key, two numbers.

A process of its own on asyncio's protocols: ten thousand events a second must not be late because of who reads them.
An event holds the time it was sent at (`@12.345678 `), on the clock that all processes of a machine share."""

from __future__ import annotations

import asyncio
import math
import re
import sys
import time
from dataclasses import asdict, dataclass
from typing import cast
from urllib.parse import urlsplit

import httptools
import orjson
import uvloop

from tests.bench.verdict import quantile

RAMP_S = 1.0  # in which the streams begin, so that their events do not come in one burst
PATIENCE_S = 30.0  # beyond what a stream takes
_SENT = re.compile(rb"@(\d+\.\d+) ")
_END = b"data: [DONE]\n\n"


@dataclass(frozen=True)
class Delays:
    """Milliseconds from the upstream's write to the client's read; a lost stream lacked an event or its end.

    The `steady_p99_ms` is of the time in which no stream begins or ends."""

    p50_ms: float
    p99_ms: float
    steady_p99_ms: float
    worst_ms: float
    events: int
    lost: int


class Stream(asyncio.Protocol):
    """One request on a connection of its own."""

    def __init__(self, request: bytes, delays: list[tuple[float, float]]) -> None:
        self._request, self._delays = request, delays
        self._parser = httptools.HttpResponseParser(self)
        self._rest = b""
        self._now = 0.0
        self.events = 0
        self.ended = False
        self.gone = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._now = time.monotonic()
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        whole, end, self._rest = (self._rest + body).rpartition(b"\n\n")
        for sent in _SENT.findall(whole):
            self._delays.append((float(sent), (self._now - float(sent)) * 1000))
            self.events += 1
        self.ended = self.ended or (whole + end).endswith(_END)

    def on_message_complete(self) -> None:
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.gone.done():
            self.gone.set_result(None)


async def watch(url: str, key: str, streams: int, events: int) -> Delays:
    """Reads that many streams, each of so many events, ten a second."""
    address = urlsplit(url)
    body = orjson.dumps({"model": "slow", "stream": True, "messages": [{"role": "user", "content": "Slowly."}]})
    head = f"POST {address.path} HTTP/1.1\r\nhost: {address.netloc}\r\nauthorization: Bearer {key}\r\n"
    request = f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
    delays: list[tuple[float, float]] = []  # (when the event was sent, how late it came)
    started = time.monotonic()
    loop = asyncio.get_running_loop()

    async def one(place: int) -> bool:
        await asyncio.sleep(RAMP_S * place / streams)
        try:
            async with asyncio.timeout(events / 10 + PATIENCE_S):
                _, stream = await loop.create_connection(
                    lambda: Stream(request, delays), address.hostname, address.port
                )
                await stream.gone
        except (OSError, TimeoutError):
            return False
        return stream.ended and stream.events == events

    whole = await asyncio.gather(*(one(place) for place in range(streams)))
    values = [delay for _, delay in delays]
    steady = [delay for sent, delay in delays if RAMP_S + 0.5 < sent - started < events / 10 - 0.5]
    return Delays(
        quantile(values, 0.5),
        quantile(values, 0.99),
        quantile(steady, 0.99),
        max(values, default=math.nan),
        len(values),
        whole.count(False),
    )


if __name__ == "__main__":
    found = uvloop.run(watch(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
    print(orjson.dumps(asdict(found)).decode())
