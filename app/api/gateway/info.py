"""What the gateway answers without a provider: models, the key itself, one generation, health."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, text

from app.api.gateway.routes import GEMINI, Does, Route
from app.core.clock import rfc3339
from app.core.errors import ModelNotFound, NotFound
from app.core.money import format_usd
from app.formats.counting import write_count
from app.formats.gemini.peek import question_of
from app.formats.models import (
    ModelRow,
    anthropic_list,
    anthropic_model,
    gemini_list,
    gemini_model,
    openai_list,
    openai_model,
)
from app.routing.deployment import Deployment
from app.services.container import Services
from app.services.gateway.call import Call
from app.services.snapshot import Key

Answer = tuple[int, Any]


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked at an address that is answered here."""

    route: Route
    method: str
    key: Key | None
    body: bytes
    values: dict[str, str]  # of the query string
    passed: dict[str, str]  # headers that go on to a provider


class Info:
    def __init__(self, services: Services, version: str) -> None:
        self._services, self._version = services, version
        self._started = services.clock.monotonic()

    async def answer(self, query: Query) -> Answer:
        """Status and JSON (or its bytes). Raises AnyGPTError."""
        match query.route.does:
            case Does.HEALTH:
                return await self.health(query)
            case Does.READY:
                return await self.ready(query)
            case Does.PING:
                return await self.ping(query)
            case Does.MODELS:
                return await self.models(query)
            case Does.MODEL:
                return await self.model(query)
            case Does.COUNT:
                return await self.count(query)
            case Does.STORED:
                return await self.stored(query)
            case Does.KEY:
                return await self.key(query)
            case Does.GENERATION:
                return await self.generation(query)
            case Does.ASK:
                raise NotFound("This address takes POST.")

    async def health(self, query: Query) -> Answer:
        return 200, {"status": "ok"}

    async def ready(self, query: Query) -> Answer:
        """Database, ledger, and at least one provider that could answer."""
        checks = {
            "database": await self._database_answers(),
            "ledger": not self._services.writer.spooling,
            "provider": bool(self._services.state.current.deployments),
        }
        ready = all(checks.values())
        return 200 if ready else 503, {"status": "ready" if ready else "not ready", "checks": checks}

    async def ping(self, query: Query) -> Answer:
        return 200, {
            "status": "ok",
            "version": self._version,
            "uptime_s": round(self._services.clock.monotonic() - self._started, 1),
            "requests_served": self._services.gateway.served,
        }

    async def models(self, query: Query) -> Answer:
        """Every name this key may ask for, in the shape of the client's own format."""
        key, aliases = query.key, self._services.state.current.aliases()
        rows = [self._row(alias, found[0]) for alias, found in aliases.items() if key is None or key.may_use(alias)]
        return 200, _LISTS[query.route.format.family](rows)

    async def count(self, query: Query) -> Answer:
        """The tokens of a question, as Anthropic and Gemini say it."""
        route, key = query.route, query.key
        assert key is not None
        body = question_of(query.body) if route.format is GEMINI else query.body
        clock = self._services.clock
        call = Call(
            id="",
            at=clock.now(),
            started=clock.monotonic(),
            peek=route.format.peek(body, route.model, route.stream),
            format=route.format,
            body=body,
            key=key,
            person=key.person,
            passed=query.passed,
            path_model=route.model,
            path_stream=route.stream,
        )
        return 200, write_count(route.format.family, await self._services.counting.count(call))

    async def stored(self, query: Query) -> Answer:
        """A response that was kept, read or deleted."""
        name, key, responses = query.route.name, query.key, self._services.responses
        assert key is not None
        if query.method == "DELETE":
            await responses.delete(key, name)
            return 200, {"id": name, "object": "response", "deleted": True}
        return 200, await responses.read(key, name)

    async def model(self, query: Query) -> Answer:
        name, key = query.route.name, query.key
        found = self._services.state.current.aliases().get(name)
        if found is None or (key is not None and not key.may_use(name)):
            raise ModelNotFound(f'There is no model "{name}" for this key. GET /v1/models lists them.', field="model")
        return 200, _MODELS[query.route.format.family](self._row(name, found[0]))

    async def key(self, query: Query) -> Answer:
        """Limits in force for the key that asks, and what is left of them."""
        key = query.key
        assert key is not None
        now = self._services.clock.now()
        limits = self._services.admission.limits(key)
        budgets = self._services.admission.budgets(key)
        views = [budget.view(now) for budget in budgets.budgets] if budgets is not None else []
        return 200, {
            "id": key.id,
            "name": key.name,
            "user": key.person.email if key.person is not None else None,
            "router": key.router or "default",
            "models": key.models,
            "scopes": sorted(key.scopes),
            "expires": rfc3339(key.expires_at) if key.expires_at is not None else None,
            "tier": key.in_tier.name if key.in_tier is not None else None,
            "tier_models": list(key.in_tier.models) if key.in_tier is not None and key.in_tier.models else None,
            "limits": key.limits_in_force,
            "limits_remaining": limits.left(self._services.clock.monotonic()) if limits is not None else {},
            "budgets": [
                {
                    "usd": format_usd(view.usd_limit),
                    "window": view.window,
                    "spent_usd": format_usd(view.spent),
                    "reserved_usd": format_usd(view.reserved),
                    "remaining_usd": format_usd(max(view.usd_limit - view.spent - view.reserved, 0)),
                    "resets_at": rfc3339(view.resets_at) if view.resets_at is not None else None,
                }
                for view in views
            ],
        }

    async def generation(self, query: Query) -> Answer:
        """One finished request of this key, as the ledger has it."""
        key = query.key
        assert key is not None
        request_id = query.values.get("id", "")
        detail = await self._services.ledger.request(request_id)
        row = detail.row
        if row.key != key.name:
            raise NotFound(f'There is no request "{request_id}" of this key.', field="id")
        return 200, {
            "id": row.id,
            "at": rfc3339(row.at),
            "model_asked": row.model_asked,
            "model": row.model,
            "provider": row.provider,
            "router": row.router,
            "rule": row.rule,
            "format": row.format,
            "stream": row.stream,
            "status": row.status,
            "error": row.error,
            "input_tokens": row.input_tokens,
            "output_tokens": row.output_tokens,
            "cache_read_tokens": row.cache_read_tokens,
            "cost_usd": format_usd(row.cost) if row.cost is not None else None,
            "estimated": row.estimated,
            "latency_ms": row.latency_ms,
            "first_token_ms": row.first_token_ms,
            "attempts": [
                {
                    "provider": attempt.provider,
                    "model": attempt.model,
                    "status": attempt.status,
                    "error": attempt.error,
                    "latency_ms": attempt.latency_ms,
                }
                for attempt in detail.attempts
            ],
        }

    async def _database_answers(self) -> bool:
        def ask(session: Session) -> bool:
            return session.connection().execute(text("select 1")).scalar() == 1

        try:
            return await self._services.db.read(ask)
        except SQLAlchemyError:
            return False

    def _row(self, alias: str, deployment: Deployment) -> ModelRow:
        return ModelRow(
            id=alias,
            created=0,
            owned_by=deployment.provider,
            context_window=deployment.context_window,
            max_output_tokens=deployment.max_output_tokens,
            capabilities=sorted(deployment.capabilities) if deployment.capabilities is not None else None,
        )


_LISTS: dict[str, Callable[[list[ModelRow]], bytes]] = {
    "openai": openai_list,
    "anthropic": anthropic_list,
    "gemini": gemini_list,
}
_MODELS: dict[str, Callable[[ModelRow], dict[str, Any]]] = {
    "openai": openai_model,
    "anthropic": anthropic_model,
    "gemini": gemini_model,
}
