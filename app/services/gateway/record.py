"""Rows of the ledger: an attempt when it starts, the attempt and its request when they end."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Table

from app.db.engine import Upsert
from app.db.tables.ledger import AttemptRow, RequestRow
from app.db.types import micros
from app.services.gateway.call import AttemptRecord, Call
from app.services.spool import Rows

_REQUEST: Table = RequestRow.__table__  # type: ignore[attr-defined]
_ATTEMPT: Table = AttemptRow.__table__  # type: ignore[attr-defined]


def upserts() -> dict[str, Upsert]:
    """The two tables of the hot path. An attempt is written when it starts and again, whole, when it ends; where both
    fall into one commit, only the second is."""
    return {"attempt": Upsert(_ATTEMPT, order=0), "request": Upsert(_REQUEST, order=1)}


class Recorder:
    """Turns a call into rows in the order the statements want."""

    def __init__(self, tables: dict[str, Upsert]) -> None:
        self._attempt_names = tables["attempt"].names
        self._request_names = tables["request"].names

    def opened(self, call: Call, attempt: AttemptRecord) -> tuple[Any, ...]:
        return self._attempt(call, attempt, "open")

    def ended(self, call: Call, now: float) -> Rows:
        """All that a call leaves behind: its attempts closed, then the request itself."""
        rows: Rows = [("attempt", self._attempt(call, attempt, "closed")) for attempt in call.attempts]
        rows.append(("request", self._request(call, now)))
        return rows

    def _attempt(self, call: Call, attempt: AttemptRecord, state: str) -> tuple[Any, ...]:
        deployment, usage = attempt.deployment, attempt.usage
        values = {
            "id": attempt.id,
            "request_id": call.id,
            "position": attempt.position,
            "state": state,
            "key_id": call.key.id if call.key is not None else None,
            "person_id": call.person.id if call.person is not None else None,
            "provider_id": deployment.provider_id,
            "provider": deployment.provider,
            "provider_kind": deployment.kind,
            "model": deployment.model,
            "credential_id": attempt.credential_id or None,
            "reserved": attempt.reserved,
            "estimated_input": call.question.input_tokens if call.question is not None else 0,
            "status": attempt.status,
            "error": attempt.error,
            "started_at": micros(attempt.at),
            "latency_ms": attempt.latency_ms,
            "first_token_ms": attempt.first_token_ms,
            "input_tokens": usage.input if usage is not None else 0,
            "output_tokens": usage.output if usage is not None else 0,
            "cost": attempt.cost,
        }
        return tuple([values[name] for name in self._attempt_names])

    def _request(self, call: Call, now: float) -> tuple[Any, ...]:
        last = call.attempts[-1] if call.attempts else None
        used = [attempt.usage for attempt in call.attempts if attempt.usage is not None]
        question, plan = call.question, call.plan
        first = next((a.first_content for a in call.attempts if a.first_content is not None), None)
        values = {
            "id": call.id,
            "at": micros(call.at),
            "key_id": call.key.id if call.key is not None else None,
            "person_id": call.person.id if call.person is not None else None,
            "conversation_id": call.conversation_id,
            "router": call.router,
            "router_version": plan.version if plan is not None else None,
            "rule": plan.rule if plan is not None else None,
            "model_asked": call.peek.model[:200],
            "provider_id": last.deployment.provider_id if last is not None else None,
            "provider": last.deployment.provider if last is not None else None,
            "provider_kind": last.deployment.kind if last is not None else None,
            "model": last.deployment.model if last is not None else None,
            "format": call.format_name,
            "stream": call.peek.stream,
            "status": call.status,
            "error": call.error,
            "input_tokens": sum(usage.input for usage in used),
            "output_tokens": sum(usage.output for usage in used),
            "cache_read_tokens": sum(usage.cache_read for usage in used),
            "cache_write_tokens": sum(usage.cache_write for usage in used),
            "reasoning_tokens": sum(usage.reasoning for usage in used),
            "cost": call.cost,
            "provider_cost": next((usage.cost for usage in reversed(used) if usage.cost is not None), None),
            "estimated": any(usage.estimated for usage in used),
            "latency_ms": max(round((now - call.started) * 1000), 0),
            "first_token_ms": None if first is None else round((first - call.started) * 1000),
            "attempts": len(call.attempts),
            "tags": orjson.dumps(sorted(call.tags)),
            "intent": None,
            "needs": orjson.dumps(sorted(question.needs)) if question is not None else b"[]",
            "estimated_input": question.input_tokens if question is not None else 0,
            "max_tokens": call.peek.max_tokens,
            "decision": orjson.dumps(plan.decision(question)) if plan is not None and question is not None else None,
        }
        return tuple([values[name] for name in self._request_names])
