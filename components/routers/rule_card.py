"""A rule as a card: when it holds, who answers, in which order, and what follows a failure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from app.routing.strategies import STRATEGIES
from components.badges import badge, dot, tag
from components.format import share
from components.markup import Child, Html, h, icon, menu, menu_item
from components.routers.condition_words import chips, sentence
from components.routers.document_edits import Rule, Target, is_group, shown_name
from components.routers.offers import Offers

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
SHOWN = 8  # targets on a card; the dialog has all
MARKS = {"added": "new", "changed": "changed", "moved": "moved"}


@dataclass(frozen=True)
class CardState:
    """What a card shows beside its rule. `mark` is how it differs from what is live: added, changed, moved or nothing.
    `problems` are sentences; `renaming`: the name is a field."""

    place: int
    last: bool
    strategy: str  # of the router, which the rule inherits
    passed: float | None = None
    mark: str = ""
    problems: tuple[tuple[str, str], ...] = ()
    lit: bool = False
    renaming: bool = False


def rule_card(rule: Rule, state: CardState, offers: Offers) -> Html:
    rule_id, name = str(rule.get("id", "")), shown_name(rule, state.place)
    classes = [name for name, on in (("on", state.lit), ("dirty", bool(state.mark))) if on]
    return h(
        "article.a-rule",
        h("div.hd", _head(rule_id, name, state)),
        h(
            "div.bd",
            h("div.a-row.a-wrap.a-chips", _conditions(rule, rule_id, name)),
            h(
                "button.a-targets",
                h("span.a-sr", f"Targets of {name}: "),
                list(_targets(rule.get("targets", ()), str(rule.get("strategy") or state.strategy), offers)),
                type="button",
                data_act="targets",
                data_value=rule_id,
            ),
            h("div.a-row.a-wrap.a-f12.a-t3.a-chips", _foot(rule, rule_id, state)),
            [
                h(
                    "p.a-row.a-f12.a-rule-problem",
                    icon("warn", size=12),
                    words,
                    class_="a-er" if level == "error" else "a-wa",
                )
                for level, words in state.problems
            ],
        ),
        class_=" ".join(classes),
        data_key=rule_id,
        data_rule=rule_id,
        aria_label=f"Rule {state.place + 1}, {name}: {sentence(rule)}",
        data_reveal=rule_id if state.lit else None,
    )


def on_failure_words(value: str) -> str:
    if value.startswith("router:"):
        return f"router {value.removeprefix('router:')}"
    return "stop" if value == "stop" else "next rule"


def strategy_label(name: str) -> str:
    return STRATEGIES[name].label if name in STRATEGIES else name


def by_strategy(name: str) -> str:
    """`by price`"""
    return f"by {strategy_label(name).lower()}"


def _head(rule_id: str, name: str, state: CardState) -> Iterator[Child]:
    yield h(
        "button.a-btn.icon.quiet.a-grip",
        icon("grip", class_="bold"),
        type="button",
        aria_label=f"Move rule {state.place + 1}, {name}",
        title="Drag, or Alt and an arrow key, to move the rule",
        data_grip=rule_id,
    )
    yield h("span.a-t3.a-f12.a-rule-number", state.place + 1)
    if state.renaming:
        yield h(
            "input.a-conv-name.a-grow",
            value=name,
            aria_label="Name of the rule",
            maxlength="80",
            data_enter="renamed",
            data_change="renamed",
            data_escape="keep_name",
            data_focus=True,
        )
    else:
        yield h("h3.a-strong.a-cut", name, title=name)
        yield tag(MARKS[state.mark], "wa") if state.mark in MARKS else None
    yield h("span.a-grow")
    yield (
        h("span.a-f12.a-t3.a-nowrap", share(state.passed), title="of this router's requests")
        if state.passed is not None
        else None
    )
    yield menu(
        f"More for rule {state.place + 1}, {name}",
        icon("dots", class_="bold"),
        menu_item("Rename", icon_name="edit", data_act="rename", data_value=rule_id),
        menu_item("Conditions", icon_name="filter", data_act="conditions", data_value=rule_id),
        menu_item("Targets", icon_name="cube", data_act="targets", data_value=rule_id),
        menu_item("Move up", icon_name="arrow-up", data_act="up", data_value=rule_id) if state.place else Html(),
        menu_item("Move down", icon_name="arrow-down", data_act="down", data_value=rule_id)
        if not state.last
        else Html(),
        menu_item("Duplicate", icon_name="copy", data_act="duplicate", data_value=rule_id),
        menu_item("Delete", icon_name="trash", danger=True, data_act="delete", data_value=rule_id),
    )


def _conditions(rule: Rule, rule_id: str, name: str) -> Iterator[Child]:
    some = False
    for word, value in chips(rule):
        some = True
        yield _chip(rule_id, word, value, f"Conditions of {name}")
    if not some:
        yield _chip(rule_id, "when", "always", f"Conditions of {name}")
    yield h(
        "button.a-chip.a-chip-add",
        icon("plus", size=12),
        type="button",
        data_act="conditions",
        data_value=rule_id,
        aria_label=f"Add a condition to {name}",
        title="Add a condition",
    )


def _chip(rule_id: str, word: str, value: str, label: str) -> Html:
    return h(
        "button.a-chip",
        word,
        " ",
        h("b.a-cut", value),
        type="button",
        data_act="conditions",
        data_value=rule_id,
        title=f"{label}: {word} {value}",
    )


def _targets(targets: Sequence[Target], strategy: str, offers: Offers, deep: int = 0) -> Iterator[Html]:
    if not targets:
        yield h(
            "span.a-target",
            h("span.a-target-any", icon("cube", size=12)),
            h("span.a-cut", h("span.a-mid", "The model asked for"), h("span.a-t3", " wherever it is served")),
            h("span.a-t3", icon("edit", size=12)),
        )
        return
    whole = sum(_weight(target) for target in targets)
    for at, target in enumerate(targets[:SHOWN]):
        place = _place(target, at, len(targets), strategy, whole)
        if is_group(target):
            yield h(
                "span.a-target",
                h("span.a-target-any", icon("list", size=12)),
                h(
                    "span.a-cut",
                    h("span.a-mid", "Group"),
                    h("span.a-t3", f" {by_strategy(str(target.get('strategy') or strategy))}"),
                ),
                h("span.a-t3.a-num", place),
                style=_indent(deep),
            )
            yield from _targets(target["targets"], str(target.get("strategy") or strategy), offers, deep + 1)
            continue
        offer = offers.of(target)
        yield h(
            "span.a-target",
            badge(offer.monogram, offer.accent, "is-sm"),
            h("span.a-cut", h("span.a-mid", offer.alias), " ", h("span.a-t3", offer.provider)),
            h("span.a-t3.a-num", place),
            dot(offer.dot),
            style=_indent(deep),
            title=f"{offer.alias} at {offer.provider}: {offer.health} {offer.price}",
        )
    if len(targets) > SHOWN:
        yield h("span.a-f12.a-t3", f"and {len(targets) - SHOWN} more")


def _indent(deep: int) -> str | None:
    return f"padding-left:{deep * 18}px" if deep else None


def _weight(target: Target) -> float:
    return float(target.get("weight", 1))


def _place(target: Target, at: int, number: int, strategy: str, whole: float) -> str:
    """What the strategy makes of a target's place or weight."""
    if number == 1:
        return "only"
    if strategy == "priority":
        return ORDINALS[at] if at < len(ORDINALS) else f"{at + 1}th"
    if strategy == "weighted":
        return f"{_weight(target) / whole * 100:.0f}%" if whole else "0%"
    return ""


def _foot(rule: Rule, rule_id: str, state: CardState) -> Iterator[Child]:
    own = rule.get("strategy")
    yield _choice(
        "strategy", rule_id, by_strategy(str(own or state.strategy)), "Strategy", "" if own else "as the router"
    )
    yield h("span", "then")
    follows: Any = rule.get("on_failure") or "next_rule"
    last = state.last and follows == "next_rule"
    yield _choice("on_failure", rule_id, "fail" if last else on_failure_words(str(follows)), "After a failure", "")


def _choice(act: str, rule_id: str, value: str, label: str, beside: str) -> Html:
    return h(
        "button.a-chip",
        h("span.a-sr", f"{label}: "),
        value,
        h("span.a-t3", " ", beside) if beside else None,
        icon("chev", size=12),
        type="button",
        data_act=act,
        data_value=rule_id,
        title=label,
    )
