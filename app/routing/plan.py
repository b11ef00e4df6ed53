"""From a question and a router to the ordered candidates, with the reason for each one kept or dropped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from app.routing.deployment import Deployment, by_priority
from app.routing.document import CompiledConditions, RouterDocument, Rule
from app.routing.question import Question
from app.routing.strategies import STRATEGIES
from app.routing.strategies.base import Candidate

Blocked = Callable[[Deployment], str | None]  # why a deployment cannot be called now; None: it can

# bytes / 3 overstates tokens; only an input that is too long beyond doubt is refused before the provider says so
_SURELY = 0.6


class Dropped(msgspec.Struct, frozen=True):
    deployment: Deployment
    reason: str


class Planned(msgspec.Struct, frozen=True):
    deployment: Deployment
    rule: str


class Plan(msgspec.Struct, kw_only=True):
    """`missing` are the needs that no candidate for the model has: the reason for a 422."""

    router: str
    version: int
    rule: str | None
    order: list[Planned] = []
    dropped: list[Dropped] = []
    missing: frozenset[str] = frozenset()

    def decision(self, question: Question) -> dict[str, Any]:
        """As it is stored with the request and shown."""
        return {
            "router": self.router,
            "version": self.version,
            "rule": self.rule,
            "needs": sorted(question.needs),
            "candidates": [
                {"provider": p.deployment.provider, "model": p.deployment.model, "kept": True, "reason": p.rule}
                for p in self.order
            ]
            + [
                {"provider": d.deployment.provider, "model": d.deployment.model, "kept": False, "reason": d.reason}
                for d in self.dropped
            ],
            "order": [{"provider": p.deployment.provider, "model": p.deployment.model} for p in self.order],
        }


class CompiledRule:
    def __init__(self, rule: Rule, default_strategy: str, targets: list[Deployment | None]) -> None:
        self.name = rule.name or rule.id
        self.when = CompiledConditions(rule.when) if rule.when is not None else None
        self.unless = CompiledConditions(rule.unless) if rule.unless is not None else None
        self.strategy = STRATEGIES[rule.strategy or default_strategy]
        self.on_failure = rule.on_failure
        self.has_targets = bool(rule.targets)
        self.candidates = [
            Candidate(deployment, place, target.weight)
            for place, (deployment, target) in enumerate(zip(targets, rule.targets, strict=True))
            if deployment is not None
        ]

    def matches(self, question: Question) -> bool:
        return (self.when is None or self.when.hold(question)) and not (
            self.unless is not None and self.unless.hold(question)
        )


class CompiledRouter:
    """A router prepared for one snapshot: targets looked up, conditions compiled."""

    def __init__(self, document: RouterDocument, version: int, find: Callable[[str, str], Deployment | None]) -> None:
        self.document = document
        self.name = document.name
        self.version = version
        # what is left of a budget is worked out only where a rule asks for it
        conditions = [each for rule in document.rules for each in (rule.when, rule.unless) if each is not None]
        self.asks_budget = any(each.budget_left_below is not None for each in conditions)
        self.leads_on = any(rule.on_failure.startswith("router:") for rule in document.rules)
        self.rules = [
            CompiledRule(rule, document.strategy, [find(target.provider, target.model) for target in rule.targets])
            for rule in document.rules
        ]


def make_plan(
    question: Question,
    router: CompiledRouter,
    routers: Mapping[str, CompiledRouter],
    asked: Sequence[Deployment],
    blocked: Blocked,
) -> Plan:
    """`asked` are the deployments of the model that was asked for; a rule's targets answer in their place.

    A deployment that is only unwell (blocked) is still tried where nothing else is left."""
    plan = Plan(router=router.name, version=router.version, rule=None)
    seen: set[str] = set()
    unwell: list[Planned] = []
    missing: set[str] = set()
    _follow(question, router, routers, asked, blocked, plan, seen, unwell, missing, {router.name})
    if not plan.order and unwell:
        plan.order = unwell
        kept = {planned.deployment.id for planned in unwell}
        plan.dropped = [dropped for dropped in plan.dropped if dropped.deployment.id not in kept]
    if not plan.order:
        plan.missing = frozenset(missing)
    return plan


def _follow(
    question: Question,
    router: CompiledRouter,
    routers: Mapping[str, CompiledRouter],
    asked: Sequence[Deployment],
    blocked: Blocked,
    plan: Plan,
    seen: set[str],
    unwell: list[Planned],
    missing: set[str],
    visited: set[str],
) -> None:
    for rule in router.rules:
        if not rule.matches(question):
            continue
        if plan.rule is None:
            plan.rule = rule.name
        candidates = rule.candidates
        if not rule.has_targets:
            ordered = asked if len(asked) == 1 else sorted(asked, key=by_priority)
            candidates = [Candidate(each, place) for place, each in enumerate(ordered)]
        for candidate in rule.strategy.order(candidates, question):
            deployment = candidate.deployment
            if deployment.id in seen:
                continue
            seen.add(deployment.id)
            if (reason := _unfit(deployment, question, missing)) is not None:
                plan.dropped.append(Dropped(deployment, reason))
            elif (reason := blocked(deployment)) is not None:
                plan.dropped.append(Dropped(deployment, reason))
                unwell.append(Planned(deployment, rule.name))
            else:
                plan.order.append(Planned(deployment, rule.name))
        if rule.on_failure == "stop":
            return
        if rule.on_failure.startswith("router:"):
            following = routers.get(rule.on_failure[7:])
            if following is not None and following.name not in visited:
                visited.add(following.name)
                _follow(question, following, routers, asked, blocked, plan, seen, unwell, missing, visited)
            return


def _unfit(deployment: Deployment, question: Question, missing: set[str]) -> str | None:
    """Why this deployment can never serve this request."""
    if question.formats is not None and question.formats.isdisjoint(deployment.formats):
        missing.add(question.asks)
        return f"{deployment.provider} offers no {question.asks}"
    if deployment.declared and deployment.capabilities is not None:
        lacking = question.needs - deployment.capabilities
        if lacking:
            missing |= lacking
            return f"no {', '.join(sorted(lacking))}, which the request needs"
    if deployment.context_window is not None and question.input_tokens * _SURELY > deployment.context_window:
        return f"input of about {question.input_tokens:,} tokens is over its {deployment.context_window:,}"
    if question.refuse_unknown_price and deployment.price is None:
        return "price unknown, and the key has a budget"
    return None
