"""Two attempts at once: whoever has content first answers the client, the other is cancelled and accounted for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from app.core.errors import UpstreamError
from app.services.gateway.alarm import Running, running
from app.services.gateway.call import AttemptRecord, Call


class Outrun(UpstreamError):
    code = "outrun"
    label = "another was faster"


class Race:
    def __init__(self) -> None:
        self._runners: set[Running] = set()
        self.winner: Running | None = None

    def start(self, attempt: Coroutine[Any, Any, None]) -> Running:
        runner = asyncio.get_running_loop().create_task(attempt, name="attempt")
        self._runners.add(runner)
        return runner

    @property
    def open(self) -> bool:
        """Whether nobody has won, and somebody still runs."""
        return self.winner is None and any(not runner.done() for runner in self._runners)

    def claim(self, call: Call, record: AttemptRecord) -> None:
        """Said by an attempt that is about to answer: the others are cancelled, and it is the last of the call's, as
        whoever answers is. Raises Outrun where another was first."""
        me = running()
        if self.winner is None:
            self.winner = me
            call.attempts.remove(record)
            call.attempts.append(record)
            for runner in self._runners - {me}:
                runner.cancel()
        elif self.winner is not me:
            raise Outrun("Another provider was faster.")

    async def alone(self) -> None:
        """Returns when the others have ended and are accounted for."""
        if left := [runner for runner in self._runners - {running()} if not runner.done()]:
            await asyncio.wait(left)

    @property
    def lost(self) -> bool:
        """Whether the attempt that asks was outrun."""
        return self.winner is not None and self.winner is not running()

    async def close(self) -> None:
        """Nobody runs any more, whatever happened."""
        left = [runner for runner in self._runners if not runner.done()]
        for runner in left:
            runner.cancel()
        if left:
            await asyncio.wait(left)
