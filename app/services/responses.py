"""Responses that clients may come back to: kept, read, continued, deleted, and forgotten after a while."""

from __future__ import annotations

from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, delete

from app.core.clock import Clock
from app.core.errors import BadRequest, NotFound, UnreadableAnswer
from app.db.bodies import StoredResponseRow
from app.db.engine import Database
from app.formats.openai_responses.continuing import finished_response, items_of, outputs_of, with_context
from app.formats.payload import as_dicts, dump, read_any, read_request
from app.providers.kinds import kind_named
from app.services.gateway.call import Call, Context
from app.services.snapshot import Key

log = structlog.get_logger()

FORMAT = "openai-responses"


class Responses:
    def __init__(self, bodies: Database, clock: Clock, days: int) -> None:
        self._bodies, self._clock, self._days = bodies, clock, days

    async def before(self, call: Call) -> None:
        """Gives a call that goes on from a stored response what came before. Raises BadRequest where there is none."""
        name = call.peek.extensions.get("previous_response_id")
        if name is None:
            return
        assert call.key is not None
        row = await self._find(call.key, name)
        if row is None:
            raise BadRequest(
                f'previous_response_id: there is no response "{name[:100]}" of this key; it may have been deleted, be '
                "older than the retention allows, or was made with store: false.",
                field="previous_response_id",
            )
        items = [*as_dicts(read_any(row.input)), *outputs_of(read_request(row.response))]
        before = dump(items)
        call.context = Context(row.deployment_id, before, with_context(call.body, before))
        call.peek.input_bytes += len(before)

    async def keep(self, call: Call, answer: bytes) -> None:
        """Keeps an answer as its client is about to get it, unless the client said `store: false`."""
        try:
            response = finished_response(answer)
        except UnreadableAnswer:  # the client has to make of it what it can
            return
        asked = read_request(call.body)
        if response is None or asked.get("store") is False or call.key is None:
            return
        before = as_dicts(read_any(call.context.items)) if call.context is not None else []
        row = StoredResponseRow(
            id=response["id"],
            key_id=call.key.id,
            person_id=call.person.id if call.person is not None else None,
            deployment_id=_kept_there(call),
            at=self._clock.now(),
            input=dump([*before, *items_of(call.body)]),
            response=dump(response),
        )

        def write(session: Session) -> None:
            session.merge(row)

        try:
            await self._bodies.write(write)
        except SQLAlchemyError as error:  # the answer is whole and paid for all the same
            log.warning("a response could not be kept", response=row.id, error=type(error).__name__)

    async def read(self, key: Key, name: str) -> bytes:
        """The response as it was answered. Raises NotFound."""
        row = await self._find(key, name)
        if row is None:
            raise _missing(name)
        return row.response

    async def delete(self, key: Key, name: str) -> None:
        if await self._find(key, name) is None:
            raise _missing(name)

        def write(session: Session) -> None:
            session.exec(delete(StoredResponseRow).where(col(StoredResponseRow.id) == name))

        await self._bodies.write(write)

    async def prune(self) -> int:
        """Deletes what is older than the retention; returns how many."""
        oldest = self._clock.now() - timedelta(days=self._days)

        def write(session: Session) -> int:
            return session.exec(delete(StoredResponseRow).where(col(StoredResponseRow.at) < oldest)).rowcount

        return await self._bodies.write(write)

    async def _find(self, key: Key, name: str) -> StoredResponseRow | None:
        """Of this key, or of another one of the same person."""
        row = await self._bodies.read(lambda session: session.get(StoredResponseRow, name))
        if row is None or row.at < self._clock.now() - timedelta(days=self._days):
            return None
        same_person = row.person_id is not None and key.person is not None and key.person.id == row.person_id
        return row if row.key_id == key.id or same_person else None


def _kept_there(call: Call) -> str | None:
    """The deployment whose provider keeps the response under the same id: it was relayed as it came."""
    deployment = call.attempts[-1].deployment
    relayed = FORMAT in deployment.formats
    return deployment.id if relayed and kind_named(deployment.kind).keeps_responses else None


def _missing(name: str) -> NotFound:
    return NotFound(f'There is no response "{name[:100]}" of this key.', field="response_id")
