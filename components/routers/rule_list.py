"""The rules of a router as cards, and everything that can be done to one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.routing.document import ROUTER
from app.routing.strategies import STRATEGIES
from components.fragment import Fragment
from components.markup import Html, button, h, join
from components.palette import Choice
from components.routers import document_edits as edits
from components.routers.conditions_dialog import ConditionsDialog, Known
from components.routers.document_edits import Document, Rule
from components.routers.graph import Lit, Shares
from components.routers.offers import Offers
from components.routers.rule_card import CardState, rule_card, strategy_label
from components.routers.targets_dialog import TargetsDialog
from components.states import state

if TYPE_CHECKING:
    from components.page import PageContext
    from components.routers.draft_keeper import DraftKeeper

INHERIT = "inherit"


@dataclass(frozen=True)
class _Drawn:
    """A card and what it was made of: one that shows the same is not made again."""

    rule: Rule
    state: CardState
    offers: Offers
    card: Html


class RuleList:
    """`shares`, `offers`, `lit` and `known` are asked for whenever something is shown: they change while the page is
    open."""

    def __init__(
        self,
        context: PageContext,
        keeper: DraftKeeper,
        *,
        shares: Callable[[], Shares],
        offers: Callable[[], Offers],
        lit: Callable[[], Lit],
        known: Callable[[], Known],
    ) -> None:
        self._context, self._keeper = context, keeper
        self._shares, self._offers, self._lit, self._known = shares, offers, lit, known
        self._renaming: str | None = None
        self._said = ""
        self._drawn: dict[str, _Drawn] = {}
        self._cards = Fragment(
            self._markup(),
            add=lambda _: self._add(),
            rename=self._start_rename,
            renamed=self._renamed,
            keep_name=lambda _: self._start_rename(""),
            conditions=self.conditions,
            targets=self.targets,
            strategy=self._strategy,
            on_failure=self._on_failure,
            up=lambda rule_id: self.move(rule_id, edits.place_of(self._document, rule_id) - 1),
            down=lambda rule_id: self.move(rule_id, edits.place_of(self._document, rule_id) + 1),
            duplicate=self._duplicate,
            delete=self._delete,
        ).classes("a-rules-part")

    @property
    def _document(self) -> Document:
        return self._keeper.document

    def show(self) -> None:
        self._cards.show(self._markup())

    def move(self, rule_id: str, to: int) -> None:
        moved = edits.move_rule(self._document, rule_id, to)
        place = edits.place_of(moved, rule_id)
        rules = edits.rules_of(moved)
        if place >= 0:
            self._said = f"{edits.shown_name(rules[place], place)} is now rule {place + 1} of {len(rules)}"
        self._keeper.change(moved)

    def conditions(self, rule_id: str) -> None:
        found = self._find(rule_id)
        if found is None:
            return
        rule, name = found

        def use(when: dict[str, Any], unless: dict[str, Any]) -> None:
            self._keeper.change(edits.with_rule(self._document, rule_id, when=when, unless=unless))

        with self._context.root:
            ConditionsDialog(name, rule, self._known(), use)

    def targets(self, rule_id: str) -> None:
        found = self._find(rule_id)
        if found is None:
            return
        rule, name = found

        def use(targets: list[edits.Target]) -> None:
            self._keeper.change(edits.with_rule(self._document, rule_id, targets=targets))

        with self._context.root:
            TargetsDialog(f"Who answers {name}?", rule.get("targets", ()), self._strategy_of(rule), self._offers(), use)

    def _find(self, rule_id: str) -> tuple[Rule, str] | None:
        """The rule and its name; None where it is gone meanwhile."""
        place = edits.place_of(self._document, rule_id)
        if place < 0:
            return None
        rule = edits.rules_of(self._document)[place]
        return rule, edits.shown_name(rule, place)

    def _strategy_of(self, rule: Rule) -> str:
        return str(rule.get("strategy") or self._document.get("strategy", "priority"))

    def _add(self) -> None:
        document, rule_id = edits.add_rule(self._document, "New rule")
        self._renaming = rule_id
        self._keeper.change(document)

    def _duplicate(self, rule_id: str) -> None:
        document, self._renaming = edits.duplicate_rule(self._document, rule_id)
        self._keeper.change(document)

    def _delete(self, rule_id: str) -> None:
        found = self._find(rule_id)
        if found is None:
            return
        before = self._document
        self._keeper.change(edits.delete_rule(before, rule_id))

        def restore() -> None:
            if edits.rule_of(self._document, rule_id) is None:
                rules, place = edits.rules_of(self._document), edits.place_of(before, rule_id)
                self._keeper.change({**self._document, "rules": [*rules[:place], found[0], *rules[place:]]})

        self._context.offer_undo(f"Rule {found[1]} deleted from the draft", restore)

    def _start_rename(self, rule_id: str) -> None:
        self._renaming = rule_id or None
        self.show()

    def _renamed(self, name: str) -> None:
        rule_id, self._renaming = self._renaming, None
        if rule_id and name.strip():
            self._keeper.change(edits.with_rule(self._document, rule_id, name=name.strip()))
        self.show()

    def _strategy(self, rule_id: str) -> None:
        found = self._find(rule_id)
        if found is None:
            return
        own = found[0].get("strategy")
        inherited = strategy_label(str(self._document.get("strategy", "priority")))

        def use(value: str) -> None:
            chosen = None if value == INHERIT else value
            self._keeper.change(edits.with_rule(self._document, rule_id, strategy=chosen))

        choices = [Choice("", "As the router", INHERIT, icon="route", sub=f"{inherited} by now", on=not own)]
        choices += [
            Choice("Strategies", strategy.label, name, icon="swap", sub=strategy.summary, on=own == name)
            for name, strategy in sorted(STRATEGIES.items(), key=lambda item: item[1].label)
        ]
        self._context.palette.choose(
            choices, use, placeholder=f"Who is asked first in {found[1]}", empty="There is no such strategy."
        )

    def _on_failure(self, rule_id: str) -> None:
        found = self._find(rule_id)
        if found is None:
            return
        now = str(found[0].get("on_failure") or "next_rule")

        def use(value: str) -> None:
            chosen = None if value == "next_rule" else value
            self._keeper.change(edits.with_rule(self._document, rule_id, on_failure=chosen))

        choices = [
            Choice(
                "", "Next rule", "next_rule", icon="arrow-down", sub="That holds for the request", on=now == "next_rule"
            ),
            Choice("", "Stop", "stop", icon="stop", sub="The request fails", on=now == "stop"),
        ]
        choices += [
            Choice("Go on in another router", name, ROUTER + name, icon="route", on=now == ROUTER + name)
            for name in self._context.services.routers.names()
            if name != self._document.get("name")
        ]
        self._context.palette.choose(
            choices, use, placeholder=f"When every target of {found[1]} failed", empty="There is no such router."
        )

    def _markup(self) -> Html:
        rules = edits.rules_of(self._document)
        return join(
            h(
                "div.a-row.a-rules-head",
                h("h2.a-strong.a-f13", "Rules"),
                h("span.a-f12.a-t3", "first match decides"),
                h("span.a-grow"),
                button("Add rule", icon_name="plus", class_="is-sm", data_act="add"),
            ),
            h("div.a-rules", self._all(rules)) if rules else _no_rules(),
            h("p.a-sr", self._said, role="status"),
        )

    def _all(self, rules: list[Rule]) -> list[Html]:
        shares, offers, lit = self._shares(), self._offers(), self._lit()
        marks, troubles = self._marks(), self._troubles()
        strategy = str(self._document.get("strategy", "priority"))
        drawn: dict[str, _Drawn] = {}
        for place, rule in enumerate(rules):
            rule_id, mark = str(rule.get("id")), marks.get(str(rule.get("id")), "")
            state = CardState(
                place=place,
                last=place == len(rules) - 1,
                strategy=strategy,
                passed=None if mark == "added" else shares.of_rule(str(rule.get("name") or rule_id)),
                mark=mark,
                problems=tuple(troubles.get(rule_id, ())),
                lit=lit.rule_id == rule_id,
                renaming=self._renaming == rule_id,
            )
            known = self._drawn.get(rule_id)
            if known is None or known.rule is not rule or known.state != state or known.offers is not offers:
                known = _Drawn(rule, state, offers, rule_card(rule, state, offers))
            drawn[rule_id] = known
        self._drawn = drawn
        return [each.card for each in drawn.values()]

    def _marks(self) -> dict[str, str]:
        if not self._keeper.view.version:
            return {}  # all of it is new
        found: dict[str, str] = {}
        for change in self._keeper.changes:
            if change.rule_id and change.kind != "removed":
                found[change.rule_id] = (
                    change.kind if found.get(change.rule_id, "moved") == "moved" else found[change.rule_id]
                )
        return found

    def _troubles(self) -> dict[str, list[tuple[str, str]]]:
        found: dict[str, list[tuple[str, str]]] = {}
        for problem in self._keeper.problems:
            if problem.rule_id:
                said = problem.message.partition(": ")[2] or problem.message  # the card says whose it is
                found.setdefault(problem.rule_id, []).append((problem.level, said[:1].upper() + said[1:]))
        return found


def _no_rules() -> Html:
    return h(
        "div.a-card.a-invite",
        state(
            "route",
            "No rules yet",
            "A rule says which requests it decides about and who answers them. Without any, nothing is answered.",
            button("Add rule", icon_name="plus", data_act="add"),
        ),
    )
