"""The seam through which every relayed call leaves."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import Protocol

import msgspec


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds to wait for a connection, then for the answer's headers, then between two pieces of its body."""

    connect_s: float = 10.0
    first_byte_s: float | None = 60.0  # None: whoever calls keeps the time
    idle_s: float | None = 60.0


class UpstreamRequest(msgspec.Struct, kw_only=True):
    """A body in pieces is sent as they come, of `content_length` bytes if that is known; it cannot be sent twice,
    and the time for the first byte of its answer runs from its beginning."""

    method: str
    url: str
    headers: dict[str, str] = {}
    body: bytes | AsyncIterable[bytes] = b""
    content_length: int | None = None
    timeouts: Timeouts = Timeouts()


class UpstreamAnswer(Protocol):
    """An answer whose headers have come. Whoever gets one reads it to its end or closes it."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> dict[str, str]:
        """Names in lower case."""
        ...

    @property
    def complete(self) -> bool:
        """Nothing more will come, and all that came was read."""
        ...

    async def read(self, limit: int) -> bytes:
        """The whole body. Raises UnreadableAnswer when it is longer than `limit`."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body in pieces as they arrive. Raises UpstreamError subclasses."""
        ...

    def close(self) -> None:
        """Ends the upstream call at once; harmless when it has ended."""
        ...


class Transport(Protocol):
    async def send(self, request: UpstreamRequest) -> UpstreamAnswer: ...

    async def aclose(self) -> None: ...
