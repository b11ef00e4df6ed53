"""Tells pages that something changed: coalesced, at most twice a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

QUIET_S = 0.5

Listener = Callable[[], None]


class Live:
    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._counter = 0
        self._pending: asyncio.TimerHandle | None = None

    def changed(self) -> int:
        """A number that grows with every change."""
        return self._counter

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Calls the listener after changes, until the returned function is called."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def note(self) -> None:
        """Something changed; cheap enough for every request."""
        self._counter += 1
        if self._pending is None and self._listeners:
            self._pending = asyncio.get_running_loop().call_later(QUIET_S, self._tell)

    def close(self) -> None:
        if self._pending is not None:
            self._pending.cancel()
        self._listeners.clear()

    def _tell(self) -> None:
        self._pending = None
        for listener in list(self._listeners):
            listener()
