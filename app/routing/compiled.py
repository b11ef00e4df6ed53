"""Routers prepared for one snapshot: conditions compiled, targets looked up, who can never answer sorted out once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from app.routing.conditions import Conditions, Test, compile_conditions
from app.routing.deployment import Deployment, by_priority
from app.routing.document import ROUTER, Fallbacks, RouterDocument, Rule, Target
from app.routing.question import Question
from app.routing.strategies import STRATEGIES
from app.routing.strategies.base import Candidate, Strategy, Weights

Find = Callable[[str, str], Deployment | None]
TOO_LONG, POLICY = "context_length_exceeded", "content_policy"  # causes for which somebody else may answer
MAX_POOLS = 256  # of one rule: kinds of request that were asked of it


class Asked(msgspec.Struct, frozen=True, eq=False):
    """What a model's name means: deployments, and the router where the name chose one. Compared by identity: whoever
    asks for the same model is given the same object."""

    deployments: tuple[Deployment, ...]
    alias: str
    router: str | None = None
    sort: str | None = None  # what a suffix such as `:floor` asks for
    automatic: bool = False  # no model was named: whoever fits


class Dropped(msgspec.Struct, frozen=True):
    """Who is not asked, and why. The sentence is put together when somebody reads it."""

    deployment: Deployment
    because: str
    values: tuple[object, ...] = ()

    @property
    def reason(self) -> str:
        return self.because.format(*self.values) if self.values else self.because


class Group(msgspec.Struct, frozen=True, eq=False):
    """Candidates and groups under one strategy. `key` names its memory of turns."""

    key: str
    strategy: Strategy
    weights: Weights
    members: tuple[Candidate | Group, ...]
    place: int = 0
    weight: float = 1

    def leaves(self) -> Iterator[Candidate]:
        for member in self.members:
            if isinstance(member, Candidate):
                yield member
            else:
                yield from member.leaves()

    def keys(self) -> Iterator[str]:
        yield self.key
        for member in self.members:
            if isinstance(member, Group):
                yield from member.keys()

    def without(self, gone: set[str]) -> Group | None:
        """The same without some deployments; None where nobody is left."""
        members: list[Candidate | Group] = []
        for member in self.members:
            if isinstance(member, Group):
                if (left := member.without(gone)) is not None:
                    members.append(left)
            elif member.deployment.id not in gone:
                members.append(member)
        return msgspec.structs.replace(self, members=tuple(members)) if members else None


class Pool:
    """The candidates of one rule that can serve one kind of request. `fixed` is their order where it is always the
    same. `window` is the smallest of their context windows."""

    __slots__ = ("dropped", "fixed", "group", "leaves", "missing", "window")

    def __init__(self, group: Group | None, dropped: list[Dropped], missing: frozenset[str]) -> None:
        self.group = group
        self.dropped = dropped
        self.missing = missing
        self.leaves = tuple(group.leaves()) if group is not None else ()
        windows = [leaf.deployment.context_window for leaf in self.leaves]
        self.window = min((window for window in windows if window is not None), default=None)
        self.fixed = tuple(_in_place(group)) if group is None or _is_fixed(group) else None


class CompiledRule:
    def __init__(self, rule: Rule, router: RouterDocument, position: int, find: Find, memory: str) -> None:
        self.name = rule.shown
        self._when = _tests(rule.when) or ()
        self._unless = _tests(rule.unless)
        self.on_failure = rule.on_failure
        self.next_router = rule.on_failure[len(ROUTER) :] if rule.on_failure.startswith(ROUTER) else None
        self.strategy = STRATEGIES[rule.strategy or router.strategy]
        self._weights = router.weights or Weights()
        self._key = f"{memory}/{rule.id or position}"
        self.targets = (
            _group(rule.targets, self.strategy, self._weights, self._key, self.name, find) if rule.targets else None
        )
        self._pools: dict[tuple[object, ...], Pool] = {}

    def matches(self, question: Question) -> bool:
        for test in self._when:
            if not test(question):
                return False
        return self._unless is None or not all(test(question) for test in self._unless)

    def pool(self, question: Question, asked: Asked) -> Pool:
        """Who of this rule's candidates can serve such a request at all; worked out once for each kind."""
        kind = (
            None if self.targets is not None else asked,
            question.needs,
            question.formats,
            question.refuse_unknown_price,
        )
        pool = self._pools.get(kind)
        if pool is None:
            if len(self._pools) >= MAX_POOLS:
                self._pools.clear()
            pool = self._pools[kind] = _pool(self.targets or self._all_of(asked), question)
        return pool

    def group_keys(self) -> Iterable[str]:
        return self.targets.keys() if self.targets is not None else (self._key,)

    def _all_of(self, asked: Asked) -> Group:
        ordered = sorted(asked.deployments, key=by_priority)
        members = tuple(Candidate(each, place, rule=self.name) for place, each in enumerate(ordered))
        return Group(self._key, self.strategy, self._weights, members)


class CompiledRouter:
    """`memory` names its memory of turns, by default after the router: two versions in force at once have each their
    own."""

    def __init__(self, document: RouterDocument, version: int, find: Find, memory: str | None = None) -> None:
        self.document = document
        self.name = document.name
        self.version = version
        # what is left of a budget, and what a request is about, are worked out only where a rule asks for it
        conditions = [each for rule in document.rules for each in (rule.when, rule.unless) if each is not None]
        self.asks_budget = any(each.budget_left_below is not None for each in conditions)
        self.asks_intent = any(each.intents or each.complexity for each in conditions)
        self.leads_on = any(rule.on_failure.startswith(ROUTER) for rule in document.rules)
        key = memory or document.name
        self.rules = [CompiledRule(rule, document, place, find, key) for place, rule in enumerate(document.rules)]
        fallbacks = document.fallbacks or Fallbacks()
        self.fallbacks = {
            TOO_LONG: _found(fallbacks.context_too_long, "context too long", find),
            POLICY: _found(fallbacks.content_policy, "content policy", find),
        }


def _tests(conditions: Conditions | None) -> list[Test] | None:
    return None if conditions is None else compile_conditions(conditions)


def _group(
    targets: Sequence[Target], strategy: Strategy, weights: Weights, key: str, rule: str, find: Find, at: int = 0
) -> Group:
    members: list[Candidate | Group] = []
    for place, target in enumerate(targets):
        if target.targets:
            inner = STRATEGIES[target.strategy] if target.strategy is not None else strategy
            group = _group(target.targets, inner, weights, f"{key}/{place}", rule, find)
            if group.members:
                members.append(msgspec.structs.replace(group, place=place, weight=target.weight))
        elif (found := find(target.provider, target.model)) is not None:
            members.append(Candidate(found, place, target.weight, rule))
    return Group(key, strategy, weights, tuple(members), at)


def _found(targets: Sequence[Target], rule: str, find: Find) -> tuple[Candidate, ...]:
    group = _group(targets, STRATEGIES["priority"], Weights(), rule, rule, find)
    return tuple(group.leaves())


def _pool(group: Group, question: Question) -> Pool:
    dropped: list[Dropped] = []
    missing: set[str] = set()
    seen: set[str] = set()
    for leaf in group.leaves():
        deployment = leaf.deployment
        if deployment.id not in seen and (reason := _unfit(deployment, question, missing)) is not None:
            dropped.append(Dropped(deployment, reason))
        seen.add(deployment.id)
    gone = {each.deployment.id for each in dropped}
    left = group.without(gone) if gone else group
    return Pool(left if left is not None and left.members else None, dropped, frozenset(missing))


def _unfit(deployment: Deployment, question: Question, missing: set[str]) -> str | None:
    """Why this deployment can never serve such a request."""
    if question.formats is not None and question.formats.isdisjoint(deployment.formats):
        missing.add(question.asks)
        return f"{deployment.provider} offers no {question.asks}"
    if deployment.declared and deployment.capabilities is not None:
        lacking = question.needs - deployment.capabilities
        if lacking:
            missing |= lacking
            return f"no {', '.join(sorted(lacking))}, which the request needs"
    if question.refuse_unknown_price and deployment.price is None:
        return "price unknown, and the key has a budget"
    return None


def _is_fixed(group: Group) -> bool:
    return group.strategy.fixed and all(_is_fixed(each) for each in group.members if isinstance(each, Group))


def _in_place(group: Group | None) -> list[Candidate]:
    """In the order of the places, each deployment once."""
    if group is None:
        return []
    found: dict[str, Candidate] = {}
    for member in sorted(group.members, key=_place):
        for leaf in (member,) if isinstance(member, Candidate) else _in_place(member):
            found.setdefault(leaf.deployment.id, leaf)
    return list(found.values())


def _place(member: Candidate | Group) -> int:
    return member.place
