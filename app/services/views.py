"""Plain values that services give to pages, the API and the command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from app.core.price import Price
from app.security.permissions import Role

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    email: str
    name: str
    role: Role
    disabled: bool = False
    created_at: datetime | None = None
    preferences: dict[str, Any] = field(default_factory=dict)
    tier: str | None = None

    @property
    def initials(self) -> str:
        words = (self.name or self.email).replace("@", " ").split()
        return (words[0][:1] + (words[1][:1] if len(words) > 1 else words[0][1:2])).upper() if words else "?"


Actor = Person


@dataclass(frozen=True, slots=True)
class SessionInfo:
    id: str
    person: Person
    csrf: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ModelView:
    id: str
    alias: str
    provider: str
    provider_kind: str
    accent: str
    monogram: str
    enabled: bool
    name: str
    context_window: int | None = None
    max_output_tokens: int | None = None
    capabilities: tuple[str, ...] = ()
    price: Price | None = None
    demo: bool = False


@dataclass(frozen=True, slots=True)
class ProviderKey:
    """`reason`: why it cools; "" while it is ready. `env`: the variable it is read from."""

    id: str
    hint: str
    env: str | None
    missing: bool = False  # the variable is not set
    reason: str = ""
    ready_in_s: float = 0.0


@dataclass(frozen=True, slots=True)
class PausedModel:
    """A deployment whose breaker is not closed. `state`: open | half_open."""

    model: str
    state: str
    reason: str
    since: datetime | None
    retry_at: datetime | None
    trying: bool = False


@dataclass(frozen=True, slots=True)
class ProviderView:
    id: str
    name: str
    kind: str
    kind_label: str
    monogram: str
    accent: str
    base_url: str
    formats: tuple[str, ...]
    enabled: bool
    priority: int
    key_hints: tuple[str, ...]
    key_needed: bool
    models: tuple[ModelView, ...]
    state: str  # healthy | failing | throttled | off | untested | no_key | no_models
    status_text: str
    rate_limit: dict[str, Any] | None = None
    checked_at: datetime | None = None
    uptime: tuple[int, ...] = ()  # 90 slots, newest last: 0 no data, 1 ok, 2 partly, 3 down
    availability_24h: float | None = None
    answered_24h: float | None = None
    requests_24h: int = 0
    first_token_p50_ms: int | None = None
    spend_today: int = 0
    breaker: str = "closed"  # closed | open | half_open
    first_token_run: tuple[int, ...] = ()  # milliseconds of the latest streamed answers
    keys: tuple[ProviderKey, ...] = ()
    paused: tuple[PausedModel, ...] = ()
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A provider key that the environment holds, offered ready-made. The secret itself stays where it is."""

    kind: str
    label: str
    variable: str
    suggested_name: str


@dataclass(frozen=True, slots=True)
class ModelSpec:
    id: str
    alias: str | None = None
    price: dict[str, Any] | None = None  # as in the file: decimal strings of USD, and `tiers`
    context_window: int | None = None
    max_output_tokens: int | None = None
    capabilities: list[str] | None = None
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """What an admin says of a provider. `api_keys` None keeps the stored ones; `models` None: found by asking."""

    name: str
    kind: str
    base_url: str | None = None
    api_keys: list[str] | None = None
    api_key_env: str | None = None
    enabled: bool = True
    priority: int = 100
    formats: list[str] | None = None
    rate_limit: dict[str, Any] | None = None
    models: list[ModelSpec] | None = None


@dataclass(frozen=True, slots=True)
class TestResult:
    __test__ = False  # not a test class
    ok: bool
    sentence: str
    models_found: int = 0
    latency_ms: int = 0


@dataclass(frozen=True, slots=True)
class BudgetView:
    usd_limit: int
    window: str
    spent: int
    reserved: int
    resets_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyView:
    id: str
    name: str
    hint: str
    owner: str | None
    router: str | None
    models: tuple[str, ...]
    scopes: tuple[str, ...]
    tier: str | None
    in_tier: str | None  # its own, or its person's
    limits: dict[str, int]
    limits_in_force: dict[str, int]  # the smaller one of its own and its tier's
    budgets: tuple[BudgetView, ...]
    allowed_ips: tuple[str, ...]
    allowed_referrers: tuple[str, ...]
    expires: datetime | None
    disabled: bool
    on_budget: str
    unknown_price: str
    created_at: datetime
    updated_at: datetime
    last_used_at: datetime | None = None
    requests_today: int = 0
    spend_today: int = 0


@dataclass(frozen=True, slots=True)
class KeySpec:
    name: str
    router: str | None = None
    models: list[str] = field(default_factory=lambda: ["*"])
    scopes: list[str] | None = None
    limits: dict[str, int] = field(default_factory=dict)
    budgets: list[dict[str, str]] = field(default_factory=list)
    allowed_ips: list[str] = field(default_factory=list)
    allowed_referrers: list[str] = field(default_factory=list)
    expires: str | None = None
    owner: str | None = None
    on_budget: str = "refuse"
    unknown_price: str = "refuse"
    secret: str | None = None
    enabled: bool = True
    tier: str | None = None


@dataclass(frozen=True, slots=True)
class ConversationInfo:
    id: str
    title: str
    starred: bool
    model: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class MessageView:
    id: str
    role: str  # user | assistant
    text: str
    created_at: datetime
    images: tuple[str, ...] = ()
    request_id: str | None = None
    provider: str | None = None
    provider_kind: str | None = None
    monogram: str = ""
    accent: str = "custom"
    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: int | None = None
    cost_known: bool = True
    estimated: bool = False
    latency_ms: int | None = None
    first_token_ms: int | None = None
    status: str = "done"  # done | stopped | failed | interrupted
    error: str | None = None
    notes: tuple[str, ...] = ()
    reasoning: str = ""
    author: str | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    tokens: int
    cost: int | None


@dataclass(frozen=True, slots=True)
class RequestRow:
    id: str
    at: datetime
    key: str | None
    user: str | None
    router: str | None
    rule: str | None
    model_asked: str
    provider: str | None
    provider_kind: str | None
    monogram: str
    accent: str
    model: str | None
    format: str
    stream: bool
    status: int
    error: str | None
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cost: int | None
    estimated: bool
    latency_ms: int
    first_token_ms: int | None
    attempts: int
    tags: tuple[str, ...] = ()
    intent: str | None = None
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    provider_cost: int | None = None  # what the provider itself says it charged

    @property
    def cost_known(self) -> bool:
        return self.cost is not None


@dataclass(frozen=True, slots=True)
class AttemptRow:
    provider: str
    provider_kind: str | None
    monogram: str
    accent: str
    model: str
    status: int
    error: str | None
    started_at: datetime
    latency_ms: int
    first_token_ms: int | None = None


@dataclass(frozen=True, slots=True)
class RequestDetail:
    row: RequestRow
    sentence: str
    decision: dict[str, Any]
    attempts: tuple[AttemptRow, ...]
    needs: tuple[str, ...]
    estimated_input: int
    max_tokens: int | None


@dataclass(frozen=True, slots=True)
class LogFilter:
    since: datetime | None = None
    until: datetime | None = None
    status: str = "all"  # all | ok | failed | failed_over
    provider: str | None = None
    key: str | None = None
    model: str | None = None
    user: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class LogBucket:
    start: datetime
    ok: int
    failed: int


@dataclass(frozen=True, slots=True)
class LogSummary:
    requests: int
    failed: int
    failed_over: int
    cost: int
    cost_unknown: int
    p50_ms: int | None
    p95_ms: int | None
    buckets: tuple[LogBucket, ...] = ()


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    items: tuple[T, ...]
    next_cursor: str | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class HourBucket:
    start: datetime
    requests: int
    tokens: int
    spend: int
    failed: int


@dataclass(frozen=True, slots=True)
class Today:
    requests: int
    requests_yesterday_by_now: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    spend: int
    spend_unknown: int
    answered: float | None
    failed: int
    saved_by_failover: int
    hourly: tuple[HourBucket, ...] = ()


@dataclass(frozen=True, slots=True)
class Spend:
    day: str
    by_provider: dict[str, int]
