"""One request of a client on its way, and the side that waits for its answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from app.core.chat import ChatRequest, FinishReason, Usage
from app.core.errors import AnyGPTError
from app.db.types import micros
from app.formats.base import ClientFormat, Peek, UploadBody
from app.routing.compiled import CompiledRouter
from app.routing.deployment import Deployment
from app.routing.plan import Plan
from app.routing.question import Question
from app.services.budgets import Reservation
from app.services.limits import Admitted, KeyLimits
from app.services.snapshot import Key
from app.services.tiers import Tier
from app.services.views import Person

Header = tuple[bytes, bytes]


class ClientSide(Protocol):
    """Where an answer goes. `start` comes before the first `write`; nothing follows `finish`.

    The API's side takes bytes; the chat's takes lists of events, and a ChatResult at the end of a whole answer."""

    async def start(self, status: int, headers: list[Header]) -> None: ...
    async def write(self, data: Any) -> None: ...
    async def finish(self, data: Any) -> None: ...

    async def fail(self, error: AnyGPTError) -> None:
        """In-band where the answer has begun; raises the error where it has not."""
        ...


class Upload(Protocol):
    """A form with a file, kept off memory, so that it can be sent more than once."""

    content_type: str

    def naming(self, model: str) -> UploadBody:
        """The form as it came, with another model's name in it."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What came before a call that goes on from a stored response: its items as JSON, the client's body with them in
    it, and the deployment that knows them by the response's id and takes the body as it came."""

    deployment_id: str | None
    items: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """An answer that was given before: by whom, and to which request."""

    body: bytes
    deployment: Deployment
    request_id: str
    content_type: str | None = None


@dataclass(slots=True)
class AttemptRecord:
    """What one call to one deployment came to. Times are monotonic seconds; costs nano-dollars."""

    id: str
    position: int
    deployment: Deployment
    credential_id: str
    at: int  # microseconds since 1970
    started: float
    reserved: int | None = None  # the most it may cost, for what a crash leaves open
    status: int = 0
    error: str | None = None
    label: str = ""
    ended: float = 0.0
    first_content: float | None = None
    usage: Usage | None = None
    approximated: list[str] = field(default_factory=list)  # what the provider's format says only roughly, or not
    said: str | None = None  # of a whole answer without usage
    cost: int | None = None

    @property
    def latency_ms(self) -> int:
        return max(round((self.ended - self.started) * 1000), 0)

    @property
    def first_token_ms(self) -> int | None:
        return None if self.first_content is None else round((self.first_content - self.started) * 1000)


@dataclass(slots=True)
class Call:
    """`format` and `body` for the API; only `request` for the chat, which has no bytes."""

    id: str
    at: datetime
    started: float
    peek: Peek
    format: ClientFormat | None = None
    body: bytes = b""
    upload: Upload | None = None
    context: Context | None = None
    request: ChatRequest | Any = None  # of the format's operation, once decoded
    key: Key | None = None
    person: Person | None = None
    conversation_id: str | None = None
    tags: frozenset[str] = frozenset()
    wants_metadata: bool = False
    wants_cache: bool = False  # asks for a kept answer, whatever its temperature
    stores: bool = False  # its answer is kept under its id for the key that asked, unless it says `store: false`
    session: str | None = None  # as the client calls its conversation
    tier: Tier | None = None
    passed: dict[str, str] = field(default_factory=dict)  # headers that mean something to a provider of the same format
    path_model: str | None = None  # where model and streaming stand in the path (Gemini)
    path_stream: bool | None = None
    content_type: str | None = None  # the provider's own, for answers whose type it chooses

    task: asyncio.Task[Any] | None = None  # that runs it

    # filled on the way
    router: str = "default"
    compiled: CompiledRouter | None = None  # the version of it that decides
    question: Question | None = None
    plan: Plan | None = None
    limits: KeyLimits | None = None
    admitted: Admitted | None = None
    reservation: Reservation | None = None
    reserved_output: int = 0
    ceilings: dict[str, int] = field(default_factory=dict)  # the most it may cost, by deployment, where that was needed
    conversation: bytes | None = None  # what stands for it, where it may stay with its deployment
    cached: CachedAnswer | None = None
    cache_key: bytes | None = None  # under which its answer is to be kept
    attempts: list[AttemptRecord] = field(default_factory=list)
    finish: FinishReason | None = None
    status: int = 0
    error: str | None = None
    begun: bool = False  # content has reached the client: no failover any more
    left: bool = False  # the client went away
    recorded: bool = False
    settled_cost: int | None = None  # set with `recorded`
    at_us: int = field(init=False)  # `at` in microseconds since 1970

    def __post_init__(self) -> None:
        self.at_us = micros(self.at)

    def body_at(self, deployment: Deployment | None = None) -> bytes:
        """The body for a deployment's provider, or for reading."""
        context = self.context
        if context is None or (deployment is not None and deployment.id == context.deployment_id):
            return self.body
        return context.body

    @property
    def format_name(self) -> str:
        return self.format.name if self.format is not None else "chat"

    @property
    def cost(self) -> int | None:
        """The sum over the attempts; None where one that used tokens has no known price."""
        if self.recorded:
            return self.settled_cost
        total = 0
        for attempt in self.attempts:
            if attempt.usage is not None:
                if attempt.cost is None:
                    return None
                total += attempt.cost
        return total

    @property
    def tokens(self) -> int:
        """Of all attempts, in and out."""
        total = 0
        for attempt in self.attempts:
            if attempt.usage is not None:
                total += attempt.usage.input + attempt.usage.output
        return total

    def metadata(self, budget_left: str | None, cost: str | None) -> dict[str, Any]:
        """The `anygpt` object that a client may ask for."""
        last = self.attempts[-1].deployment if self.attempts else None
        return {
            "request_id": self.id,
            "router": self.router,
            "rule": self.plan.rule if self.plan is not None else None,
            "provider": last.provider if last is not None else None,
            "model": last.model if last is not None else None,
            "cost_usd": cost,
            "budget_remaining_usd": budget_left,
            "attempts": [
                {
                    "provider": attempt.deployment.provider,
                    "model": attempt.deployment.model,
                    "status": attempt.status,
                    "error": attempt.error,
                    "latency_ms": attempt.latency_ms,
                }
                for attempt in sorted(self.attempts, key=lambda attempt: attempt.position)
            ],
        }
