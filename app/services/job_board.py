"""The jobs of this process: what they are, when they ran, what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from app.core.clock import Clock
from app.core.errors import AnyGPTError, NotFound

log = structlog.get_logger()

FAULT = "A fault of AnyGPT's own; the server's log says which."


@dataclass(frozen=True, slots=True)
class Job:
    """A scheduled job, ready to run; `run` returns one sentence: what came of it."""

    name: str
    about: str
    every: Callable[[], timedelta]
    first_after: timedelta
    run: Callable[[], Awaitable[str]]


@dataclass(slots=True)
class JobState:
    job: Job
    every: timedelta
    running: bool = False
    last_at: datetime | None = None
    last_ok: bool | None = None
    last_result: str = ""
    last_ms: int | None = None
    next_at: datetime | None = None


class JobBoard:
    def __init__(self, clock: Clock, tell: Callable[[], None] = lambda: None) -> None:
        """`tell` is called when a job begins and ends."""
        self._clock, self._tell = clock, tell
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._states: dict[str, JobState] = {}
        self._running: set[asyncio.Task[str]] = set()
        self._closing = False

    def start(self, jobs: list[Job]) -> None:
        for job in jobs:
            state = self._states[job.name] = JobState(job, job.every())
            self._scheduler.add_job(
                self._run,
                _trigger(state.every),
                args=(state,),
                id=job.name,
                next_run_time=self._clock.now() + job.first_after,
                max_instances=1,
                coalesce=True,
                misfire_grace_time=60,
            )
        self._scheduler.start()

    def follow_settings(self) -> None:
        """Takes over intervals that were changed."""
        for name, state in self._states.items():
            every = state.job.every()
            if every != state.every:
                state.every = every
                self._scheduler.reschedule_job(name, trigger=_trigger(every))

    def states(self) -> list[JobState]:
        for name, state in self._states.items():
            scheduled = self._scheduler.get_job(name)
            state.next_at = scheduled.next_run_time if scheduled is not None else None
        return list(self._states.values())

    async def run_now(self, name: str) -> str:
        """Runs a job out of its turn; returns what came of it."""
        state = self._states.get(name)
        if state is None:
            raise NotFound(f'There is no job "{name}"; known are {", ".join(self._states)}.')
        return await self._run(state)

    async def close(self) -> None:
        self._closing = True
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _run(self, state: JobState) -> str:
        if state.running:
            return "It is running already."
        state.running, state.last_at = True, self._clock.now()
        started = self._clock.monotonic()
        self._tell()
        task = asyncio.ensure_future(state.job.run())
        self._running.add(task)
        try:
            state.last_result = await task
            state.last_ok = True
        except AnyGPTError as error:
            state.last_ok, state.last_result = False, error.message
            log.warning("a job failed", job=state.job.name, reason=error.message)
        except asyncio.CancelledError:
            if not self._closing:
                raise
            state.last_ok, state.last_result = False, "stopped with the server"
        finally:
            if task.done() and not task.cancelled() and not isinstance(task.exception(), AnyGPTError | None):
                state.last_ok, state.last_result = False, FAULT
            state.running, state.last_ms = False, round((self._clock.monotonic() - started) * 1000)
            self._running.discard(task)
            self._tell()
        return state.last_result


def _trigger(every: timedelta) -> IntervalTrigger:
    seconds = every.total_seconds()
    return IntervalTrigger(seconds=seconds, jitter=min(seconds / 10, 30))
