"""From a call to its plan: what the model's name means, what the key may use, what routing needs to know."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import msgspec

from app.core.chat import ChatRequest
from app.core.clock import Clock
from app.core.errors import AnyGPTError, ContextTooLong, ModelNotFound, NoProvider, NotAllowed, Unsupported
from app.formats.registry import serving
from app.routing.compiled import TOO_LONG, Asked, CompiledRouter
from app.routing.deployment import Deployment
from app.routing.intent import Intent
from app.routing.plan import SURELY, Plan, make_plan, stick
from app.routing.question import Question
from app.routing.standing import Standing
from app.routing.wishes import Wishes, read_wishes
from app.services.gateway.admission import Admission
from app.services.gateway.call import Call
from app.services.gateway.stickiness import Stickiness
from app.services.health import Health
from app.services.intents import Intents
from app.services.router_canary import takes_canary
from app.services.snapshot import AUTO, Key, Snapshot, not_published
from app.services.state import State
from app.services.tiers import Tier

MAX_ASKED = 4096  # names by key that are remembered with what they mean
_NO_TEAMS: frozenset[str] = frozenset()


class Planner:
    """Reads only what is in memory."""

    def __init__(
        self,
        state: State,
        admission: Admission,
        health: Health,
        standing: Standing,
        stickiness: Stickiness,
        intents: Intents,
        clock: Clock,
        zone: ZoneInfo,
    ) -> None:
        self._state, self._admission, self._health = state, admission, health
        self._standing, self._zone = standing, zone
        self._intents = intents
        self._stickiness, self._monotonic = stickiness, clock.monotonic
        self._asked: dict[tuple[str, str | None], Asked] = {}  # by model and key
        self._asked_of: Snapshot | None = None

    def plan(self, call: Call) -> Plan:
        """The candidates for a call, at least one. Raises ClientError or Unavailable."""
        plan = self._planned(call, self._standing)
        if not plan.order:
            raise nobody(plan, call.peek.model)
        return plan

    def dry_run(self, call: Call, router: CompiledRouter | None = None) -> Plan:
        """The same without anybody losing a turn, and perhaps without anybody in it; by this router where one is
        given."""
        return self._planned(call, self._standing.aside(), router)

    def _planned(self, call: Call, standing: Standing, router: CompiledRouter | None = None) -> Plan:
        snapshot = self._state.current
        peek = call.peek
        asked = self._means(snapshot, call.key, peek.model)
        wishes = None
        if peek.extensions or asked.sort is not None:
            wishes = read_wishes(peek.extensions, asked.sort, snapshot.provider_words)
        call.tier = tier = _tier_of(call, snapshot)
        if tier is not None and tier.pattern is not None and call.key is None:
            asked = _opened(tier, asked)
        router = router or _router_of(call, snapshot, asked)
        call.router, call.compiled = router.name, router
        call.question = question = self._question(call, snapshot, router, asked, wishes)
        also = self._also(snapshot, call.key, wishes) if wishes is not None and wishes.models else ()
        call.plan = plan = make_plan(
            question,
            router,
            snapshot.routers,
            (asked, *also),
            self._health.blocked if self._health.doubts else None,
            standing,
        )
        if len(plan.order) > 1 and router.document.sticky and (wishes is None or not wishes.order):
            before = self._stickiness.find(call, self._monotonic())
            if before is not None:
                stick(plan, before)
        if not plan.order and (longer := router.fallbacks[TOO_LONG]) and _too_long(plan):
            plan.order = [each for each in longer if _fits(each.deployment, question)]
        return plan

    def _means(self, snapshot: Snapshot, key: Key | None, model: str) -> Asked:
        """What a key may use of what was asked for; the same object each time."""
        if snapshot is not self._asked_of:
            self._asked, self._asked_of = {}, snapshot
        name = (model, key.id if key is not None else None)
        asked = self._asked.get(name)
        if asked is None:
            asked = snapshot.resolve(model)
            if key is not None:
                asked = self._allowed(key, asked)
            if len(self._asked) >= MAX_ASKED:
                self._asked.clear()
            self._asked[name] = asked
        return asked

    def _allowed(self, key: Key, asked: Asked) -> Asked:
        """`auto` and a router's name open no model that the key's list leaves out, unless the list names them too."""
        if asked.alias != AUTO and asked.router is None:
            self._admission.check_model(key, asked.alias)
            return asked
        if key.may_use(asked.alias):
            return asked
        allowed = tuple(each for each in asked.deployments if key.may_use(each.alias))
        return msgspec.structs.replace(asked, deployments=allowed)

    def _also(self, snapshot: Snapshot, key: Key | None, wishes: Wishes) -> list[Asked]:
        """What a client would also take; of names that mean nothing here, or not for this key, nothing is said."""
        found = []
        for model in wishes.models:
            try:
                found.append(self._means(snapshot, key, model))
            except (ModelNotFound, NotAllowed):
                continue
        return found

    def _intent(self, call: Call, input_tokens: int) -> Intent | None:
        if isinstance(call.request, ChatRequest):
            return self._intents.of_request(call.request, input_tokens)
        if call.format is None or call.format.asks != "chat":
            return None
        return self._intents.of_body(call.format.name, call.body, input_tokens)

    def _question(
        self, call: Call, snapshot: Snapshot, router: CompiledRouter, asked: Asked, wishes: Wishes | None
    ) -> Question:
        key, peek = call.key, call.peek
        person = key.person if key is not None else call.person
        now = call.at
        budgets = self._admission.budgets(key)
        asks_budget = budgets is not None and (router.asks_budget or router.leads_on)
        question = Question(
            model=peek.model,
            needs=peek.needs,
            input_tokens=-(-peek.input_bytes // 3),
            max_tokens=peek.max_tokens,
            stream=peek.stream,
            key=key.name if key is not None else None,
            person=person.email if person is not None else None,
            teams=snapshot.teams.get(person.id, _NO_TEAMS) if person is not None else _NO_TEAMS,
            tier=call.tier.name if call.tier is not None else None,
            least_score=call.tier.min_score if call.tier is not None else 0.0,
            tags=call.tags,
            now=now,
            zone=self._zone,
            budget_left=budgets.left_share(now) if asks_budget and budgets is not None else None,
            refuse_unknown_price=budgets is not None and key is not None and key.unknown_price == "refuse",
            wishes=wishes,
        )
        if router.asks_intent or asked.automatic:
            question.intent = self._intent(call, question.input_tokens)
        if call.format is not None and call.format.asks != "chat":
            question.asks, question.formats = call.format.asks, serving(call.format.name, call.format.asks)
        return question


def _tier_of(call: Call, snapshot: Snapshot) -> Tier | None:
    if call.key is not None:
        return call.key.in_tier
    return snapshot.runtime.tiers.get(call.person.tier) if call.person is not None and call.person.tier else None


def _opened(tier: Tier, asked: Asked) -> Asked:
    """What a person's tier opens of what the chat asks for."""
    pattern = tier.pattern
    assert pattern is not None
    if asked.alias != AUTO and asked.router is None:
        if not pattern.fullmatch(asked.alias):
            raise NotAllowed(f'Your tier "{tier.name}" does not open the model "{asked.alias}". Ask an admin.')
        return asked
    found = tuple(each for each in asked.deployments if pattern.fullmatch(each.alias))
    return msgspec.structs.replace(asked, deployments=found)


def _router_of(call: Call, snapshot: Snapshot, asked: Asked) -> CompiledRouter:
    name = asked.router or (call.key.router if call.key is not None else None) or "default"
    if asked.router is not None and call.key is not None and call.key.router not in (None, asked.router):
        raise NotAllowed(f'This API key belongs to router "{call.key.router}" and cannot use "{asked.router}".')
    router = snapshot.routers.get(name)
    if router is None:
        if name in snapshot.unpublished:
            raise NoProvider(not_published(name))
        raise NoProvider(f'The router "{name}" does not exist or is disabled. An admin can give the key another one.')
    if snapshot.canaries and (canary := snapshot.canaries.get(name)) is not None:
        compiled, percent = canary
        # one conversation stays in one arm
        if takes_canary(call.conversation_id or call.session or call.id, name, compiled.version, percent):
            return compiled
    return router


def _too_long(plan: Plan) -> bool:
    return bool(plan.dropped) and all("input of about" in dropped.because for dropped in plan.dropped)


def _fits(deployment: Deployment, question: Question) -> bool:
    window = deployment.context_window
    unpriced = question.refuse_unknown_price and deployment.price is None
    return not unpriced and (window is None or question.input_tokens * SURELY <= window)


def nobody(plan: Plan, model: str) -> AnyGPTError:
    reasons = "; ".join(f"{dropped.deployment}: {dropped.reason}" for dropped in plan.dropped[:8])
    if plan.missing:
        return Unsupported(
            f'"{model}" lacks what the request needs ({", ".join(sorted(plan.missing))}): {reasons}.', field="model"
        )
    if plan.dropped and all("price unknown" in dropped.because for dropped in plan.dropped):
        return NotAllowed(
            f'The price of "{model}" is unknown, and a key with a budget refuses such models. '
            "An admin can enter the price, or allow unknown prices for this key.",
            field="model",
        )
    if _too_long(plan):
        return ContextTooLong(
            f'The input is too long for "{model}": {reasons}.', upstream_code="context_length_exceeded"
        )
    if plan.rule is None:
        return NoProvider(
            f'No rule of router "{plan.router}" matches this request. An admin can add one without conditions.'
        )
    detail = f" ({reasons})" if reasons else ""
    return NoProvider(f'No provider can answer for "{model}" through router "{plan.router}"{detail}.', retry_after=5.0)
