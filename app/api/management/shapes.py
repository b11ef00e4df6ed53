"""Bodies of the management API, in the field names of the declarative file."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import to_builtins
from pydantic import BaseModel, ConfigDict, Field

from app.core.clock import rfc3339
from app.core.money import format_usd
from app.core.price import Price
from app.core.price_text import write_price
from app.services.router_views import Explained
from app.services.views import (
    ConversationInfo,
    KeySpec,
    KeyView,
    MessageView,
    ModelSpec,
    ModelView,
    Person,
    ProviderSpec,
    ProviderView,
    RequestDetail,
    RequestRow,
)


class Body(BaseModel):
    """Unknown fields are refused: a typo must not pass in silence."""

    model_config = ConfigDict(extra="forbid")


class Login(Body):
    email: str = ""
    username: str = ""
    password: str
    remember: bool = False


class TierBody(Body):
    above: int = Field(description="where the prompt is longer than this many tokens")
    input: str | None = None
    output: str | None = None
    cache_read: str | None = None
    cache_write: str | None = None
    cache_write_1h: str | None = None
    reasoning: str | None = None
    audio_input: str | None = None
    audio_output: str | None = None
    image_input: str | None = None


class PriceBody(Body):
    """USD per 1M tokens as decimal strings; `image`, `minute` and `request` per piece."""

    input: str
    output: str
    cache_read: str | None = None
    cache_write: str | None = None
    cache_write_1h: str | None = None
    reasoning: str | None = None
    audio_input: str | None = None
    audio_output: str | None = None
    image_input: str | None = None
    image: str | None = Field(None, description="per picture made")
    minute: str | None = Field(None, description="per minute of sound")
    request: str | None = Field(None, description="per call")
    tiers: list[TierBody] | None = Field(None, description="prices that differ for long prompts")


class ModelBody(Body):
    id: str
    alias: str | None = None
    price: PriceBody | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    capabilities: list[str] | None = None
    enabled: bool = True

    def spec(self) -> ModelSpec:
        price = self.price.model_dump(exclude_none=True) if self.price is not None else None
        return ModelSpec(**{**self.model_dump(), "price": price})


class ProviderBody(Body):
    name: str
    kind: str
    base_url: str | None = None
    api_key: str | None = Field(None, description="write-only; left out: the stored keys stay")
    api_keys: list[str] | None = Field(None, description="write-only; several keys are used in turn")
    api_key_env: str | None = None
    enabled: bool = True
    priority: int = 100
    formats: list[str] | None = None
    rate_limit: dict[str, int] | None = None
    models: list[ModelBody] | None = Field(None, description="left out: the provider is asked for them")

    def spec(self) -> ProviderSpec:
        keys = [*(self.api_keys or ()), *([self.api_key] if self.api_key else ())] or None
        return ProviderSpec(
            name=self.name,
            kind=self.kind,
            base_url=self.base_url,
            api_keys=keys,
            api_key_env=self.api_key_env,
            enabled=self.enabled,
            priority=self.priority,
            formats=self.formats,
            rate_limit=self.rate_limit,
            models=[model.spec() for model in self.models] if self.models is not None else None,
        )


class BudgetBody(Body):
    usd: str
    window: str


class KeyBody(Body):
    name: str
    router: str | None = None
    models: list[str] = ["*"]
    scopes: list[str] | None = None
    tier: str | None = None
    limits: dict[str, int] = {}
    budgets: list[BudgetBody] = []
    allowed_ips: list[str] = []
    allowed_referrers: list[str] = []
    expires: str | None = None
    user: str | None = Field(None, description="e-mail of the person the key belongs to")
    on_budget: str = "refuse"
    unknown_price: str = "refuse"
    enabled: bool = True
    secret: str | None = Field(None, description="write-only; an imported secret")

    def spec(self) -> KeySpec:
        values = self.model_dump(exclude={"user", "budgets"})
        return KeySpec(**values, owner=self.user, budgets=[budget.model_dump() for budget in self.budgets])


class UserBody(Body):
    email: str
    name: str = ""
    role: str = "member"
    tier: str | None = None
    password: str | None = Field(None, description="write-only")


class UserChange(Body):
    name: str | None = None
    role: str | None = None
    tier: str | None = Field(None, description='"" takes it away')
    disabled: bool | None = None
    password: str | None = Field(None, description="write-only")


class SessionBody(Body):
    title: str = ""
    model: str = ""


def page(items: list[dict[str, Any]], next_cursor: str | None = None, total: int | None = None) -> dict[str, Any]:
    return {"items": items, "next_cursor": next_cursor, "total": total}


def moment(value: datetime | None) -> str | None:
    return rfc3339(value) if value is not None else None


def money(nano: int | None) -> str | None:
    return format_usd(nano) if nano is not None else None


def price(value: Price | None) -> dict[str, Any] | None:
    """In the fields of PriceBody, those left out absent; null: unknown."""
    return write_price(value) if value is not None else None


def model(view: ModelView) -> dict[str, Any]:
    return {
        "id": view.id,
        "alias": view.alias,
        "name": view.name,
        "provider": view.provider,
        "kind": view.provider_kind,
        "enabled": view.enabled,
        "price": price(view.price),
        "context_window": view.context_window,
        "max_output_tokens": view.max_output_tokens,
        "capabilities": list(view.capabilities) or None,
    }


def provider(view: ProviderView) -> dict[str, Any]:
    return {
        "id": view.id,
        "name": view.name,
        "kind": view.kind,
        "base_url": view.base_url,
        "formats": list(view.formats),
        "enabled": view.enabled,
        "priority": view.priority,
        "rate_limit": view.rate_limit,
        "keys": list(view.key_hints),
        "models": [model(each) for each in view.models],
        "state": view.state,
        "status": view.status_text,
        "breaker": view.breaker,
        "checked_at": moment(view.checked_at),
        "created_at": moment(view.created_at),
        "updated_at": moment(view.updated_at),
    }


def key(view: KeyView) -> dict[str, Any]:
    return {
        "id": view.id,
        "name": view.name,
        "hint": view.hint,
        "user": view.owner,
        "router": view.router,
        "models": list(view.models),
        "scopes": list(view.scopes),
        "tier": view.tier,
        "tier_in_force": view.in_tier,
        "limits": view.limits,
        "limits_in_force": view.limits_in_force,
        "budgets": [
            {
                "usd": format_usd(budget.usd_limit),
                "window": budget.window,
                "spent_usd": format_usd(budget.spent),
                "reserved_usd": format_usd(budget.reserved),
                "resets_at": moment(budget.resets_at),
            }
            for budget in view.budgets
        ],
        "on_budget": view.on_budget,
        "unknown_price": view.unknown_price,
        "allowed_ips": list(view.allowed_ips),
        "allowed_referrers": list(view.allowed_referrers),
        "expires": moment(view.expires),
        "enabled": not view.disabled,
        "last_used_at": moment(view.last_used_at),
        "created_at": moment(view.created_at),
        "updated_at": moment(view.updated_at),
    }


def user(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "email": person.email,
        "name": person.name,
        "role": str(person.role),
        "tier": person.tier,
        "disabled": person.disabled,
        "created_at": moment(person.created_at),
    }


def log_item(row: RequestRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "at": moment(row.at),
        "key": row.key,
        "user": row.user,
        "router": row.router,
        "rule": row.rule,
        "model_asked": row.model_asked,
        "provider": row.provider,
        "model": row.model,
        "format": row.format,
        "stream": row.stream,
        "status": row.status,
        "error": row.error,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "cache_read_tokens": row.cache_read_tokens,
        "cost_usd": money(row.cost),
        "estimated": row.estimated,
        "latency_ms": row.latency_ms,
        "first_token_ms": row.first_token_ms,
        "attempts": row.attempts,
        "tags": list(row.tags),
        "intent": row.intent,
    }


def log_detail(detail: RequestDetail) -> dict[str, Any]:
    attempts = [
        {
            "provider": attempt.provider,
            "model": attempt.model,
            "status": attempt.status,
            "error": attempt.error,
            "started_at": moment(attempt.started_at),
            "latency_ms": attempt.latency_ms,
        }
        for attempt in detail.attempts
    ]
    decision = {**detail.decision, "sentence": detail.sentence}
    counts = {
        "cache_write_tokens": detail.row.cache_write_tokens,
        "reasoning_tokens": detail.row.reasoning_tokens,
        "provider_cost_usd": money(detail.row.provider_cost),
    }
    return {**log_item(detail.row), **counts, "attempts": attempts, "decision": decision}


def explained(found: Explained) -> dict[str, Any]:
    intent = found.intent
    return {
        "router": found.router,
        "version": found.version,
        "rule": found.rule,
        "rule_id": found.rule_id,
        "strategy": found.strategy,
        "needs": list(found.needs),
        "input_tokens": found.input_tokens,
        "intent": None if intent is None else to_builtins(intent),
        "candidates": found.candidates,
        "order": found.order,
        "sentence": found.sentence,
        "took_us": found.took_us,
    }


def conversation(info: ConversationInfo) -> dict[str, Any]:
    return {
        "id": info.id,
        "title": info.title,
        "starred": info.starred,
        "model": info.model,
        "created_at": moment(info.created_at),
        "updated_at": moment(info.updated_at),
    }


def message(view: MessageView) -> dict[str, Any]:
    return {
        "id": view.id,
        "role": view.role,
        "text": view.text,
        "reasoning": view.reasoning or None,
        "status": view.status,
        "error": view.error,
        "request_id": view.request_id,
        "provider": view.provider,
        "model": view.model,
        "input_tokens": view.input_tokens,
        "output_tokens": view.output_tokens,
        "cost_usd": money(view.cost),
        "created_at": moment(view.created_at),
    }
