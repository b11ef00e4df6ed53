"""Kept-alive connections, and all that are open."""

from __future__ import annotations

import asyncio

from app.providers.http.connection import Connection
from app.providers.http.request_head import Origin

IDLE_S = 30.0
"""How long a connection waits for its next use, at least; at most a third longer."""
MAX_IDLE = 128
"""Connections that wait for the same origin."""


class Pool:
    """Gives out the connection that was used last, so that those not needed grow old and are closed."""

    def __init__(self, *, idle_s: float = IDLE_S, max_idle: int = MAX_IDLE) -> None:
        self._idle: dict[Origin, list[Connection]] = {}
        self._open: set[Connection] = set()
        self._idle_s = idle_s
        self._max_idle = max_idle
        self._sweep: asyncio.TimerHandle | None = None
        self._closed: asyncio.Event | None = None

    def take(self, origin: Origin) -> Connection | None:
        waiting = self._idle.get(origin)
        while waiting:
            connection = waiting.pop()
            if connection.usable:
                return connection
        return None

    def forget(self, origin: Origin) -> None:
        """A fresh connection was hung up on: the ones kept alive before are of a server that is gone, too."""
        for connection in self._idle.pop(origin, ()):
            connection.abort()

    async def aclose(self) -> None:
        """Ends every connection, also those in use, and waits until they are gone."""
        self._closed = asyncio.Event()
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        self._idle.clear()
        uploads = [connection.upload for connection in self._open if connection.upload is not None]
        for connection in self._open.copy():
            connection.abort()
        if uploads:
            await asyncio.wait(uploads)
        if self._open:
            await self._closed.wait()

    # ---- what connections call

    def opened(self, connection: Connection) -> None:
        self._open.add(connection)
        if self._closed is not None:  # dialled while everything was closed
            connection.abort()

    def give_back(self, connection: Connection) -> None:
        loop = connection.loop
        waiting = self._idle.get(connection.origin)
        if waiting is None:
            waiting = self._idle[connection.origin] = []
        if len(waiting) >= self._max_idle:
            waiting.pop(0).abort()
        connection.idle_since = loop.time()
        waiting.append(connection)
        if self._sweep is None:
            self._sweep = loop.call_later(self._idle_s / 3, self._close_old)

    def lost(self, connection: Connection) -> None:
        self._open.discard(connection)
        waiting = self._idle.get(connection.origin)
        if waiting is not None and connection in waiting:
            waiting.remove(connection)
        if self._closed is not None and not self._open:
            self._closed.set()

    def _close_old(self) -> None:
        loop = asyncio.get_running_loop()
        oldest = loop.time() - self._idle_s
        for origin, waiting in list(self._idle.items()):
            young = [connection for connection in waiting if connection.idle_since > oldest and connection.usable]
            for connection in waiting:
                if connection.idle_since <= oldest:
                    connection.abort()
            if young:
                self._idle[origin] = young
            else:
                del self._idle[origin]
        self._sweep = loop.call_later(self._idle_s / 3, self._close_old) if self._idle else None
