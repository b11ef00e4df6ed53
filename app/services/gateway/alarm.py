"""A time-out that is moved with every piece of a stream, and costs next to nothing where it is not reached.

`asyncio.timeout` does the same for several times the price, twice in every request."""

from __future__ import annotations

import asyncio


class Alarm:
    """Cancels the task that makes it, once the loop's clock has reached `at`. Whoever catches CancelledError asks
    `answered` whether that was all there is to it; `stop` in any case."""

    __slots__ = ("_at", "_handle", "_loop", "_task", "client", "rang")

    def __init__(self, at: float) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._loop = asyncio.get_running_loop()
        self._at = at
        self._handle = self._loop.call_at(at, self._look)
        self.rang = False
        self.client = False  # whom we wait for now: the client, or else the provider

    def move(self, at: float) -> None:
        """To a later moment the timer goes by itself when it fires; to an earlier one it is set anew."""
        if at < self._at:
            self._handle.cancel()
            self._handle = self._loop.call_at(at, self._look)
        self._at = at

    def answered(self) -> bool:
        """Whether the cancellation was this alarm's, and nobody else's too."""
        return self.rang and self._task.uncancel() == 0

    def stop(self) -> None:
        self._handle.cancel()

    def _look(self) -> None:
        if self._loop.time() < self._at:
            self._handle = self._loop.call_at(self._at, self._look)
        else:
            self.rang = True
            self._task.cancel()
