"""A dry run: what a router would do with a request, without calling anyone and without moving anybody's turn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from app.core.clock import Clock
from app.core.errors import BadRequest, NotFound
from app.core.ids import new_id
from app.core.money import format_usd, show_usd
from app.db.engine import Database
from app.formats.base import Peek
from app.formats.registry import CLIENT_FORMATS
from app.routing.checks import read_document
from app.routing.compiled import CompiledRouter
from app.routing.decision import kept, shown
from app.routing.intent import Intent
from app.routing.numbers import Numbers
from app.routing.plan import Plan
from app.routing.question import Question
from app.routing.standing import Standing
from app.routing.strategies.base import Candidate
from app.routing.strategies.expected import expected_costs, expected_output
from app.services.gateway.call import Call
from app.services.gateway.planning import Planner, nobody
from app.services.gateway.tags import read_tags
from app.services.intents import Intents
from app.services.router_documents import with_rule_ids
from app.services.router_rows import BUILT_IN_ID, router_named
from app.services.router_views import Explained
from app.services.snapshot import AUTO, Key, not_published
from app.services.state import State
from app.services.views import Person

FORMAT = CLIENT_FORMATS["openai-chat"]


class Explain:
    def __init__(
        self, db: Database, state: State, planner: Planner, standing: Standing, intents: Intents, clock: Clock
    ) -> None:
        self._db, self._state, self._planner = db, state, planner
        self._standing, self._intents, self._clock = standing, intents, clock

    async def explain(
        self,
        router: str,
        request: dict[str, Any],
        *,
        document: dict[str, Any] | None = None,
        draft: bool = False,
        key: str | None = None,
        person: str | None = None,
    ) -> Explained:
        """By the live version of a router (its id or name), by its draft, or by a document. The request is one of
        OpenAI's chat completions, or `text` with or without a `model` (else `auto`). As the key or the person would
        ask it, where one is named. Raises BadRequest, NotFound, and what a client would be told before any router is
        asked: ModelNotFound, NotAllowed."""
        name, version, stored = await self._router(router, draft and document is None)
        body, peek = await asyncio.to_thread(_read, request)
        compiled = self._state.current.routers.get(name)
        if document is not None or stored is not None:
            given = {**(document if document is not None else stored or {}), "name": name}
            compiled = await asyncio.to_thread(self._compile, given, version)
        if compiled is None:
            raise NotFound(not_published(name))
        by_key = self._key(key) if key is not None else None
        call = Call(
            id=new_id("req"),
            at=self._clock.now(),
            started=self._clock.monotonic(),
            peek=peek,
            format=FORMAT,
            body=body,
            key=by_key,
            person=by_key.person if by_key is not None else self._person(person),
            tags=read_tags(peek.metadata),
        )
        tokens = -(-peek.input_bytes // 3)
        # worked out here even where no rule asks for it: who looks wants to see it
        intent = await asyncio.to_thread(self._intents.of_body, FORMAT.name, body, tokens)
        started = time.perf_counter_ns()
        plan = self._planner.dry_run(call, compiled)
        took_us = (time.perf_counter_ns() - started) // 1000
        assert call.question is not None
        return self._told(plan, call.question, compiled, intent, took_us)

    async def _router(self, id_or_name: str, draft: bool) -> tuple[str, int, dict[str, Any] | None]:
        """Its name, its live version, and its draft where that is wanted and there is one."""
        if not draft and id_or_name in self._state.current.routers:
            return id_or_name, self._state.current.routers[id_or_name].version, None
        found = await self._db.read(
            lambda session: (
                (row.name, row.live_version, row.draft) if (row := router_named(session, id_or_name)) else None
            )
        )
        if found is None:
            if id_or_name not in (BUILT_IN_ID, "default"):
                raise NotFound(f'There is no router "{id_or_name}".')
            return "default", 0, None
        name, version, stored = found
        return name, version, stored if draft else None

    def _compile(self, document: dict[str, Any], version: int) -> CompiledRouter:
        return CompiledRouter(with_rule_ids(read_document(document)), version, self._state.current.find_target)

    def _key(self, id_or_name: str) -> Key:
        keys = self._state.current.keys_by_id
        found = keys.get(id_or_name) or next((key for key in keys.values() if key.name == id_or_name), None)
        if found is None:
            raise NotFound(f'There is no key "{id_or_name}".')
        return found

    def _person(self, id_or_email: str | None) -> Person | None:
        if id_or_email is None:
            return None
        snapshot = self._state.current
        found = snapshot.people.get(id_or_email) or snapshot.by_email.get(id_or_email.strip().lower())
        if found is None:
            raise NotFound(f'There is no person "{id_or_email}".')
        return found

    def _told(self, plan: Plan, question: Question, router: CompiledRouter, intent: Intent, took_us: int) -> Explained:
        decision = shown(kept(plan, question))
        numbers = self._standing.numbers
        costs = expected_costs(plan.order, question, expected_output(plan.order, question, numbers))
        for candidate, planned, cost in zip(decision["candidates"], plan.order, costs, strict=False):
            candidate["numbers"] |= _figures(numbers.get(planned.deployment.id), cost)
        place = next((at for at, rule in enumerate(router.rules) if rule.matches(question)), None)
        return Explained(
            router=plan.router,
            version=plan.version,
            rule=plan.rule,
            rule_id=None if place is None else router.document.rules[place].id or None,
            strategy=plan.strategy,
            needs=tuple(sorted(question.needs)),
            input_tokens=question.input_tokens,
            intent=intent,
            candidates=decision["candidates"],
            order=decision["order"],
            sentence=_sentence(plan, question, router, place, costs, numbers),
            took_us=took_us,
        )


def _read(request: dict[str, Any]) -> tuple[bytes, Peek]:
    """The request as bytes of the wire, and what the gateway sees of it: read by what reads real ones."""
    value = dict(request)
    text = value.pop("text", None)
    if text is not None:
        if not isinstance(text, str):
            raise BadRequest("text: what a person would ask, as a string.", field="text")
        value.setdefault("messages", [{"role": "user", "content": text}])
    if "messages" not in value:
        raise BadRequest("messages: give the messages of a request, or a text.", field="messages")
    value.setdefault("model", AUTO)
    try:
        body = orjson.dumps(value)
    except (TypeError, orjson.JSONEncodeError) as error:
        raise BadRequest(f"The request is no JSON: {error}.") from None
    return body, FORMAT.peek(body)


def _figures(known: Numbers | None, cost: float | None) -> dict[str, Any]:
    found: dict[str, Any] = {"cost_usd": None if cost is None else format_usd(round(cost))}
    if known is not None:
        if known.first_token.mean is not None:
            found["first_token_ms"] = round(known.first_token.mean * 1000)
        if known.rate.mean is not None:
            found["tokens_per_s"] = round(known.rate.mean, 1)
        if known.success.mean is not None:
            found["success"] = round(known.success.mean, 4)
    return found


def _sentence(
    plan: Plan,
    question: Question,
    router: CompiledRouter,
    place: int | None,
    costs: Sequence[float | None],
    numbers: Mapping[str, Numbers],
) -> str:
    """«Rule 2 (long input) matches. claude-sonnet-4-5 at anthropic, about $0.0121, first token 640 ms. If it fails
    before the first token: gpt-4.1 at openai-main.»"""
    if place is None and not plan.order:
        return nobody(plan, question.model).message
    document = router.document
    if place is None:
        head = "No rule matches."
    else:
        name = document.rules[place].name
        head = f"Rule {place + 1} ({name}) matches." if name else f"Rule {place + 1} matches."
    if not plan.order:
        return f"{head} {nobody(plan, question.model).message}"
    first, *others = plan.order[: document.max_attempts]
    cost = costs[0] if costs else None
    said = [f"{first.deployment}", f"about {show_usd(round(cost))}" if cost is not None else "price unknown"]
    known = numbers.get(first.deployment.id)
    if known is not None and known.first_token.mean is not None:
        said.append(f"first token {known.first_token.mean * 1000:,.0f} ms")
    tail = "If it fails, nobody else is asked."
    if others:
        tail = f"If it fails before the first token: {_then(others)}."
    return f"{head} {', '.join(said)}. {tail}"


def _then(others: Sequence[Candidate]) -> str:
    named = [str(each.deployment) for each in others[:3]]
    more = len(others) - len(named)
    return ", then ".join(named) + (f", and {more} more" if more else "")
