"""A router as a document: rules, conditions, targets, as it is stored, exported and applied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from app.routing.conditions import Conditions
from app.routing.strategies.base import Weights

ROUTER = "router:"  # on_failure = "router:NAME"


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A deployment, or a group of targets with a strategy of its own."""

    provider: str = ""
    model: str = ""
    weight: float = 1
    strategy: str | None = None
    targets: list[Target] = []


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    name: str = ""
    id: str = ""
    when: Conditions | None = None
    unless: Conditions | None = None
    targets: list[Target] = []
    strategy: str | None = None
    on_failure: str = "next_rule"

    @property
    def shown(self) -> str:
        return self.name or self.id


class Cache(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Exact answers that are kept: for how long, how many, and whether one person's may answer another's question."""

    ttl_s: float = 300
    max_entries: int = 10_000
    shared: bool = False


class Fallbacks(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who answers instead where a provider refuses for one of these causes."""

    context_too_long: list[Target] = []
    content_policy: list[Target] = []


class RouterDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One version of a router. `min_tokens_per_s`: a stream that begins slower than that is left for the next
    candidate. `hedge`: a second candidate is asked when the first takes unusually long to begin."""

    name: str
    strategy: str = "priority"
    max_attempts: int = 4
    timeout_s: float = 120
    first_token_timeout_s: float = 60
    idle_timeout_s: float = 60
    min_tokens_per_s: float | None = None
    hedge: bool = False
    sticky: bool = True
    weights: Weights | None = None
    cache: Cache | None = None
    fallbacks: Fallbacks | None = None
    rules: list[Rule] = []


BUILT_IN = RouterDocument(name="default", rules=[Rule(name="every model", id="rule_default")])


def named_targets(targets: Sequence[Target], where: str = "targets") -> Iterator[tuple[str, Target]]:
    """The deployments that targets name, those in groups too, each with the path of its field."""
    for position, target in enumerate(targets):
        field = f"{where}[{position}]"
        if target.targets:
            yield from named_targets(target.targets, f"{field}.targets")
        else:
            yield field, target


def all_targets(document: RouterDocument) -> Iterator[tuple[str, Target]]:
    """Of its rules and of its fallbacks."""
    for at, rule in enumerate(document.rules):
        yield from named_targets(rule.targets, f"rules[{at}].targets")
    if document.fallbacks is not None:
        yield from named_targets(document.fallbacks.context_too_long, "fallbacks.context_too_long")
        yield from named_targets(document.fallbacks.content_policy, "fallbacks.content_policy")


def leads_to(document: RouterDocument) -> set[str]:
    """The routers that go on where this one's rules failed."""
    return {rule.on_failure.removeprefix(ROUTER) for rule in document.rules if rule.on_failure.startswith(ROUTER)}
