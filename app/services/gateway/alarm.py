"""A router's time-outs, and the alarm that keeps them: moved with every piece of a stream, cheap where not reached.

`asyncio.timeout` does the same for several times the price, twice in every request."""

from __future__ import annotations

import asyncio
from typing import Any

from app.routing.document import RouterDocument

Running = asyncio.Task[Any]


def running() -> Running:
    """The task that asks. It knows its loop; asking asyncio for that is a system call each time."""
    task = asyncio.current_task()
    assert task is not None
    return task


class Alarm:
    """Cancels a task, once the loop's clock has reached `at`. Whoever catches CancelledError asks
    `answered` whether that was all there is to it; `stop` in any case."""

    __slots__ = ("_at", "_handle", "_loop", "_task", "client", "rang")

    def __init__(self, task: Running, at: float) -> None:
        self._task = task
        self._loop = task.get_loop()
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


class Deadline:
    """The three time-outs of a router, as moments on the loop's clock."""

    def __init__(self, task: Running, document: RouterDocument) -> None:
        self.task = task
        self._loop = loop = task.get_loop()
        self.end = loop.time() + document.timeout_s
        self.first_s, self.idle_s = document.first_token_timeout_s, document.idle_timeout_s

    def of(self, task: Running) -> Deadline:
        """The same for another task that works on the same request."""
        other = Deadline.__new__(Deadline)
        other.task, other._loop, other.end = task, self._loop, self.end
        other.first_s, other.idle_s = self.first_s, self.idle_s
        return other

    def over(self) -> bool:
        return self._loop.time() >= self.end

    def first(self) -> float:
        return min(self._loop.time() + self.first_s, self.end)

    def now(self) -> float:
        return self._loop.time()

    def next(self) -> float:
        return min(self._loop.time() + self.idle_s, self.end)
