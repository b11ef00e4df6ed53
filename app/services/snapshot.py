"""What requests need, in memory: people, keys, providers, deployments and routers, as of one generation."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.core.errors import ModelNotFound
from app.providers.kinds import Kind
from app.providers.upstream import Upstream
from app.routing.compiled import Asked, CompiledRouter
from app.routing.conditions import glob_pattern
from app.routing.deployment import Deployment, by_priority
from app.routing.document import BUILT_IN, RouterDocument
from app.routing.names import AUTO as AUTO
from app.routing.names import Names
from app.services.runtime import RuntimeSettings
from app.services.tiers import Tier
from app.services.views import Person

SCOPES = ("chat", "embeddings", "images", "audio", "moderations", "models", "admin")
DEFAULT_SCOPES = tuple(scope for scope in SCOPES if scope != "admin")


@dataclass(frozen=True, slots=True)
class Credential:
    id: str
    secret: str | None
    hint: str
    env: str | None


@dataclass(frozen=True, slots=True)
class Provider:
    id: str
    name: str
    kind: Kind
    base_url: str
    formats: tuple[str, ...]
    enabled: bool
    priority: int
    rate_limit: dict[str, Any] | None
    models_listed: bool
    models_asked_at: datetime | None
    from_file: bool
    custom_base_url: str | None
    custom_formats: tuple[str, ...] | None
    upstream: Upstream
    credentials: tuple[Credential, ...]
    models: tuple[Model, ...]
    created_at: datetime
    updated_at: datetime

    @property
    def usable(self) -> bool:
        """Switched on, and with a key where it answers nobody without."""
        return self.enabled and (not self.kind.key_required or any(c.secret for c in self.credentials))


@dataclass(frozen=True, slots=True)
class Model:
    """A deployment as the admin sees it: also those that are switched off."""

    deployment: Deployment
    name: str
    enabled: bool
    listed: bool
    stored: dict[str, Any]  # what the row itself says, for export
    price_from: str = ""  # own (an admin's) | provider | catalogue | kind (all of it is free) | "" where it is unknown


@dataclass(frozen=True, slots=True)
class Key:
    id: str
    name: str
    hint: str
    person: Person | None
    teams: frozenset[str]
    router: str | None
    models: tuple[str, ...]
    pattern: re.Pattern[str]
    scopes: frozenset[str]
    tier: str | None  # its own; without one, its person's
    in_tier: Tier | None
    limits: dict[str, int]  # its own
    limits_in_force: dict[str, int]
    budgets: tuple[dict[str, Any], ...]
    on_budget: str
    unknown_price: str
    allowed_ips: tuple[str, ...]
    allowed_referrers: tuple[str, ...]
    expires_at: datetime | None
    disabled: bool
    from_file: bool
    created_at: datetime
    updated_at: datetime

    def may_use(self, model: str) -> bool:
        if self.in_tier is not None and self.in_tier.pattern is not None and not self.in_tier.pattern.fullmatch(model):
            return False
        return self.pattern.fullmatch(model) is not None


@dataclass(frozen=True, slots=True)
class KnownSession:
    id: str
    person_id: str
    csrf: str
    expires_at: datetime


@dataclass
class Snapshot:
    generation: int
    people: dict[str, Person]
    teams: dict[str, frozenset[str]]
    keys: dict[str, Key]  # by HMAC of the secret
    keys_by_id: dict[str, Key]
    providers: dict[str, Provider]
    documents: dict[str, tuple[RouterDocument, int]]
    runtime: RuntimeSettings
    sessions: dict[str, KnownSession] = field(default_factory=dict)  # by hash of the token
    canary_documents: dict[str, tuple[RouterDocument, int, float]] = field(default_factory=dict)
    unpublished: frozenset[str] = frozenset()  # names of routers that have a draft only
    routers: dict[str, CompiledRouter] = field(init=False)
    canaries: dict[str, tuple[CompiledRouter, float]] = field(init=False)  # with the percent of requests
    deployments: dict[str, Deployment] = field(init=False)

    def __post_init__(self) -> None:
        self.by_email = {person.email: person for person in self.people.values()}
        enabled = sorted(
            (m.deployment for p in self.providers.values() if p.usable for m in p.models if m.enabled),
            key=by_priority,
        )
        self.deployments = {deployment.id: deployment for deployment in enabled}
        self.provider_words = {word for each in enabled for word in (each.provider.lower(), each.kind)}
        documents = dict(self.documents)
        documents.setdefault("default", (BUILT_IN, 0))
        self._names = names = Names(enabled, documents)
        self.routers = {
            name: CompiledRouter(document, version, names.find_target)
            for name, (document, version) in documents.items()
        }
        self.canaries = {
            name: (CompiledRouter(document, version, names.find_target, f"{name}@{version}"), percent)
            for name, (document, version, percent) in self.canary_documents.items()
        }

    def resolve(self, model: str) -> Asked:
        """What a client's model name means, in the order of the contract. Raises ModelNotFound."""
        if (asked := self._names.resolve(model)) is not None:
            return asked
        if model.startswith("router/") and model[7:] in self.unpublished:
            raise ModelNotFound(not_published(model[7:]), field="model")
        raise ModelNotFound(
            f'No enabled provider serves the model "{model}". GET /v1/models lists what there is.', field="model"
        )

    def find_target(self, provider: str, model: str) -> Deployment | None:
        """A rule's target: the provider's own id first, else an alias where it is unambiguous."""
        return self._names.find_target(provider, model)

    def aliases(self) -> dict[str, tuple[Deployment, ...]]:
        """Every name that clients may use, with the deployments behind it."""
        return self._names.by_alias

    def provider_named(self, name_or_id: str) -> Provider | None:
        found = self.providers.get(name_or_id)
        return found or next((p for p in self.providers.values() if p.name == name_or_id), None)


def not_published(router: str) -> str:
    return f'The router "{router}" exists but is not published. An admin can publish its draft.'


def key_pattern(models: Iterable[str]) -> re.Pattern[str]:
    return glob_pattern(tuple(models))
