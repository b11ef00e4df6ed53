"""Routers as pages and the API see them: plain values without a database behind them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.routing.intent import Intent


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a document, or looks wrong. An error keeps it from being published."""

    level: str  # error | warning
    rule_id: str | None
    message: str


@dataclass(frozen=True, slots=True)
class DocChange:
    """One difference between two documents. `field` is a path such as `when.models` or `targets`, empty where it is
    the whole rule; of a rule that moved, `before` and `after` are its places, counted from 1."""

    kind: str  # added | removed | changed | moved
    rule_id: str | None
    rule: str | None
    field: str
    before: Any
    after: Any
    sentence: str


@dataclass(frozen=True, slots=True)
class CanaryView:
    """A version that `percent` of the requests are sent through."""

    version: int
    percent: float
    since: datetime


@dataclass(frozen=True, slots=True)
class RouterView:
    """A router and its live version. Version 0 was never published: the document is then its draft's, and nobody can
    use it; only of `default` the built-in document is in force until there is a version."""

    id: str
    name: str
    version: int
    enabled: bool
    document: dict[str, Any]
    published_at: datetime | None
    published_by: str | None
    created_at: datetime | None
    updated_at: datetime | None
    has_draft: bool = False
    canary: CanaryView | None = None
    from_file: bool = False


@dataclass(frozen=True, slots=True)
class DraftView:
    """`exists` False: nothing was changed, and the document is the live one. `base` is the version it was begun
    from."""

    exists: bool
    document: dict[str, Any]
    base: int
    at: datetime | None
    by: str | None
    problems: tuple[Problem, ...]
    changes: tuple[DocChange, ...]


@dataclass(frozen=True, slots=True)
class VersionView:
    version: int
    published_at: datetime
    published_by: str | None
    note: str
    document: dict[str, Any]
    live: bool
    canary: bool


@dataclass(frozen=True, slots=True)
class Explained:
    """What would happen to a request. `candidates` have `provider`, `model`, `kept`, `reason`, `numbers`; `order` has
    `provider` and `model`, who is asked first in front. Without anybody to ask, the sentence says why."""

    router: str
    version: int
    rule: str | None
    rule_id: str | None
    strategy: str
    needs: tuple[str, ...]
    input_tokens: int
    intent: Intent | None
    candidates: list[dict[str, Any]]
    order: list[dict[str, Any]]
    sentence: str
    took_us: int


@dataclass(frozen=True, slots=True)
class ArmNumbers:
    """One version while a canary runs. `cost`: nano-dollars per request, None where none has a known price; times are
    those of the newest requests that were answered."""

    version: int
    requests: int
    failures: int
    failure_rate: float | None
    cost: int | None
    p50_ms: int | None
    p95_ms: int | None
    first_token_ms: int | None


@dataclass(frozen=True, slots=True)
class CanaryReport:
    live: ArmNumbers
    canary: ArmNumbers
    note: str


@dataclass(frozen=True, slots=True)
class RouterTraffic:
    """`cost` in nano-dollars, None where no request has a known price. `by_target` is by rule, provider and model."""

    requests: int
    failures: int
    cost: int | None
    by_rule: dict[str, int] = field(default_factory=dict)
    by_target: dict[tuple[str, str, str], int] = field(default_factory=dict)
    days: int = 7
