"""Counting the tokens of a question before it is asked: at the provider where it counts, else here."""

from __future__ import annotations

import asyncio

import msgspec

from app.core.chat import ChatRequest
from app.core.errors import BadRequest, RequestRefused, UpstreamError
from app.formats.counting import COUNTERS
from app.formats.failures import read_error
from app.routing.strategies.base import Candidate
from app.services.gateway.admission import Admission
from app.services.gateway.call import Call
from app.services.gateway.estimate import Estimator
from app.services.gateway.gateway import Gateway
from app.services.health import Health
from app.services.state import State

PATIENCE_S = 10.0
MAX_ANSWER = 1024 * 1024


class Counting:
    """A count costs nothing, is no request of the ledger, and says nothing about a deployment's health."""

    def __init__(
        self, state: State, gateway: Gateway, admission: Admission, health: Health, estimator: Estimator
    ) -> None:
        self._state, self._gateway, self._admission = state, gateway, admission
        self._health, self._estimator = health, estimator

    async def count(self, call: Call) -> int:
        """Tokens of the question for the deployment that would answer it. Raises ClientError, Unavailable, or what
        the provider finds wrong with the question."""
        planned = self._gateway.planner.plan(call).order[0]
        self._admission.admit(call, 0)
        try:
            counted = await self._at_provider(call, planned)
            return await self._estimator.question(call, planned.deployment.model) if counted is None else counted
        finally:
            self._gateway.leave(call)

    async def _at_provider(self, call: Call, planned: Candidate) -> int | None:
        """None where the provider cannot or does not count."""
        name = next((name for name in planned.deployment.formats if name in COUNTERS), None)
        provider = self._state.current.providers.get(planned.deployment.provider_id)
        if name is None or provider is None or (credential := self._health.credential(provider, set())) is None:
            return None
        assert call.format is not None
        counter, model = COUNTERS[name], planned.deployment.model
        if call.format is counter.format:
            upstream_call = counter.call(call.body, model)
            upstream_call.headers = upstream_call.headers | call.passed
        else:
            request = call.format.decode_request(call.body, call.path_model, call.path_stream)
            if not isinstance(request, ChatRequest):
                raise BadRequest("Only questions of chat can be counted.")
            upstream_call = counter.call_for(msgspec.structs.replace(request, stream=False), model)
        try:
            async with asyncio.timeout(PATIENCE_S):
                answer = await provider.upstream.call(name, upstream_call, credential.secret, read_error)
                return counter.read(await answer.read(MAX_ANSWER))
        except RequestRefused as error:
            if error.status == 404:  # the model is there, its counting is not
                return None
            raise
        except (UpstreamError, TimeoutError):
            return None
