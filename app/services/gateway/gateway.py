"""The gateway: one request from admission to its ledger row, for the API and the chat page alike."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from app.core.clock import Clock
from app.core.errors import (
    AllAttemptsFailed,
    AnyGPTError,
    GatewayTimeout,
    NoProvider,
    RateLimited,
    RequestRefused,
    Throttled,
    Unsupported,
    UpstreamError,
    UpstreamTimeout,
)
from app.routing.compiled import TOO_LONG, CompiledRouter
from app.routing.deployment import Deployment, output_limit
from app.routing.document import Cache
from app.routing.strategies.base import Candidate
from app.services.gateway.admission import Admission
from app.services.gateway.alarm import Deadline, running
from app.services.gateway.answer_cache import AnswerCache, Recorder
from app.services.gateway.answer_headers import answer_headers
from app.services.gateway.attempt import Attempts
from app.services.gateway.call import CachedAnswer, Call, ClientSide
from app.services.gateway.hedging import Entrant, Hedge
from app.services.gateway.planning import Planner
from app.services.gateway.record import ended
from app.services.gateway.stickiness import Stickiness
from app.services.health import Health
from app.services.snapshot import Snapshot
from app.services.spool import DurableWriter
from app.services.state import State

MAX_CALLS = 20  # upstream calls of one request, whatever the router says: many keys of one provider may be bad
LEFT = 499  # the client went away before the end


class Gateway:
    def __init__(
        self,
        state: State,
        admission: Admission,
        health: Health,
        planner: Planner,
        hedge: Hedge,
        stickiness: Stickiness,
        attempts: Attempts,
        writer: DurableWriter,
        clock: Clock,
    ) -> None:
        self.state, self.admission, self.health, self.planner = state, admission, health, planner
        self._attempts, self._writer, self._clock = attempts, writer, clock
        self.hedge, self._stickiness, self._cache = hedge, stickiness, AnswerCache()
        self._ended: list[Callable[[Call], None]] = []
        self.running = 0
        self.served = 0
        self._quiet: asyncio.Event | None = None

    async def run(self, call: Call, client: ClientSide) -> None:
        """Answers the client. Raises AnyGPTError while nothing was sent to it; later errors go in-band."""
        self.running += 1
        try:
            planned = self.prepare(call)
            if call.cached is not None:
                await self._answer_again(call, client, call.cached)
            elif call.cache_key is not None:
                await self._answer_and_keep(call, client, planned)
            else:
                await self._answer(call, client, planned)
            if call.conversation is not None and call.attempts:
                self._stickiness.note(call, call.attempts[-1].deployment.id, self._clock.monotonic())
        except AnyGPTError as error:
            await self._failed(call, error)
            await client.fail(error)
        except asyncio.CancelledError:
            call.left = True
            call.status, call.error = LEFT, "the client left before the end"
            await self.commit(call)
            raise
        finally:
            self._release(call)

    def prepare(self, call: Call) -> list[Candidate]:
        """Everything before the first attempt: plan, limits, reservation. Raises ClientError or Unavailable."""
        self._writer.check()
        plan = self.planner.plan(call)
        if (router := call.compiled) is not None and router.document.cache is not None:
            self._look_up(call, router, router.document.cache)
        planned = self.admission.reserve(call, plan.order) if call.cached is None else []
        # last, since only admitted requests count; what was reserved for one that is not is given back at its end
        self.admission.admit(call, call.question.input_tokens if call.question is not None else 0)
        if call.peek.stream and planned:
            call.reserved_output = max([output_limit(call.peek.max_tokens, each.deployment) for each in planned])
        return planned

    def _look_up(self, call: Call, router: CompiledRouter, cache: Cache) -> None:
        key = self._cache.key(call, cache, router.version)
        if key is None:
            return
        call.cached = self._cache.get(router.name, key, self._clock.monotonic())
        if call.cached is None:
            call.cache_key = key

    async def _answer_again(self, call: Call, client: ClientSide, cached: CachedAnswer) -> None:
        call.status, call.content_type = 200, cached.content_type
        await self.commit(call)
        await client.start(200, answer_headers(call, self._clock.monotonic(), with_cost=True))
        call.begun = True
        await client.finish(cached.body)

    async def _answer_and_keep(self, call: Call, client: ClientSide, planned: list[Candidate]) -> None:
        recorder = Recorder(client)
        await self._answer(call, recorder, planned)
        router, key = call.compiled, call.cache_key
        if router is None or key is None or (cache := router.document.cache) is None or not call.attempts:
            return
        if (answer := recorder.answer(call, call.attempts[-1].deployment)) is not None:
            self._cache.put(router.name, key, answer, cache, self._clock.monotonic())

    async def settled(self) -> None:
        """Returns when no call runs any more."""
        while self.running:
            self._quiet = asyncio.Event()
            await self._quiet.wait()

    async def follow(self, snapshot: Snapshot) -> None:
        """Forgets the answers of routers that keep none any more."""
        routers = snapshot.routers.values()
        self._cache.forget({router.name for router in routers if router.document.cache is not None})

    def on_end(self, listener: Callable[[Call], None]) -> None:
        self._ended.append(listener)

    async def commit(self, call: Call) -> None:
        """Settles what was reserved and writes the ledger; returns when the rows are safe. Does so once."""
        if call.recorded:
            return
        call.settled_cost = call.cost
        call.recorded = True
        if call.reservation is not None:
            call.reservation.settle(call.cost or 0, self._clock.now())
        try:
            await self._writer.commit(ended(call, self._clock.monotonic()))
        finally:  # a client that leaves meanwhile changes nothing: the rows are in good hands
            for listener in self._ended:
                listener(call)

    async def _answer(self, call: Call, client: ClientSide, planned: list[Candidate]) -> None:
        router = call.compiled
        assert router is not None
        document = router.document
        deadline = Deadline(call.task or running(), document)
        failures: list[UpstreamError] = []
        unsaid: Unsupported | None = None
        ahead = deque(planned[: document.max_attempts])
        well = call.plan is not None and not call.plan.unwell
        while ahead:
            each = ahead.popleft()
            if ahead and failures and well and self.health.blocked(each.deployment) is not None:
                continue  # others met its failure meanwhile
            provider = self.state.current.providers.get(each.deployment.provider_id)
            if provider is None:  # deleted meanwhile
                continue
            tried: set[str] = set()
            while (credential := self.health.credential(provider, tried)) is not None and len(failures) < MAX_CALLS:
                tried.add(credential.id)
                if deadline.over():
                    raise GatewayTimeout(
                        f"No answer within {document.timeout_s:g} s, the time-out of router {document.name}. "
                        + _what_each_said(call)
                    )
                try:
                    least = document.min_tokens_per_s if ahead and call.peek.stream else None
                    if document.hedge and ahead and (wait := self.hedge.wait(call, each)) is not None:
                        first = Entrant(each, provider, credential)
                        failures += await self.hedge.run(call, client, first, ahead, deadline, wait, self.commit, least)
                    else:
                        await self._attempts.run(
                            call, client, each, provider, credential, deadline, self.commit, least_rate=least
                        )
                    return
                except Unsupported as error:  # this provider's format cannot say what was asked
                    unsaid = error
                    break
                except UpstreamError as error:
                    failures.append(error)
                    if call.begun:
                        raise
                    if not error.retry and error.status != 404:
                        room = document.max_attempts - len(failures)
                        ahead = deque(self._instead(call, router, each, ahead, error)[: max(room, 1)])
                        if not ahead:
                            raise
                        break
                    if not _concerns_key(error):
                        break
        raise unsaid if unsaid is not None and not failures else _all_failed(call, failures)

    def _instead(
        self,
        call: Call,
        router: CompiledRouter,
        refused: Candidate,
        ahead: Iterable[Candidate],
        error: UpstreamError,
    ) -> list[Candidate]:
        """Who may answer what one provider refuses by its nature: of too long inputs those with a larger window, else
        as the router says. Only who fits what is left of the budget."""
        named = router.fallbacks.get(error.code, ())
        window = refused.deployment.context_window
        larger = [each for each in ahead if _larger(each.deployment, window)] if error.code == TOO_LONG else []
        tried = {attempt.deployment.id for attempt in call.attempts}
        found = [each for each in (*larger, *named) if each.deployment.id not in tried]
        return [each for each in found if self.admission.affords(call, each)]

    async def _failed(self, call: Call, error: AnyGPTError) -> None:
        call.status, call.error = error.status, error.message
        flood = isinstance(error, RateLimited)  # over the limit, or while the disk is full: no row for each
        known = call.key is not None or call.person is not None
        if call.attempts or (known and not flood and not self._writer.spooling):
            await self.commit(call)

    def _release(self, call: Call) -> None:
        self.running -= 1
        if self._quiet is not None and not self.running:
            self._quiet.set()
        self.served += 1
        self.leave(call)

    def leave(self, call: Call) -> None:
        """Gives back what a call holds of its key's limits and budget."""
        if call.limits is not None and call.admitted is not None:
            call.limits.finish(self._clock.monotonic(), call.admitted, call.tokens)
        if call.reservation is not None and not call.reservation.settled:
            call.reservation.settle(call.cost or 0, self._clock.now())


def _larger(deployment: Deployment, window: int | None) -> bool:
    return deployment.context_window is not None and (window is None or deployment.context_window > window)


def _all_failed(call: Call, failures: list[UpstreamError]) -> AnyGPTError:
    """One error for many: 429 if every candidate said so, 504 if all timed out, a 404 as it came, else 502."""
    if not failures:
        return NoProvider(
            f'No provider with a usable key can answer for "{call.peek.model}". Check the Providers page.'
        )
    if all(isinstance(error, RequestRefused) for error in failures):
        return failures[-1]
    waits = [error.retry_after for error in failures if error.retry_after is not None]
    said = _what_each_said(call)
    if all(isinstance(error, Throttled) for error in failures):
        return AllAttemptsFailed(
            f"Every provider is rate limiting. {said}", status=429, retry_after=min(waits, default=5.0)
        )
    if all(isinstance(error, UpstreamTimeout) for error in failures):
        return AllAttemptsFailed(f"No provider answered in time. {said}", status=504)
    return AllAttemptsFailed(f"Every attempt failed. {said}")


def _what_each_said(call: Call) -> str:
    return " ".join(
        f"{attempt.deployment.provider} ({attempt.deployment.model}): {(attempt.error or 'no answer').rstrip('.')}."
        for attempt in call.attempts
    )


def _concerns_key(error: UpstreamError) -> bool:
    """Whether the next key of the same provider may do better."""
    return error.code in ("provider_key_refused", "provider_rate_limited")
