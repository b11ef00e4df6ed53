"""From a question and a router to the ordered candidates, with the reason for each one kept or dropped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from app.routing.compiled import Asked, CompiledRouter, CompiledRule, Dropped, Group, Pool
from app.routing.deployment import Deployment
from app.routing.question import Question
from app.routing.standing import Standing
from app.routing.strategies import STRATEGIES
from app.routing.strategies.base import Candidate

Blocked = Callable[[Deployment], str | None]  # why a deployment cannot be called now; None: it can

# bytes / 3 overstates tokens; only an input that is too long beyond doubt is refused before the provider says so
_SURELY = 0.6


class Plan(msgspec.Struct, kw_only=True):
    """Who is asked, in this order; `numbers` are what their strategies gave them, None where the order is fixed.
    `missing` are the needs that no candidate for the model has: the reason for a 422."""

    router: str
    version: int
    rule: str | None
    strategy: str = ""
    order: list[Candidate] = []
    numbers: list[float | None] | None = None
    dropped: list[Dropped] = []
    missing: frozenset[str] = frozenset()
    stuck: bool = False  # the first is where the conversation was before


def make_plan(
    question: Question,
    router: CompiledRouter,
    routers: Mapping[str, CompiledRouter],
    asked: Sequence[Asked],
    blocked: Blocked | None,
    standing: Standing,
    before: str | None = None,
) -> Plan:
    """`asked` is the model that was asked for, and those after it that the client would also take; a rule's targets
    answer in their place. `blocked` None: everybody is well. `before` is the deployment that answered the
    conversation's last request: where it stands in the first rule's candidates, it comes first.

    A deployment that is only unwell (blocked) is still tried where nothing else is left."""
    maker = _Maker(question, routers, asked, blocked, standing)
    plan = maker.plan = Plan(router=router.name, version=router.version, rule=None)
    maker.follow(router)
    if not plan.order and maker.unwell:
        plan.order = maker.unwell
        kept = {candidate.deployment.id for candidate in maker.unwell}
        plan.dropped = [dropped for dropped in plan.dropped if dropped.deployment.id not in kept]
    if not plan.order:
        plan.missing = frozenset(maker.missing)
    elif before is not None:
        _stick(plan, before)
    if question.wishes is not None and not question.wishes.allow_fallbacks:
        plan.order = plan.order[:1]
    return plan


class _Maker:
    """One plan on its way."""

    __slots__ = ("_asked", "_blocked", "_question", "_routers", "_seen", "_standing", "missing", "plan", "unwell")

    plan: Plan

    def __init__(
        self,
        question: Question,
        routers: Mapping[str, CompiledRouter],
        asked: Sequence[Asked],
        blocked: Blocked | None,
        standing: Standing,
    ) -> None:
        self._question, self._routers, self._asked = question, routers, asked
        self._blocked, self._standing = blocked, standing
        self._seen: set[str] | None = None  # of the rules before
        self.unwell: list[Candidate] = []
        self.missing: set[str] = set()

    def follow(self, router: CompiledRouter, visited: frozenset[str] = frozenset()) -> None:
        plan, question = self.plan, self._question
        last = router.rules[-1] if router.rules else None
        for rule in router.rules:
            if not rule.matches(question):
                continue
            if plan.rule is None:
                plan.rule, plan.strategy = rule.name, rule.strategy.name
            for asked in self._asked:
                ends = rule.on_failure == "stop" or (rule is last and rule.next_router is None)
                self._add(rule, rule.pool(question, asked), final=ends and asked is self._asked[-1])
                if rule.targets is not None:
                    break
            if rule.on_failure == "stop":
                return
            if rule.next_router is not None:
                following = self._routers.get(rule.next_router)
                if following is not None and following is not router and following.name not in visited:
                    self.follow(following, visited | {router.name})
                return

    def _add(self, rule: CompiledRule, pool: Pool, *, final: bool) -> None:
        plan, question = self.plan, self._question
        group, leaves = pool.group, pool.leaves
        first = self._seen is None and not plan.order
        if pool.dropped:
            self._drop_unfit(pool)
        if group is None:
            return
        window = pool.window
        if (
            self._seen is not None
            or self._blocked is not None
            or question.wishes is not None
            or (window is not None and question.input_tokens * _SURELY > window)
        ):
            gone = self._drop_now(leaves)
            if gone:
                if len(gone) == len(leaves) or (group := group.without(gone)) is None:
                    return
                pool = Pool(group, [], frozenset())
        if not final:
            if self._seen is None:
                self._seen = set()
            self._seen.update([leaf.deployment.id for leaf in pool.leaves])
        wishes = question.wishes
        if pool.fixed is not None and (wishes is None or not (wishes.order or wishes.strategy)):
            plan.order = list(pool.fixed) if first else [*plan.order, *pool.fixed]
            if plan.numbers is not None:
                plan.numbers += [None] * len(pool.fixed)
            return
        if wishes is not None and wishes.strategy is not None:
            group = self._as_wished(pool, wishes.strategy)
        ordered = self._ranked(group)
        if wishes is not None and wishes.order:
            ordered.sort(key=lambda each: wishes.place(each[1].deployment))
        numbers = plan.numbers if plan.numbers is not None else [None] * len(plan.order)
        plan.numbers = [*numbers, *[number for number, _ in ordered]]
        plan.order = [*plan.order, *[candidate for _, candidate in ordered]]

    def _ranked(self, group: Group) -> list[tuple[float, Candidate]]:
        """In order, each deployment once; a group inside is judged by its first candidate, and comes as a whole."""
        question = self._question
        world = self._standing.world(group.key, group.weights)
        members = group.members
        inside: dict[int, list[tuple[float, Candidate]]] = {}
        heads: list[Candidate] = []
        for at, member in enumerate(members):
            if isinstance(member, Group):
                inside[at] = ranked = self._ranked(member)
                head = ranked[0][1]
                heads.append(Candidate(head.deployment, member.place, member.weight, head.rule))
            else:
                heads.append(member)
        numbers = group.strategy.rank(heads, question, world)
        places = sorted(zip(numbers, [head.place for head in heads], range(len(heads)), strict=True))
        if not inside and len({head.deployment.id for head in heads}) == len(heads):
            return [(number, heads[at]) for number, _, at in places]
        found: dict[str, tuple[float, Candidate]] = {}
        for number, _, at in places:
            for each in inside.get(at) or [(number, heads[at])]:
                found.setdefault(each[1].deployment.id, each)
        return list(found.values())

    def _as_wished(self, pool: Pool, strategy: str) -> Group:
        assert pool.group is not None
        return msgspec.structs.replace(
            pool.group, key="", strategy=STRATEGIES[strategy], members=tuple(_once(pool.leaves))
        )

    def _drop_unfit(self, pool: Pool) -> None:
        seen = self._seen
        if seen is None:
            seen = self._seen = set()
        self.missing |= pool.missing
        new = [each for each in pool.dropped if each.deployment.id not in seen]
        seen.update([each.deployment.id for each in new])
        self.plan.dropped = [*self.plan.dropped, *new]

    def _drop_now(self, leaves: tuple[Candidate, ...]) -> set[str]:
        """Those that an earlier rule brought already, and those that cannot take this request, or none now."""
        question, blocked, seen = self._question, self._blocked, self._seen
        most = question.input_tokens * _SURELY
        gone: set[str] = set()
        dropped: list[Dropped] = []
        fresh: set[str] = set()
        for leaf in leaves:
            deployment = leaf.deployment
            id = deployment.id
            if id in gone or id in fresh:
                continue
            if seen is not None and id in seen:
                gone.add(id)
                continue
            window = deployment.context_window
            if window is not None and most > window:
                values = (question.input_tokens, window)
                dropped.append(Dropped(deployment, "input of about {:,} tokens is over its {:,}", values))
            elif question.wishes is not None and (unwanted := self._unwanted(deployment)) is not None:
                dropped.append(unwanted)
            elif blocked is not None and (reason := blocked(deployment)) is not None:
                dropped.append(Dropped(deployment, reason))
                self.unwell.append(leaf)
            else:
                fresh.add(id)
                continue
            gone.add(id)
        if dropped:
            self.plan.dropped = [*self.plan.dropped, *dropped]
            if self._seen is None:
                self._seen = set()
            self._seen.update([each.deployment.id for each in dropped])
        return gone

    def _unwanted(self, deployment: Deployment) -> Dropped | None:
        question = self._question
        wishes = question.wishes
        assert wishes is not None
        if (reason := wishes.refuses(deployment)) is not None:
            return Dropped(deployment, reason)
        if wishes.require_parameters and not question.needs <= (deployment.capabilities or frozenset()):
            return Dropped(deployment, "not known to take every parameter of the request")
        return None


def _stick(plan: Plan, before: str) -> None:
    """Moves the conversation's deployment to the front, if the first rule has it."""
    order = plan.order
    for at, candidate in enumerate(order):
        if candidate.rule != order[0].rule:
            return
        if candidate.deployment.id == before:
            plan.stuck = True
            if at:
                plan.order = [candidate, *order[:at], *order[at + 1 :]]
                if plan.numbers is not None:
                    numbers = plan.numbers
                    plan.numbers = [numbers[at], *numbers[:at], *numbers[at + 1 :]]
            return


def _once(leaves: Sequence[Candidate]) -> list[Candidate]:
    return list({leaf.deployment.id: leaf for leaf in leaves}.values())
