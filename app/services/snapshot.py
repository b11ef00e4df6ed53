"""What requests need, in memory: people, keys, providers, deployments and routers, as of one generation."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from app.core.errors import ModelNotFound
from app.providers.kinds import Kind
from app.providers.upstream import Upstream
from app.routing.compiled import Asked, CompiledRouter
from app.routing.conditions import glob_pattern
from app.routing.deployment import Deployment, by_priority
from app.routing.document import BUILT_IN, RouterDocument
from app.routing.wishes import SUFFIXES
from app.services.runtime import RuntimeSettings
from app.services.tiers import Tier
from app.services.views import Person

SCOPES = ("chat", "embeddings", "images", "audio", "moderations", "models", "admin")
DEFAULT_SCOPES = tuple(scope for scope in SCOPES if scope != "admin")
AUTO = "auto"


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
        self._by_alias = _grouped((d.alias, d) for d in enabled)
        self._by_model = _grouped((d.model, d) for d in enabled)
        self._by_provider = _grouped(
            (f"{d.provider}/{name}", d) for d in enabled for name in dict.fromkeys((d.alias, d.model))
        )
        self._auto = self._choose_auto(enabled)
        documents = dict(self.documents)
        documents.setdefault("default", (BUILT_IN, 0))
        self.routers = {
            name: CompiledRouter(document, version, self.find_target) for name, (document, version) in documents.items()
        }
        self.canaries = {
            name: (CompiledRouter(document, version, self.find_target, f"{name}@{version}"), percent)
            for name, (document, version, percent) in self.canary_documents.items()
        }

    def resolve(self, model: str) -> Asked:
        """What a client's model name means, in the order of the contract. Raises ModelNotFound."""
        if (asked := self._named(model)) is not None:
            return asked
        name, colon, suffix = model.rpartition(":")
        if (sort := SUFFIXES.get(colon + suffix)) is not None and (asked := self._named(name)) is not None:
            return msgspec.structs.replace(asked, sort=sort)
        if model.startswith("router/") and model[7:] in self.unpublished:
            raise ModelNotFound(not_published(model[7:]), field="model")
        raise ModelNotFound(
            f'No enabled provider serves the model "{model}". GET /v1/models lists what there is.', field="model"
        )

    def _named(self, model: str) -> Asked | None:
        if found := self._by_alias.get(model):
            return Asked(found, model)
        if found := self._by_model.get(model):
            return Asked(found, found[0].alias)
        if model.startswith("router/") and model[7:] in self.routers:
            return Asked(self._auto, model, router=model[7:], automatic=True)
        if model == AUTO:
            return Asked(self._auto, AUTO, automatic=True)
        if found := self._by_provider.get(model):
            return Asked(found, found[0].alias)
        return None

    def find_target(self, provider: str, model: str) -> Deployment | None:
        """A rule's target: the provider's own id first, else an alias where it is unambiguous."""
        for found in (self._by_provider.get(f"{provider}/{model}", ()),):
            exact = [d for d in found if d.model == model]
            if exact:
                return exact[0]
            if len(found) == 1:
                return found[0]
        return None

    def aliases(self) -> dict[str, tuple[Deployment, ...]]:
        """Every name that clients may use, with the deployments behind it."""
        return self._by_alias

    def provider_named(self, name_or_id: str) -> Provider | None:
        found = self.providers.get(name_or_id)
        return found or next((p for p in self.providers.values() if p.name == name_or_id), None)

    def _choose_auto(self, enabled: list[Deployment]) -> tuple[Deployment, ...]:
        """All that can chat; the demo only where there is nothing else, and then its helpful model."""
        real = [d for d in enabled if not d.demo and (d.capabilities is None or "chat" in d.capabilities)]
        if real:
            return tuple(real)
        return tuple(d for d in enabled if d.demo and d.model == "demo/chat")


def not_published(router: str) -> str:
    return f'The router "{router}" exists but is not published. An admin can publish its draft.'


def key_pattern(models: Iterable[str]) -> re.Pattern[str]:
    return glob_pattern(tuple(models))


def _grouped(pairs: Iterable[tuple[str, Deployment]]) -> dict[str, tuple[Deployment, ...]]:
    groups: dict[str, list[Deployment]] = {}
    for name, deployment in pairs:
        groups.setdefault(name, []).append(deployment)
    return {name: tuple(group) for name, group in groups.items()}
