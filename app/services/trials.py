"""A small real call to one deployment, so that a person sees whether it answers: paid for, and in the ledger."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from app.core.chat import ChatRequest, Message, Role, Text
from app.core.clock import Clock
from app.core.errors import AnyGPTError, BadRequest, GatewayTimeout, NotFound, UpstreamError
from app.core.ids import new_id
from app.core.money import show_usd
from app.formats.base import Peek
from app.routing.deployment import Deployment
from app.routing.document import RouterDocument
from app.routing.strategies.base import Candidate
from app.services.gateway.alarm import Deadline
from app.services.gateway.attempt import Attempts
from app.services.gateway.call import Call
from app.services.gateway.gateway import Gateway
from app.services.health import Health
from app.services.snapshot import Credential, Provider
from app.services.state import State
from app.services.views import Person

QUESTION = "Answer with one word: are you there?"
MOST_OUTPUT = 16  # tokens; the least that every provider accepts
QUESTION_TOKENS = 32  # with what providers put around it
PATIENCE = RouterDocument(name="trial", timeout_s=30, first_token_timeout_s=30, idle_timeout_s=30)
TAG = "provider-test"


@dataclass(frozen=True, slots=True)
class TrialPlan:
    """`cost`: the most it may cost, nano-dollars; None: the price is unknown."""

    deployment: Deployment
    cost: int | None

    @property
    def cost_words(self) -> str:
        if self.cost is None:
            return "its price is unknown"
        return f"at most {show_usd(self.cost)}" if self.cost else "it costs nothing"


@dataclass(frozen=True, slots=True)
class TrialResult:
    ok: bool
    sentence: str
    request_id: str
    cost: int | None
    latency_ms: int


class Trials:
    def __init__(self, state: State, gateway: Gateway, attempts: Attempts, health: Health, clock: Clock) -> None:
        self._state, self._gateway, self._attempts = state, gateway, attempts
        self._health, self._clock = health, clock

    def plan(self, provider_id: str, model: str | None = None) -> TrialPlan:
        """Which model would be asked (the cheapest that chats, unless one is named), and what that costs at most.
        Raises NotFound, and BadRequest where there is none to ask."""
        provider = self._provider(provider_id)
        chats = [
            each.deployment
            for each in provider.models
            if (each.enabled or model is not None)
            and (each.deployment.capabilities is None or "chat" in each.deployment.capabilities)
            and model in (None, each.deployment.model)
        ]
        if not chats:
            raise BadRequest(f"{provider.name} has no model switched on that chats, so there is none to try.")
        plans = [TrialPlan(each, _cost(each)) for each in chats]
        return min(plans, key=lambda plan: (plan.cost is None, plan.cost or 0, plan.deployment.model))

    async def run(
        self, person: Person, provider_id: str, model: str | None = None, credential_id: str | None = None
    ) -> TrialResult:
        """Asks with the next key in turn, or the one that is named. It counts like any request of that person: in the
        ledger, for the breaker, the key's cooling and the numbers. Raises NotFound or BadRequest before the call."""
        planned = self.plan(provider_id, model)
        provider = self._provider(provider_id)
        credential = self._credential(provider, credential_id)
        call = self._call(person, planned.deployment)
        work = asyncio.create_task(self._ask(call, planned.deployment, provider, credential), name="trial call")
        try:
            await work
        except AnyGPTError as error:
            said = error.message if isinstance(error, UpstreamError | GatewayTimeout) else str(error)
            call.status, call.error = error.status, said
            await self._gateway.commit(call)
            return TrialResult(False, said, call.id, call.cost, self._elapsed(call))
        cost = "its price is unknown" if call.cost is None else show_usd(call.cost)
        took = self._elapsed(call)
        return TrialResult(
            True, f"{planned.deployment.model} answered in {took} ms ({cost}).", call.id, call.cost, took
        )

    async def _ask(self, call: Call, deployment: Deployment, provider: Provider, credential: Credential) -> None:
        task = asyncio.current_task()
        assert task is not None
        call.task = task
        await self._attempts.run(
            call,
            _Listener(),
            Candidate(deployment),
            provider,
            credential,
            Deadline(task, PATIENCE),
            self._gateway.commit,
        )

    def _call(self, person: Person, deployment: Deployment) -> Call:
        model = f"{deployment.provider}/{deployment.model}"
        return Call(
            id=new_id("req"),
            at=self._clock.now(),
            started=self._clock.monotonic(),
            peek=Peek(model=model, stream=False, max_tokens=MOST_OUTPUT, input_bytes=len(QUESTION)),
            request=ChatRequest(
                model=deployment.model, messages=[Message(Role.USER, [Text(QUESTION)])], max_tokens=MOST_OUTPUT
            ),
            person=person if person.id in self._state.current.people else None,
            tags=frozenset({TAG}),
            router="",
        )

    def _credential(self, provider: Provider, credential_id: str | None) -> Credential:
        if credential_id is None:
            found = self._health.credential(provider, set())
        else:
            found = next((each for each in provider.credentials if each.id == credential_id), None)
        if found is None:
            raise BadRequest(f"{provider.name} has no such key to try.")
        return found

    def _provider(self, provider_id: str) -> Provider:
        provider = self._state.current.provider_named(provider_id)
        if provider is None:
            raise NotFound(f'There is no provider "{provider_id}".')
        return provider

    def _elapsed(self, call: Call) -> int:
        return round((self._clock.monotonic() - call.started) * 1000)


class _Listener:
    """Where the answer goes: nobody reads it."""

    async def start(self, status: int, headers: list[Any]) -> None:
        pass

    async def write(self, data: Any) -> None:
        pass

    async def finish(self, data: Any) -> None:
        pass

    async def fail(self, error: AnyGPTError) -> None:
        raise error


def _cost(deployment: Deployment) -> int | None:
    return None if deployment.price is None else deployment.price.ceiling(QUESTION_TOKENS, MOST_OUTPUT)
