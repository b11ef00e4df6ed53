"""One answer being written: it lives here, not in a page, so that a reload or a second viewer finds it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from app.core.chat import ChatResult, Event, ReasoningDelta, RefusalDelta, TextDelta
from app.core.errors import AnyGPTError
from app.services.gateway.call import Call, Header
from app.services.views import MessageView

UPDATE_S = 0.1  # a page is told at most ten times a second


class Turn:
    """`text` only grows; each viewer remembers how much of it it has shown."""

    def __init__(self, conversation_id: str, question: MessageView, message_id: str, started_at: datetime) -> None:
        self.conversation_id = conversation_id
        self.question = question
        self.message_id = message_id
        self.started_at = started_at
        self.text = ""
        self.reasoning = ""
        self.state = "waiting"  # waiting | writing | done | stopped | failed
        self.notes: tuple[str, ...] = ()
        self.model: str | None = None
        self.provider: str | None = None
        self.accent = "custom"
        self.monogram = ""
        self.answer: MessageView | None = None
        self._first_text: float | None = None
        self._version = 0
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopped = False

    @property
    def over(self) -> bool:
        return self.answer is not None

    @property
    def tokens_per_second(self) -> float | None:
        """Of what has been written so far, at four characters a token."""
        if self._first_text is None:
            return None
        elapsed = asyncio.get_running_loop().time() - self._first_text
        return (len(self.text) + len(self.reasoning)) / 4 / elapsed if elapsed > 0.5 else None

    async def updates(self) -> AsyncIterator[Turn]:
        """Yields at once and after changes, at most ten times a second; ends after the last change."""
        seen = -1
        while True:
            if seen != self._version:
                seen = self._version
                yield self
                if self.over:
                    return
                await asyncio.sleep(UPDATE_S)
            else:
                await self._changed.wait()

    def stop(self) -> None:
        """The person has read enough; what was written stays."""
        if self._task is not None and not self.over and not self._stopped:  # a second stop would end the storing
            self._stopped = True
            self._task.cancel()

    @property
    def was_stopped(self) -> bool:
        return self._stopped

    def run_as(self, task: asyncio.Task[None]) -> None:
        self._task = task

    def attempt(self, call: Call) -> None:
        """Takes over who is answering, and who did not."""
        if call.attempts:
            deployment = call.attempts[-1].deployment
            self.model, self.provider = deployment.model, deployment.provider

    def add(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case TextDelta(text=text) | RefusalDelta(text=text):
                    self.text += text
                case ReasoningDelta(text=text):
                    self.reasoning += text
        if self._first_text is None and (self.text or self.reasoning):
            self._first_text = asyncio.get_running_loop().time()
            self.state = "writing"
        self.touch()

    def finish(self, state: str, answer: MessageView) -> None:
        self.state, self.answer = state, answer
        self.touch()

    def touch(self) -> None:
        self._version += 1
        self._changed.set()
        self._changed = asyncio.Event()


class TurnClient:
    """The chat's side of a call: events instead of bytes."""

    def __init__(self, turn: Turn, call: Call) -> None:
        self._turn, self._call = turn, call

    async def start(self, status: int, headers: list[Header]) -> None:
        self._turn.attempt(self._call)
        self._turn.touch()

    async def write(self, data: Any) -> None:
        self._turn.add(data)

    async def finish(self, data: Any) -> None:
        if isinstance(data, ChatResult):
            raise TypeError("the chat asks for streams only")
        self._turn.add(data)

    async def fail(self, error: AnyGPTError) -> None:
        raise error
