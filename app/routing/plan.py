"""From a question and a router to the ordered candidates, with the reason for each one kept or dropped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from app.core.money import show_usd as _usd
from app.routing.automatic import AUTOMATIC
from app.routing.compiled import Asked, CompiledRouter, CompiledRule, Dropped, Group, Pool
from app.routing.deployment import Deployment, output_limit
from app.routing.question import Question
from app.routing.standing import Standing
from app.routing.strategies import STRATEGIES
from app.routing.strategies.base import Candidate
from app.routing.wishes import Wishes

Blocked = Callable[[Deployment], str | None]  # why a deployment cannot be called now; None: it can

# bytes / 3 overstates tokens; only an input that is too long beyond doubt is refused before the provider says so
SURELY = 0.6


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
    unwell: bool = False  # none of them can be called now, as far as is known; they are tried all the same
    stuck: bool = False  # the first is where the conversation was before


def make_plan(
    question: Question,
    router: CompiledRouter,
    routers: Mapping[str, CompiledRouter],
    asked: Sequence[Asked],
    blocked: Blocked | None,
    standing: Standing,
) -> Plan:
    """`asked` is the model that was asked for, and those after it that the client would also take; a rule's targets
    answer in their place. `blocked` None: everybody is well.

    A deployment that is only unwell (blocked) is still tried where nothing else is left."""
    maker = _Maker(question, routers, asked, blocked, standing)
    plan = maker.plan = Plan(router=router.name, version=router.version, rule=None)
    maker.follow(router)
    if not plan.order and maker.unwell:
        plan.order = maker.unwell
        plan.unwell = True
        kept = {candidate.deployment.id for candidate in maker.unwell}
        plan.dropped = [dropped for dropped in plan.dropped if dropped.deployment.id not in kept]
    if not plan.order:
        plan.missing = frozenset(maker.missing)
    if question.wishes is not None and not question.wishes.allow_fallbacks:
        plan.order = plan.order[:1]
    return plan


class _Maker:
    """One plan on its way."""

    __slots__ = (
        "_asked",
        "_automatic",
        "_blocked",
        "_question",
        "_routers",
        "_seen",
        "_standing",
        "missing",
        "plan",
        "unwell",
    )

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
        # nobody said who is to answer: neither a model, nor, as it may turn out, a rule
        self._automatic = question.intent is not None and asked[0].automatic
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
                if self._automatic and rule.targets is None and rule.strategy.fixed:
                    plan.strategy = AUTOMATIC.name
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
            or question.least_score
            or (window is not None and question.input_tokens * SURELY > window)
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
        strategy = wishes.strategy if wishes is not None else None
        if self._automatic and strategy is None and rule.targets is None and rule.strategy.fixed:
            strategy = AUTOMATIC.name
        if pool.fixed is not None and strategy is None and (wishes is None or not wishes.order):
            plan.order = list(pool.fixed) if first else [*plan.order, *pool.fixed]
            if plan.numbers is not None:
                plan.numbers += [None] * len(pool.fixed)
            return
        if strategy is not None:
            group = self._ranked_by(pool, strategy)
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

    def _ranked_by(self, pool: Pool, strategy: str) -> Group:
        assert pool.group is not None
        chosen = AUTOMATIC if strategy == AUTOMATIC.name else STRATEGIES[strategy]
        return msgspec.structs.replace(pool.group, key="", strategy=chosen, members=tuple(_once(pool.leaves)))

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
        most = question.input_tokens * SURELY
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
            elif question.wishes is not None and (unwanted := self._unwanted(deployment, question.wishes)) is not None:
                dropped.append(unwanted)
            elif question.least_score and (weak := self._weak(deployment, question.least_score)) is not None:
                dropped.append(weak)
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

    def _unwanted(self, deployment: Deployment, wishes: Wishes) -> Dropped | None:
        question = self._question
        if (reason := wishes.refuses(deployment)) is not None:
            return Dropped(deployment, reason)
        able = deployment.capabilities
        if wishes.require_parameters and able is not None and not question.needs <= able:
            return Dropped(deployment, "not known to take every parameter of the request")
        if wishes.max_cost is not None:
            if deployment.price is None:
                return Dropped(deployment, "price unknown, and the request has a limit of cost")
            most = deployment.price.ceiling(question.input_tokens, output_limit(question.max_tokens, deployment))
            if most > wishes.max_cost:
                return Dropped(
                    deployment, "may cost {}, and the request allows {}", (_usd(most), _usd(wishes.max_cost))
                )
        if wishes.max_latency_ms is not None:
            numbers = self._standing.numbers.get(deployment.id)
            seconds = numbers.times.quantile(0.5) if numbers is not None else None
            if seconds is not None and seconds * 1000 > wishes.max_latency_ms:
                usual = round(seconds * 1000)
                return Dropped(
                    deployment, "usually takes {:,} ms, and the request allows {:,}", (usual, wishes.max_latency_ms)
                )
        return None

    def _weak(self, deployment: Deployment, least: float) -> Dropped | None:
        numbers = self._standing.numbers.get(deployment.id)
        score = numbers.score(self._standing.now()) if numbers is not None else None
        if score is None or score >= least:
            return None
        return Dropped(deployment, "score {}, and the tier asks for {}", (f"{score:.2f}", f"{least:g}"))


def stick(plan: Plan, before: str) -> None:
    """Moves the deployment that answered the conversation before to the front, if it is among the first rule's."""
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
