"""Tiers as a table: what each allows and who is in it; on a phone each line becomes a card."""

from __future__ import annotations

from collections.abc import Sequence

from app.services.tier_editing import TierView
from components.format import count, plural
from components.limit_words import limit_words
from components.markup import Html, h, menu, menu_item

HEADS = ("Tier", "Limits", "Models", "Minimum score", "Keys", "People")
NAMES_SHOWN = 12


def tier_table(tiers: Sequence[TierView]) -> Html:
    return h(
        "table.a-table.a-stack.a-tiers",
        h(
            "thead",
            h(
                "tr",
                [h("th", head, class_="a-num" if head in HEADS[3:] else "", scope="col") for head in HEADS],
                h("th", h("span.a-sr", "Actions"), scope="col"),
            ),
        ),
        h("tbody", [_line(tier) for tier in tiers]),
    )


def members(tier: TierView) -> str:
    """`2 keys and 1 person`, `nobody`"""
    own = [plural(len(tier.own_keys), "key")] if tier.own_keys else []
    people = [plural(len(tier.people), "person", "people")] if tier.people else []
    return " and ".join([*own, *people]) or "nobody"


def _line(tier: TierView) -> Html:
    models = ", ".join(tier.models)
    return h(
        "tr",
        h(
            "td.a-stack-title",
            h("div.a-col.a-two", h("b.a-mid.a-cut", tier.name, title=tier.name), _rules(tier.routers)),
        ),
        h("td", limit_words(tier.limits) or h("span.a-t3", "none"), data_label="Limits"),
        h("td", h("span.a-cut.a-tier-models", models, title=models) if models else "all", data_label="Models"),
        h("td.a-num", f"{tier.min_score:g}" if tier.min_score else h("span.a-t3", "none"), data_label="Minimum score"),
        h("td.a-num", count(len(tier.keys)), title=_names(tier.keys), data_label="Keys"),
        h("td.a-num", count(len(tier.people)), title=_names(tier.people), data_label="People"),
        h(
            "td.a-stack-acts",
            menu(
                f"More for {tier.name}",
                None,
                menu_item("Edit", icon_name="edit", data_act="edit", data_value=tier.name),
                menu_item("Duplicate", icon_name="copy", data_act="duplicate", data_value=tier.name),
                menu_item("Delete", icon_name="trash", danger=True, data_act="delete", data_value=tier.name),
            ),
        ),
        data_key=tier.name,
    )


def _rules(routers: Sequence[str]) -> Html | None:
    return h("span.a-f12.a-t3", f"in rules of router {', '.join(routers)}") if routers else None


def _names(names: Sequence[str]) -> str | None:
    more = len(names) - NAMES_SHOWN
    return ", ".join([*names[:NAMES_SHOWN], *([f"and {more} more"] if more > 0 else [])]) or None
