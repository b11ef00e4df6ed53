"""Rows of the ledger: an attempt when it starts, the attempt and its request when they end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from app.core.chat import Usage
from app.db.engine import Upsert
from app.db.tables.ledger import AttemptRow, RequestRow
from app.routing.decision import kept
from app.services.gateway.call import AttemptRecord, Call
from app.services.spool import Rows


def upserts() -> dict[str, Upsert]:
    """The two tables of the hot path. An attempt is written when it starts and again, whole, when it ends; where both
    fall into one commit, only the second is."""
    return {
        "attempt": Upsert(AttemptRow.__table__, ATTEMPT_COLUMNS, order=0),  # type: ignore[attr-defined]
        "request": Upsert(RequestRow.__table__, REQUEST_COLUMNS, order=1),  # type: ignore[attr-defined]
    }


def opened(call: Call, attempt: AttemptRecord) -> Callable[[], tuple[Any, ...]]:
    """The row of an attempt that has begun, made only if it is written before the attempt has ended."""
    return lambda: _attempt(call, attempt, "open")


def ended(call: Call, now: float) -> Rows:
    """All that a call leaves behind: its attempts closed, then the request itself."""
    rows: Rows = [("attempt", attempt.id, _attempt(call, attempt, "closed")) for attempt in call.attempts]
    rows.append(("request", call.id, _request(call, now)))
    return rows


def _attempt(call: Call, attempt: AttemptRecord, state: str) -> tuple[Any, ...]:
    """In the order of ATTEMPT_COLUMNS."""
    deployment, usage = attempt.deployment, attempt.usage
    return (
        attempt.id,
        call.id,
        attempt.position,
        state,
        call.key.id if call.key is not None else None,
        call.person.id if call.person is not None else None,
        deployment.provider_id,
        deployment.provider,
        deployment.kind,
        deployment.model,
        attempt.credential_id or None,
        attempt.reserved,
        call.question.input_tokens if call.question is not None else 0,
        attempt.status,
        attempt.error,
        attempt.at,
        attempt.latency_ms,
        attempt.first_token_ms,
        usage.input if usage is not None else 0,
        usage.output if usage is not None else 0,
        attempt.cost,
    )


def _request(call: Call, now: float) -> tuple[Any, ...]:
    """In the order of REQUEST_COLUMNS."""
    last = call.attempts[-1] if call.attempts else None
    deployment = last.deployment if last is not None else call.cached.deployment if call.cached is not None else None
    used, first = _totals(call.attempts)
    question, plan = call.question, call.plan
    return (
        call.id,
        call.at_us,
        call.key.id if call.key is not None else None,
        call.person.id if call.person is not None else None,
        call.conversation_id,
        call.router,
        plan.version if plan is not None else None,
        plan.rule if plan is not None else None,
        call.peek.model[:200],
        deployment.provider_id if deployment is not None else None,
        deployment.provider if deployment is not None else None,
        deployment.kind if deployment is not None else None,
        deployment.model if deployment is not None else None,
        call.format_name,
        call.peek.stream,
        call.status,
        call.error,
        used.input,
        used.output,
        used.cache_read,
        used.cache_write,
        used.reasoning,
        call.cost,
        used.cost,
        used.estimated,
        max(round((now - call.started) * 1000), 0),
        None if first is None else round((first - call.started) * 1000),
        len(call.attempts),
        orjson.dumps(sorted(call.tags)) if call.tags else b"[]",
        question.intent.name if question is not None and question.intent is not None else None,
        orjson.dumps(sorted(question.needs)) if question is not None and question.needs else b"[]",
        question.input_tokens if question is not None else 0,
        call.peek.max_tokens,
        _decision(call),
    )


def _decision(call: Call) -> bytes | None:
    """As JSON. Most requests are decided alike: what was written before is taken again."""
    plan, question = call.plan, call.question
    if plan is None or question is None:
        return None
    approximated = call.attempts[-1].approximated if call.attempts else ()
    if call.cached is not None:
        return orjson.dumps(kept(plan, question) | {"cached": call.cached.request_id})
    if plan.dropped or plan.numbers is not None or question.intent is not None or approximated:
        return orjson.dumps(kept(plan, question) | ({"approximated": approximated} if approximated else {}))
    order = tuple([(each.deployment.provider, each.deployment.model, each.rule) for each in plan.order])
    known = (plan.router, plan.version, plan.rule, plan.stuck, question.needs, order)
    written = _decisions.get(known)
    if written is None:
        if len(_decisions) >= MAX_DECISIONS:
            _decisions.clear()
        written = _decisions[known] = orjson.dumps(kept(plan, question))
    return written


MAX_DECISIONS = 1000
_decisions: dict[tuple[Any, ...], bytes] = {}


def _totals(attempts: list[AttemptRecord]) -> tuple[Usage, float | None]:
    """The use of all attempts together, and the moment of the first content."""
    if len(attempts) == 1:
        return attempts[0].usage or _NONE, attempts[0].first_content
    total, first = Usage(), None
    for attempt in attempts:
        first = first if first is not None else attempt.first_content
        if (usage := attempt.usage) is not None:
            total.input += usage.input
            total.output += usage.output
            total.cache_read += usage.cache_read
            total.cache_write += usage.cache_write
            total.reasoning += usage.reasoning
            total.estimated = total.estimated or usage.estimated
            total.cost = (total.cost or 0) + usage.cost if usage.cost is not None else total.cost
    return total, first


_NONE = Usage()

ATTEMPT_COLUMNS = (
    "id",
    "request_id",
    "position",
    "state",
    "key_id",
    "person_id",
    "provider_id",
    "provider",
    "provider_kind",
    "model",
    "credential_id",
    "reserved",
    "estimated_input",
    "status",
    "error",
    "started_at",
    "latency_ms",
    "first_token_ms",
    "input_tokens",
    "output_tokens",
    "cost",
)
REQUEST_COLUMNS = (
    "id",
    "at",
    "key_id",
    "person_id",
    "conversation_id",
    "router",
    "router_version",
    "rule",
    "model_asked",
    "provider_id",
    "provider",
    "provider_kind",
    "model",
    "format",
    "stream",
    "status",
    "error",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "cost",
    "provider_cost",
    "estimated",
    "latency_ms",
    "first_token_ms",
    "attempts",
    "tags",
    "intent",
    "needs",
    "estimated_input",
    "max_tokens",
    "decision",
)
