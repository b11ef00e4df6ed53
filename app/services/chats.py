"""Conversations of people, and the answers that are being written in them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from app.core.chat import ChatRequest, Image, Message, Part, Role, Text, Usage
from app.core.clock import Clock
from app.core.errors import AnyGPTError, BadRequest, Conflict, NotAllowed, NotFound
from app.core.ids import new_id
from app.db.engine import Database
from app.db.tables.chats import ConversationRow, MessageRow
from app.db.types import from_micros
from app.formats.base import Peek
from app.providers.kinds import kinds
from app.security.permissions import Permission, allows
from app.services.gateway.call import AttemptRecord, Call
from app.services.gateway.gateway import Gateway
from app.services.log_sentences import attempt_note
from app.services.state import State
from app.services.turns import Turn, TurnClient
from app.services.views import AttemptRow, ConversationInfo, Estimate, MessageView, Person

TITLE = 60
MAX_TEXT = 400_000


class Chats:
    def __init__(self, db: Database, state: State, gateway: Gateway, clock: Clock) -> None:
        self._db, self._state, self._gateway, self._clock = db, state, gateway, clock
        self._running: dict[str, Turn] = {}
        self._beginning: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def list(self, person: Person) -> Sequence[ConversationInfo]:
        def read(session: Session) -> Sequence[ConversationInfo]:
            query = (
                select(ConversationRow)
                .where(ConversationRow.person_id == person.id, col(ConversationRow.deleted_at).is_(None))
                .order_by(col(ConversationRow.updated_at).desc())
                .limit(500)
            )
            return [_info(row) for row in session.exec(query)]

        return await self._db.read(read)

    async def create(self, person: Person, model: str = "", title: str = "") -> ConversationInfo:
        _may_chat(person)
        if person.id not in self._state.current.people:
            raise NotAllowed("This key belongs to no person, and conversations do; use a key of a person, or log in.")
        row = ConversationRow(id=new_id("conv"), person_id=person.id, model=model, title=title.strip()[:200])

        def write(session: Session) -> ConversationInfo:
            session.add(row)
            return _info(row)

        return await self._db.write(write)

    async def get(self, person: Person, conversation_id: str) -> ConversationInfo:
        return await self._db.read(lambda session: _info(_owned(session, person, conversation_id)))

    async def messages(self, person: Person, conversation_id: str) -> Sequence[MessageView]:
        """The branch that is shown, oldest first."""

        def read(session: Session) -> Sequence[MessageView]:
            conversation = _owned(session, person, conversation_id)
            return [_view(row) for row in _branch(session, conversation, conversation.leaf_id)]

        return await self._db.read(read)

    async def rename(self, person: Person, conversation_id: str, title: str) -> ConversationInfo:
        if not title.strip():
            raise BadRequest("title: 1 to 200 characters.", field="title")
        return await self._change(person, conversation_id, title=title.strip()[:200])

    async def star(self, person: Person, conversation_id: str, on: bool) -> ConversationInfo:
        return await self._change(person, conversation_id, starred=on)

    async def delete(self, person: Person, conversation_id: str) -> None:
        """Out of sight; `restore` brings it back."""
        await self._change(person, conversation_id, deleted_at=self._clock.now())
        if (turn := self._running.get(conversation_id)) is not None:
            turn.stop()

    async def restore(self, person: Person, conversation_id: str) -> ConversationInfo:
        return await self._change(person, conversation_id, deleted_at=None)

    async def ask(
        self, person: Person, conversation_id: str, text: str, model: str, images: Sequence[str] = ()
    ) -> Turn:
        """Adds a question and starts its answer. Raises BadRequest, NotFound, Conflict while one is being written."""
        return await self._begin(person, conversation_id, model, text=text, images=images)

    async def edit(self, person: Person, conversation_id: str, message_id: str, text: str, model: str) -> Turn:
        """Asks a question anew in other words; what followed it stays in the other branch."""
        return await self._begin(person, conversation_id, model, text=text, replaces=message_id)

    async def regenerate(self, person: Person, conversation_id: str, message_id: str, model: str | None = None) -> Turn:
        """Answers the same question again."""
        return await self._begin(person, conversation_id, model, answers_again=message_id)

    def running(self, conversation_id: str) -> Turn | None:
        return self._running.get(conversation_id)

    async def estimate(self, person: Person, conversation_id: str | None, text: str, model: str) -> Estimate:
        """What asking would take: about four bytes a token, the answer left out of the tokens, not of the cost."""
        size = len(text.encode())
        if conversation_id:
            size += sum(len(message.text.encode()) for message in await self.messages(person, conversation_id))
        tokens = size // 4
        try:
            deployments = self._state.current.resolve(model).deployments
        except AnyGPTError:
            return Estimate(tokens, None)
        price = deployments[0].price if deployments else None
        return Estimate(tokens, None if price is None else price.cost(Usage(input=tokens, output=400)))

    async def close(self) -> None:
        """Ends what is being written; each answer is stored as far as it got."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _begin(
        self,
        person: Person,
        conversation_id: str,
        model: str | None,
        *,
        text: str | None = None,
        images: Sequence[str] = (),
        replaces: str | None = None,
        answers_again: str | None = None,
    ) -> Turn:
        _may_chat(person)
        if text is not None and not text.strip():
            raise BadRequest("message: write something first.", field="message")
        if text is not None and len(text) > MAX_TEXT:
            raise BadRequest(f"message: at most {MAX_TEXT:,} characters; this has {len(text):,}.", field="message")
        if conversation_id in self._running or conversation_id in self._beginning:
            raise Conflict("An answer is still being written here. Stop it first, or wait for its end.")

        def write(session: Session) -> tuple[list[MessageRow], MessageRow, str]:
            conversation = _owned(session, person, conversation_id)
            if answers_again is not None:
                question = _parent(session, conversation, answers_again)
            else:
                parent = conversation.leaf_id
                if replaces is not None:
                    parent = _question(session, conversation, replaces).parent_id
                question = MessageRow(
                    id=new_id("msg"),
                    conversation_id=conversation.id,
                    parent_id=parent,
                    role="user",
                    text=text or "",
                    images=list(images),
                    author_id=person.id,
                )
                session.add(question)
            answer = MessageRow(
                id=new_id("msg"),
                conversation_id=conversation.id,
                parent_id=question.id,
                role="assistant",
                status="writing",
            )
            session.add(answer)
            conversation.leaf_id = answer.id
            conversation.model = model or conversation.model or "auto"
            conversation.title = conversation.title or _title(question.text)
            conversation.updated_at = self._clock.now()
            session.add(conversation)
            session.flush()
            return _branch(session, conversation, question.id), answer, conversation.model

        self._beginning.add(conversation_id)
        try:
            history, answer, chosen = await self._db.write(write)
        finally:
            self._beginning.discard(conversation_id)
        turn = Turn(conversation_id, _view(history[-1]), answer.id, self._clock.now())
        self._running[conversation_id] = turn
        task = asyncio.create_task(self._write(turn, person, history, chosen), name=f"answer {answer.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        turn.run_as(task)
        return turn

    async def _write(self, turn: Turn, person: Person, history: Sequence[MessageRow], model: str) -> None:
        call = self._call(turn, person, history, model)
        state, error = "done", None
        try:
            await self._gateway.run(call, TurnClient(turn, call))
        except AnyGPTError as failure:
            state, error = "failed", failure.message
        except asyncio.CancelledError:
            state = "stopped" if turn.was_stopped else "interrupted"
            error = None if turn.was_stopped else "AnyGPT was stopped while this answer was written."
        facts = self._facts(call)
        try:
            row = await self._db.write(lambda session: _close(session, turn, call.id, state, error, facts))
        except SQLAlchemyError:
            state = "failed"
            error = "The answer could not be stored; an admin should look at the server's disk."
            row = MessageRow(id=turn.message_id, conversation_id=turn.conversation_id, role="assistant")
            _fill(row, turn, call.id, state, error, facts)
        finally:
            self._running.pop(turn.conversation_id, None)
        turn.notes = tuple(facts["notes"])
        turn.finish("failed" if state == "interrupted" else state, _view(row))

    def _call(self, turn: Turn, person: Person, history: Sequence[MessageRow], model: str) -> Call:
        messages = [Message(Role(row.role), _parts(row)) for row in history if row.text or row.images]
        size = sum(len(row.text.encode()) for row in history)
        needs = frozenset({"vision"}) if any(row.images for row in history) else frozenset[str]()
        return Call(
            id=new_id("req"),
            at=self._clock.now(),
            started=self._clock.monotonic(),
            peek=Peek(model=model, stream=True, needs=needs, input_bytes=size),
            request=ChatRequest(model=model, messages=messages, stream=True),
            person=person,
            conversation_id=turn.conversation_id,
        )

    async def _change(self, person: Person, conversation_id: str, **values: Any) -> ConversationInfo:
        def write(session: Session) -> ConversationInfo:
            row = _owned(session, person, conversation_id, deleted="deleted_at" in values)
            for name, value in values.items():
                setattr(row, name, value)
            session.add(row)
            return _info(row)

        return await self._db.write(write)

    def _facts(self, call: Call) -> dict[str, Any]:
        """What stands under the answer."""
        last = call.attempts[-1] if call.attempts else None
        used = [attempt.usage for attempt in call.attempts if attempt.usage is not None]
        return {
            "provider": last.deployment.provider if last else None,
            "kind": last.deployment.kind if last else None,
            "model": last.deployment.model if last else None,
            "input_tokens": sum(usage.input for usage in used) if used else None,
            "output_tokens": sum(usage.output for usage in used) if used else None,
            "cost": call.cost,
            "estimated": any(usage.estimated for usage in used),
            "latency_ms": round((self._clock.monotonic() - call.started) * 1000),
            "first_token_ms": next((a.first_token_ms for a in call.attempts if a.first_token_ms is not None), None),
            "notes": [
                attempt_note(_attempt(failed), _attempt(following))
                for failed, following in zip(call.attempts, call.attempts[1:], strict=False)
            ],
        }


def _may_chat(person: Person) -> None:
    if not allows(person.role, Permission.CHAT):
        raise NotAllowed(f"Your role ({person.role}) cannot chat; ask an admin for another one.")


def _owned(session: Session, person: Person, conversation_id: str, *, deleted: bool = False) -> ConversationRow:
    row = session.get(ConversationRow, conversation_id)
    if row is None or row.person_id != person.id or (row.deleted_at is not None and not deleted):
        raise NotFound("This conversation does not exist, or it is not yours.")
    return row


def _branch(session: Session, conversation: ConversationRow, leaf_id: str | None) -> list[MessageRow]:
    """From the first message to the leaf."""
    rows = {
        row.id: row for row in session.exec(select(MessageRow).where(MessageRow.conversation_id == conversation.id))
    }
    branch: list[MessageRow] = []
    while leaf_id is not None and (row := rows.pop(leaf_id, None)) is not None:
        branch.append(row)
        leaf_id = row.parent_id
    return branch[::-1]


def _message(session: Session, conversation: ConversationRow, message_id: str) -> MessageRow:
    row = session.get(MessageRow, message_id)
    if row is None or row.conversation_id != conversation.id:
        raise NotFound("This message does not exist in this conversation.")
    return row


def _question(session: Session, conversation: ConversationRow, message_id: str) -> MessageRow:
    question = _message(session, conversation, message_id)
    if question.role != "user":
        raise BadRequest("Only a question can be edited; choose a question, or have the answer written again.")
    return question


def _parent(session: Session, conversation: ConversationRow, message_id: str) -> MessageRow:
    answer = _message(session, conversation, message_id)
    if answer.role != "assistant" or answer.parent_id is None:
        raise BadRequest("Only an answer can be written again; choose an answer, or edit the question.")
    return _message(session, conversation, answer.parent_id)


def _close(
    session: Session, turn: Turn, request_id: str, state: str, error: str | None, facts: dict[str, Any]
) -> MessageRow:
    row = session.get_one(MessageRow, turn.message_id)
    _fill(row, turn, request_id, state, error, facts)
    session.add(row)
    return row


def _fill(row: MessageRow, turn: Turn, request_id: str, state: str, error: str | None, facts: dict[str, Any]) -> None:
    row.text, row.reasoning = turn.text, turn.reasoning
    row.status, row.error, row.facts, row.request_id = state, error, facts, request_id


def _parts(row: MessageRow) -> list[Part]:
    parts: list[Part] = [Text(row.text)] if row.text else []
    for url in row.images:
        head, _, data = url.partition(";base64,")
        if data and head.startswith("data:"):
            parts.append(Image(data=data, media_type=head.removeprefix("data:")))
    return parts


def _title(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TITLE else line[: TITLE - 1].rsplit(" ", 1)[0] + "…"


def _info(row: ConversationRow) -> ConversationInfo:
    return ConversationInfo(row.id, row.title, row.starred, row.model, row.created_at, row.updated_at)


def _view(row: MessageRow) -> MessageView:
    facts = row.facts
    kind = kinds().get(facts.get("kind") or "")
    return MessageView(
        id=row.id,
        role=row.role,
        text=row.text,
        created_at=row.created_at,
        images=tuple(row.images),
        request_id=row.request_id,
        provider=facts.get("provider"),
        provider_kind=facts.get("kind"),
        monogram=kind.monogram if kind else "",
        accent=kind.accent if kind else "custom",
        model=facts.get("model"),
        input_tokens=facts.get("input_tokens"),
        output_tokens=facts.get("output_tokens"),
        cost=facts.get("cost"),
        cost_known=facts.get("cost") is not None,
        estimated=bool(facts.get("estimated")),
        latency_ms=facts.get("latency_ms"),
        first_token_ms=facts.get("first_token_ms"),
        status=row.status,
        error=row.error,
        notes=tuple(facts.get("notes") or ()),
        reasoning=row.reasoning,
    )


def _attempt(record: AttemptRecord) -> AttemptRow:
    deployment = record.deployment
    return AttemptRow(
        deployment.provider,
        deployment.kind,
        "",
        "",
        deployment.model,
        record.status,
        record.error,
        from_micros(record.at),
        record.latency_ms,
    )
