"""Tells pages that something changed: coalesced, at most twice a second, and never so often that requests feel it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

QUIET_S = 0.5
REST = 10  # after a refresh nobody refreshes for ten times as long as it took
MAX_REST_S = 10.0

Listener = Callable[[], None]


class Live:
    """`monotonic` and `sleep` are seams for tests."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._listeners: set[Listener] = set()
        self._pending: asyncio.TimerHandle | None = None
        self._monotonic, self._sleep = monotonic, sleep
        self._turn = asyncio.Lock()
        self._free_at = 0.0

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Calls the listener after changes, until the returned function is called."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def note(self) -> None:
        """Something changed; cheap enough for every request."""
        if self._pending is None and self._listeners:
            self._pending = asyncio.get_running_loop().call_later(QUIET_S, self._tell)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Inside, a page refreshes itself. Pages take turns, and each turn is followed by a rest in proportion: however
        many are open, and however slow they are, requests keep nine tenths of the time."""
        async with self._turn:
            rest = self._free_at - self._monotonic()
            if rest > 0:
                await self._sleep(rest)
            started = self._monotonic()
            try:
                yield
            finally:
                ended = self._monotonic()
                self._free_at = ended + min((ended - started) * REST, MAX_REST_S)

    def close(self) -> None:
        if self._pending is not None:
            self._pending.cancel()
        self._listeners.clear()

    def _tell(self) -> None:
        self._pending = None
        for listener in list(self._listeners):
            listener()
