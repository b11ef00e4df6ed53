"""Choosing who answers: targets in their order, groups, weights; and the catalogue with prices and health."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from nicegui import ui

from app.routing.checks import MAX_DEPTH
from app.routing.strategies import STRATEGIES
from components.badges import badge, dot
from components.dialog import Dialog
from components.format import plural
from components.fragment import Fragment
from components.list_tools import search_field
from components.markup import Child, Html, h, icon, icon_button, join, menu, menu_item
from components.notify import guarded
from components.routers.document_edits import (
    Path,
    Target,
    add_target,
    group_target,
    is_group,
    move_target,
    path_text,
    put_target,
    read_path,
    target_at,
    ungroup,
    walk,
)
from components.routers.offers import Offer, Offers
from components.routers.rule_card import strategy_label

SHOWN = 40  # lines of the catalogue at once; the search finds the others


class TargetsDialog:
    """Works on a copy; `done` gets it with «Use these targets»."""

    def __init__(
        self,
        title: str,
        targets: Sequence[Target],
        strategy: str,
        offers: Offers,
        done: Callable[[list[Target]], object],
        *,
        none: str = "No targets: the model that was asked for answers, wherever it is served.",
    ) -> None:
        """`strategy` is the rule's, which groups inherit; `none` says what no targets mean."""
        self._targets, self._strategy, self._offers, self._done = list(targets), strategy, offers, done
        self._none = none
        self._text = ""
        self._into: Path = ()
        self._dialog = Dialog(title, wide=True)
        with self._dialog.body:
            self._list = Fragment(
                up=lambda path: self._set(move_target(self._targets, read_path(path), -1)),
                down=lambda path: self._set(move_target(self._targets, read_path(path), 1)),
                remove=lambda path: self._set(put_target(self._targets, read_path(path), None)),
                group=lambda path: self._set(group_target(self._targets, read_path(path))),
                ungroup=lambda path: self._set(ungroup(self._targets, read_path(path))),
                into=self._choose_group,
            ).classes("a-target-list")
            self._catalogue = Fragment(search=self._search, add=self._add).classes("a-target-offers")
        with self._dialog.foot:
            ui.element("span").classes("a-grow")
            ui.button("Cancel", on_click=self._dialog.close).props("flat")
            ui.button("Use these targets", on_click=guarded(self._save)).mark("save")
        self._show()
        self._dialog.open()

    def _save(self) -> None:
        self._done(self._targets)
        self._dialog.close()

    def _set(self, targets: list[Target]) -> None:
        self._targets = targets
        into = target_at(targets, self._into)
        if self._into and (into is None or not is_group(into)):
            self._into = ()
        self._show()

    def _search(self, text: str) -> None:
        self._text = text.strip()
        self._catalogue.show(self._offer_list())

    def _add(self, offer_id: str) -> None:
        offer = self._offers.by_id(offer_id)
        if offer is not None:
            self._set(add_target(self._targets, self._into, {"provider": offer.provider, "model": offer.model}))

    def _choose_group(self, path: str) -> None:
        self._into = read_path(path)
        self._show()

    def _weigh(self, path: Path, text: str) -> None:
        try:
            weight = float(text.replace(",", "."))
        except ValueError:
            weight = -1.0
        target = target_at(self._targets, path)
        if target is None:
            return
        if not 0 <= weight < 1e9:
            ui.notify("A weight is a number, 0 or more.", type="negative", position="top")
        else:
            plain = {key: value for key, value in target.items() if key != "weight"}
            self._targets = put_target(
                self._targets,
                path,
                plain if weight == 1 else {**plain, "weight": int(weight) if weight == int(weight) else weight},
            )
        self._show()

    def _order_group(self, path: Path, strategy: str) -> None:
        group = target_at(self._targets, path) or {}
        plain = {key: value for key, value in group.items() if key != "strategy"}
        self._set(put_target(self._targets, path, {**plain, "strategy": strategy} if strategy else plain))

    def _show(self) -> None:
        for name in [name for name in self._list.actions if ":" in name]:
            del self._list.actions[name]
        for path, target in walk(self._targets):
            self._list.actions[f"weight:{path_text(path)}"] = partial(self._weigh, path)
            if is_group(target):
                self._list.actions[f"order:{path_text(path)}"] = partial(self._order_group, path)
        self._list.show(self._chosen())
        self._catalogue.show(self._offer_list())

    def _chosen(self) -> Html:
        if not self._targets:
            return h("p.a-f13.a-t2", self._none)
        return join(
            h(
                "div.a-row.a-f12.a-t3.a-target-heads",
                h("span.a-grow", f"In order, {strategy_label(self._strategy).lower()} decides"),
                h("span", "Weight"),
            ),
            [self._line(path, target) for path, target in walk(self._targets)],
        )

    def _line(self, path: Path, target: Target) -> Html:
        at = path_text(path)
        siblings = self._siblings(path)
        return h(
            "div.a-row.a-target-line",
            self._group_part(path, target) if is_group(target) else self._deployment_part(target),
            h(
                "input.a-weight",
                value=f"{float(target.get('weight', 1)):g}",
                inputmode="decimal",
                aria_label=f"Weight of {self._name(target)}",
                data_change=f"weight:{at}",
            ),
            icon_button(
                "arrow-up", f"Move {self._name(target)} up", data_act="up", data_value=at, disabled=path[-1] == 0
            ),
            icon_button(
                "arrow-down",
                f"Move {self._name(target)} down",
                data_act="down",
                data_value=at,
                disabled=path[-1] + 1 >= siblings,
            ),
            menu(
                f"More for {self._name(target)}",
                None,
                menu_item("Take the group apart", icon_name="list", data_act="ungroup", data_value=at)
                if is_group(target)
                else menu_item("Put into a group", icon_name="list", data_act="group", data_value=at)
                if len(path) < MAX_DEPTH
                else Html(),
                menu_item("Remove", icon_name="trash", danger=True, data_act="remove", data_value=at),
            ),
            style=f"padding-left:{(len(path) - 1) * 22}px",
            class_="is-into" if is_group(target) and path == self._into else "",
        )

    def _siblings(self, path: Path) -> int:
        above = target_at(self._targets, path[:-1])
        return len(above.get("targets", ())) if above else len(self._targets)

    def _name(self, target: Target) -> str:
        if is_group(target):
            return f"the group of {len(target['targets'])}"
        offer = self._offers.of(target)
        return f"{offer.alias} at {offer.provider}"

    def _deployment_part(self, target: Target) -> Html:
        offer = self._offers.of(target)
        return h("div.a-row.a-grow", badge(offer.monogram, offer.accent), _about(offer))

    def _group_part(self, path: Path, group: Target) -> Html:
        at, here = path_text(path), path == self._into
        chosen = group.get("strategy")
        options = {"": f"as the rule ({strategy_label(self._strategy).lower()})"} | {
            name: strategy.label for name, strategy in STRATEGIES.items()
        }
        return h(
            "div.a-row.a-wrap.a-grow",
            h("span.a-target-any", icon("list", size=12)),
            h("span.a-f13.a-mid", "Group"),
            h(
                "select.a-pick",
                [h("option", words, value=name, selected=name == (chosen or "")) for name, words in options.items()],
                aria_label="Strategy of the group",
                data_change=f"order:{at}",
            ),
            h(
                "button.a-chip",
                icon("check" if here else "plus", size=12),
                "Adding here" if here else "Add here",
                type="button",
                class_="on" if here else "",
                aria_pressed=str(here).lower(),
                data_act="into",
                data_value="" if here else at,
            ),
        )

    def _offer_list(self) -> Html:
        found = self._offers.search(self._text)
        where = "Add to the group" if self._into else "Add a target"
        return join(
            h(
                "div.a-row",
                h("h3.a-strong.a-f13.a-nowrap", where),
                search_field("Search models and providers", self._text, class_="a-grow"),
            ),
            h("div.a-offers", [self._offer(offer) for offer in found[:SHOWN]])
            if found
            else h("p.a-f13.a-t2", f"No model matches; there are {len(self._offers.all)} without the search."),
            h("p.a-f12.a-t3", f"{plural(len(found) - SHOWN, 'other')}: search to see them.")
            if len(found) > SHOWN
            else None,
        )

    def _offer(self, offer: Offer) -> Html:
        return h(
            "div.a-row.a-offer",
            badge(offer.monogram, offer.accent),
            _about(offer),
            h(
                "button.a-btn.is-sm",
                "Add",
                type="button",
                aria_label=f"Add {offer.alias} at {offer.provider}",
                data_act="add",
                data_value=offer.id,
            ),
            data_key=offer.id,
        )


def _about(offer: Offer) -> Child:
    return h(
        "div.a-col.a-grow",
        h("span.a-f13.a-cut", h("span.a-mid", offer.alias), " ", h("span.a-t3", offer.provider)),
        h(
            "span.a-row.a-f12.a-t3.a-offer-sub",
            dot(offer.dot),
            h("span.a-cut", offer.health, title=offer.health),
            h("span.a-nowrap", offer.price, class_="" if offer.price_known else "a-wa"),
            h("span.a-cut.a-wide", offer.detail, title=offer.detail) if offer.detail else None,
        ),
    )
