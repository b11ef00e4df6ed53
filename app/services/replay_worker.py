"""The process that replays past requests: a task comes in, progress and figures go out, a line of JSON each."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import msgspec
import orjson
from sqlalchemy import Connection, Select, create_engine, select

from app.core.chat import Usage
from app.db.tables.base import columns
from app.db.tables.ledger import AttemptRow, RequestRow
from app.db.types import from_micros, micros
from app.routing.compiled import CompiledRouter
from app.routing.deployment import Deployment
from app.routing.document import RouterDocument
from app.routing.intent import Intent
from app.routing.names import Names
from app.routing.question import Question
from app.routing.replay import Figures, PastAttempt, PastRequest, Replay, happened

SLICE = 5000  # rows of one read: what writes meanwhile does not wait
READING = 0.4  # of the progress
_FAULTS = frozenset({400, 404, 408, 413, 422, 499})  # of a request or its client: they say nothing of a deployment

_A: Any = columns(AttemptRow)
_R: Any = columns(RequestRow)


class Asker(msgspec.Struct):
    """Who a key or a person is to a rule."""

    key: str | None = None
    person: str | None = None
    teams: frozenset[str] = frozenset()
    tier: str | None = None
    least_score: float = 0.0


class Task(msgspec.Struct, kw_only=True):
    """`live` and `draft` are the two versions of the router; `routers` all the others, that failures may lead to.
    `keys` and `people` are by id."""

    url: str
    since: datetime
    until: datetime
    most: int
    zone: str
    live: RouterDocument
    draft: RouterDocument
    routers: list[RouterDocument]
    deployments: list[Deployment]
    keys: dict[str, Asker]
    people: dict[str, Asker]


class Replayed(msgspec.Struct, kw_only=True):
    """`unjudged` are requests of that time of which the model cannot tell; `happened` what did happen to the others."""

    requests: int
    unjudged: int
    live: Figures
    draft: Figures
    happened: Figures


def main(task: BinaryIO, said: BinaryIO) -> None:
    def say(**line: Any) -> None:
        said.write(orjson.dumps(line) + b"\n")
        said.flush()

    result = replay(msgspec.json.decode(task.read(), type=Task), lambda share: say(progress=round(share, 3)))
    say(result=msgspec.to_builtins(result))


def replay(task: Task, progress: Any) -> Replayed:
    engine = create_engine(task.url)
    try:
        with engine.connect() as connection:
            by_name = {(each.provider_id, each.model): each.id for each in task.deployments}
            requests, streams = _requests(connection, task, progress)
            attempts = [
                PastAttempt(deployment, row.started_at / 1e6, ok, row.latency_ms, row.first_token_ms, output, stream)
                for row, stream in _attempts(connection, task, streams)
                if (deployment := by_name.get((row.provider_id, row.model))) is not None
                and ((ok := _tells(row.status)) is not None)
                and (output := row.output_tokens) is not None
            ]
    finally:
        engine.dispose()
    progress(READING)
    names = Names(task.deployments, [document.name for document in (task.live, *task.routers)])
    routers = {each.name: CompiledRouter(each, 0, names.find_target) for each in task.routers}
    live = CompiledRouter(task.live, 0, names.find_target)
    draft = CompiledRouter(task.draft, 0, names.find_target)
    tried = Replay(task.deployments, attempts, names, routers)
    judged = [request for request in requests if request is not None and tried.judged(request, live, draft)]
    share = (1 - READING) / 2
    return Replayed(
        requests=len(requests),
        unjudged=len(requests) - len(judged),
        live=tried.run(judged, live, lambda done: progress(READING + share * done)),
        draft=tried.run(judged, draft, lambda done: progress(READING + share + share * done)),
        happened=happened(judged),
    )


def _requests(connection: Connection, task: Task, progress: Any) -> tuple[list[PastRequest | None], dict[str, bool]]:
    """The newest first; None for one that no attempt was made for, or that was at fault itself. And which of them
    were streams, by id."""
    found: list[PastRequest | None] = []
    streams: dict[str, bool] = {}
    zone = ZoneInfo(task.zone)
    before = task.until
    while len(found) < task.most:
        query = (
            select(_R)
            .where(_R.router == task.live.name, _R.at >= task.since, _R.at < before)
            .order_by(_R.at.desc())
            .limit(min(SLICE, task.most - len(found)))
        )
        rows = connection.execute(query).all()
        for row in rows:
            streams[row.id] = bool(row.stream)
            found.append(_request(row, task, zone))
        if len(rows) < min(SLICE, task.most):
            break
        before = rows[-1].at
        progress(READING * 0.5 * len(found) / task.most)
    found.reverse()
    return found, streams


def _request(row: Any, task: Task, zone: ZoneInfo) -> PastRequest | None:
    if not row.attempts or (row.status in _FAULTS and row.status != 408):
        return None
    asker = task.keys.get(row.key_id or "") or task.people.get(row.person_id or "") or Asker()
    question = Question(
        model=row.model_asked,
        needs=frozenset(row.needs or ()),
        input_tokens=row.estimated_input,
        max_tokens=row.max_tokens,
        stream=bool(row.stream),
        key=asker.key,
        person=asker.person,
        teams=asker.teams,
        tier=asker.tier,
        least_score=asker.least_score,
        tags=frozenset(row.tags or ()),
        now=row.at,
        zone=zone,
        intent=_intent(row),
    )
    usage = Usage(
        input=row.input_tokens,
        output=row.output_tokens,
        cache_read=row.cache_read_tokens,
        cache_write=row.cache_write_tokens,
        reasoning=row.reasoning_tokens,
    )
    return PastRequest(question, row.router, usage, row.status >= 400, row.cost, row.latency_ms, row.provider)


def _intent(row: Any) -> Intent | None:
    seen = (row.decision or {}).get("intent")
    if not isinstance(seen, dict):
        return None
    return Intent(seen["name"], seen["confidence"], seen["complexity"], seen["complexity_confidence"])


def _attempts(connection: Connection, task: Task, streams: dict[str, bool]) -> Iterator[tuple[Any, bool]]:
    """Of all routers: each tells of its deployment. Whether it was a stream is known of this router's only."""
    columns = (
        *(_A.id, _A.request_id, _A.provider_id, _A.model, _A.status, _A.started_at),
        *(_A.latency_ms, _A.first_token_ms, _A.output_tokens),
    )
    after, left = task.since, task.most * 2
    while left > 0:
        query: Select[Any] = (
            select(*columns)
            .where(_A.started_at >= after, _A.started_at < task.until, _A.state == "closed")
            .order_by(_A.started_at)
            .limit(min(SLICE, left))
        )
        rows = connection.execute(query).all()
        for row in rows:
            moment = micros(row.started_at)
            yield _Attempt(row, moment), streams.get(row.request_id, row.first_token_ms is not None)
        left -= len(rows)
        if len(rows) < SLICE:
            return
        after = from_micros(micros(rows[-1].started_at) + 1)


class _Attempt:
    """A row with its time in microseconds."""

    def __init__(self, row: Any, moment: int) -> None:
        self.started_at = moment
        self.provider_id, self.model, self.status = row.provider_id, row.model, row.status
        self.latency_ms, self.first_token_ms, self.output_tokens = row.latency_ms, row.first_token_ms, row.output_tokens


def _tells(status: int) -> bool | None:
    if status == 200:
        return True
    return None if status in _FAULTS else False


if __name__ == "__main__":
    with suppress(OSError, AttributeError):
        os.nice(10)  # requests are served meanwhile
    with suppress(KeyboardInterrupt, BrokenPipeError):
        main(sys.stdin.buffer, sys.stdout.buffer)
