"""Replays: past requests through a router's draft and through the live one, in a process of their own."""

from __future__ import annotations

import asyncio
import sys
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
import orjson
import structlog

from app.core.clock import Clock
from app.core.errors import BadRequest, Conflict, NotFound
from app.core.ids import new_id
from app.core.money import format_usd
from app.routing.checks import read_document
from app.routing.document import RouterDocument
from app.services.replay_worker import Asker, Replayed, Task
from app.services.routers import Routers
from app.services.snapshot import Snapshot
from app.services.state import State
from app.services.views import Actor

log = structlog.get_logger()

MODULE = "app.services.replay_worker"
AT_ONCE = 2
KEPT = 50  # that have ended
MOST_DAYS = 90
SAMPLE, LEAST_SAMPLE, MOST_SAMPLE = 100_000, 100, 1_000_000
LONGEST_S = 600.0
LINE = 16 * 2**20


@dataclass(slots=True)
class ReplayStatus:
    """`state` is running, done, failed or cancelled; `progress` 0…1; `result` has the figures as the API gives them."""

    id: str
    router: str
    by: str
    state: str = "running"
    progress: float = 0.0
    sentence: str = "Reading the ledger."
    result: dict[str, Any] | None = None


class Replays:
    """All that runs is owned here and ended by `close`."""

    def __init__(self, url: str, zone: str, state: State, routers: Routers, clock: Clock) -> None:
        self._url, self._zone = url, zone
        self._state, self._routers, self._clock = state, routers, clock
        self._known: OrderedDict[str, ReplayStatus] = OrderedDict()
        self._running: dict[str, asyncio.Task[None]] = {}

    async def start(
        self,
        actor: Actor | str,
        router: str,
        days: int,
        sample: int | None = None,
        document: dict[str, Any] | None = None,
    ) -> str:
        """The id of a job: the last `days` of a router's requests, the newest `sample` of them, through its draft (or
        `document`) and its live version. Raises BadRequest, NotFound, Conflict while too many run."""
        if not 1 <= days <= MOST_DAYS:
            raise BadRequest(f"days: from 1 to {MOST_DAYS}.", field="days")
        most = SAMPLE if sample is None else sample
        if not LEAST_SAMPLE <= most <= MOST_SAMPLE:
            raise BadRequest(f"sample: from {LEAST_SAMPLE} to {MOST_SAMPLE} requests.", field="sample")
        if len(self._running) >= AT_ONCE:
            raise Conflict(f"{AT_ONCE} replays are running; wait for one of them, or cancel it.")
        view = await self._routers.get(router)
        tried = document if document is not None else (await self._routers.draft(router)).document
        task = self._task(view.name, read_document({**tried, "name": view.name}), days, most)
        status = ReplayStatus(new_id("job"), view.name, actor if isinstance(actor, str) else actor.email)
        self._known[status.id] = status
        while len(self._known) > KEPT + AT_ONCE:
            self._known.popitem(last=False)
        self._running[status.id] = asyncio.create_task(self._run(task, status), name=f"replay {view.name}")
        return status.id

    def status(self, job_id: str) -> ReplayStatus:
        status = self._known.get(job_id)
        if status is None:
            raise NotFound(f'There is no job "{job_id}"; the last {KEPT} are kept.')
        return status

    def cancel(self, job_id: str) -> ReplayStatus:
        status = self.status(job_id)
        if (running := self._running.get(job_id)) is not None:
            running.cancel()
            status.state, status.sentence = "cancelled", "The replay was cancelled."
        return status

    async def close(self) -> None:
        running = list(self._running.values())
        for job_id in list(self._running):
            self.cancel(job_id)
        await asyncio.gather(*running, return_exceptions=True)

    async def _run(self, task: Task, status: ReplayStatus) -> None:
        process: asyncio.subprocess.Process | None = None
        try:
            body = await asyncio.to_thread(msgspec.json.encode, task)
            async with asyncio.timeout(LONGEST_S):
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", MODULE),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    start_new_session=True,
                    limit=LINE,
                )
                await _follow(process, body, status)
        except (TimeoutError, OSError) as error:
            log.warning("a replay failed", reason=str(error))
            status.state, status.sentence = (
                "failed",
                "The replay took too long or could not be started; try fewer days.",
            )
        finally:
            self._running.pop(status.id, None)
            if process is not None and process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()

    def _task(self, name: str, draft: RouterDocument, days: int, most: int) -> Task:
        snapshot = self._state.current
        now = self._clock.now()
        router = snapshot.routers.get(name)
        others = [each.document for each in snapshot.routers.values() if each.name != name]
        return Task(
            url=self._url,
            since=now - timedelta(days=days),
            until=now,
            most=most,
            zone=self._zone,
            live=router.document if router is not None else draft,
            draft=draft,
            routers=others,
            deployments=list(snapshot.deployments.values()),
            **_askers(snapshot),
        )


async def _follow(process: asyncio.subprocess.Process, body: bytes, status: ReplayStatus) -> None:
    questions, answers = process.stdin, process.stdout
    assert questions is not None
    assert answers is not None
    questions.write(body)
    await questions.drain()
    questions.close()
    while line := await answers.readline():
        said = orjson.loads(line)
        if "progress" in said:
            status.progress = said["progress"]
            status.sentence = "Reading the ledger." if status.progress < 0.4 else "Planning every request anew."
        elif "result" in said:
            found = msgspec.convert(said["result"], Replayed)
            status.result, status.progress, status.state = result_of(found), 1.0, "done"
            status.sentence = _sentence(found)
    await process.wait()
    if status.state == "running":
        log.warning("a replay failed", code=process.returncode)
        status.state, status.sentence = "failed", "The replay ended with a fault; the log of the process has more."


def result_of(found: Replayed) -> dict[str, Any]:
    """As the API gives it: money in USD."""
    return {
        "requests": found.requests,
        "unjudged": found.unjudged,
        **{name: _figures(getattr(found, name)) for name in ("live", "draft", "happened")},
    }


def _figures(figures: Any) -> dict[str, Any]:
    value: dict[str, Any] = msgspec.to_builtins(figures)
    low, high = value.pop("cost_range")
    return {
        "cost_usd": format_usd(value.pop("cost")),
        "cost_range": [format_usd(low), format_usd(high)],
        **{name: list(part) if isinstance(part, tuple) else part for name, part in value.items()},
    }


def _sentence(found: Replayed) -> str:
    judged = found.requests - found.unjudged
    if not judged:
        return "None of the requests of that time could be judged: too little is known of who would answer them."
    return f"{judged:,} of {found.requests:,} requests were planned anew; {found.unjudged:,} could not be judged."


def _askers(snapshot: Snapshot) -> dict[str, Any]:
    tiers = snapshot.runtime.tiers
    people = {
        person.id: Asker(
            person=person.email,
            teams=snapshot.teams.get(person.id, frozenset()),
            tier=person.tier,
            least_score=tiers[person.tier].min_score if person.tier in tiers else 0.0,
        )
        for person in snapshot.people.values()
    }
    keys = {
        key.id: Asker(
            key=key.name,
            person=key.person.email if key.person is not None else None,
            teams=key.teams,
            tier=key.in_tier.name if key.in_tier is not None else None,
            least_score=key.in_tier.min_score if key.in_tier is not None else 0.0,
        )
        for key in snapshot.keys_by_id.values()
    }
    return {"keys": keys, "people": people}
