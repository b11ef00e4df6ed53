"""Gateway keys as a table; on a phone each line becomes a card."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from app.core.money import show_usd
from app.services.views import BudgetView, KeyView
from components.badges import meter, tag
from components.format import ago, count, date, exact, until
from components.limit_words import narrowed
from components.markup import Html, h, menu, menu_item

WINDOW_WORDS = {
    "hour": "this hour",
    "day": "today",
    "week": "this week",
    "month": "this month",
    "total": "in all",
}
SOON = timedelta(days=7)
HEADS = ("Key", "Owner", "Tier", "Router", "Budget", "Requests today", "Spend today", "Last used")


def key_table(keys: Sequence[KeyView], zone: tzinfo, *, owners: bool) -> Html:
    """`owners`: whose each key is; the tier stands there where one of them is in one."""
    tiers = any(key.in_tier for key in keys)
    left_out = {head for head, shown in (("Owner", owners), ("Tier", tiers)) if not shown}
    heads = [head for head in HEADS if head not in left_out]
    return h(
        "table.a-table.a-stack",
        h(
            "thead",
            h(
                "tr",
                [h("th", head, class_="a-num" if "today" in head else "", scope="col") for head in heads],
                h("th", h("span.a-sr", "Actions"), scope="col"),
            ),
        ),
        h("tbody", [_line(key, zone, owners, tiers) for key in keys]),
    )


def key_state(key: KeyView, now: datetime) -> tuple[str, str] | None:
    """What is wrong with a key, or soon will be: the words and the colour."""
    if key.disabled:
        return "revoked", "er"
    if key.expires is not None and key.expires <= now:
        return "expired", "er"
    if any(budget.spent >= budget.usd_limit for budget in key.budgets):
        return "budget spent", "wa"
    if key.expires is not None and key.expires - now < SOON:
        return f"expires {until(key.expires, now)}", "wa"
    return None


def _line(key: KeyView, zone: tzinfo, owners: bool, tiers: bool) -> Html:
    now = datetime.now(UTC)
    fate = key_state(key, now)
    return h(
        "tr",
        h(
            "td.a-stack-title",
            h(
                "div.a-col.a-two",
                h("span.a-row", h("b.a-mid.a-cut", key.name, title=key.name), tag(*fate) if fate else None),
                h("span.a-mono.a-f12.a-t3", key.hint),
            ),
        ),
        h("td", h("span.a-cut.a-owner", key.owner or "Team", title=key.owner), data_label="Owner") if owners else None,
        h("td", _tier(key), data_label="Tier") if tiers else None,
        h("td", key.router or "default", data_label="Router"),
        h("td", _budget(key.budgets), data_label="Budget"),
        h("td.a-num", count(key.requests_today), data_label="Requests today"),
        h("td.a-num", show_usd(key.spend_today), data_label="Spend today"),
        h(
            "td.a-t2",
            h("time", ago(key.last_used_at, now, zone), title=exact(key.last_used_at))
            if key.last_used_at
            else h("span.a-t3", "never"),
            data_label="Last used",
        ),
        h(
            "td.a-stack-acts",
            menu(
                f"More for {key.name}",
                None,
                menu_item("Edit", icon_name="edit", data_act="edit", data_value=key.id) if not key.disabled else Html(),
                menu_item("New secret", icon_name="redo", data_act="rotate", data_value=key.id)
                if not key.disabled
                else Html(),
                menu_item("Requests in the log", icon_name="list", href=f"/logs?key={key.name}"),
                menu_item("Revoke", icon_name="trash", danger=True, data_act="revoke", data_value=key.id)
                if not key.disabled
                else Html(),
            ),
        ),
        data_key=key.id,
        title=f"Made {date(key.created_at, zone, year=True)}",
    )


def _tier(key: KeyView) -> Html:
    if key.in_tier is None:
        return h("span.a-t3", "none")
    lost = narrowed(key.limits, key.limits_in_force)
    return h(
        "div.a-col.a-two",
        h("span", key.in_tier, title=None if key.tier else "as its owner"),
        h("span.a-f12.a-t3.a-nowrap", lost, title=f"{lost}, by tier {key.in_tier}") if lost else None,
    )


def _budget(budgets: Sequence[BudgetView]) -> Html:
    if not budgets:
        return h("span.a-t3", "none")
    first = max(budgets, key=lambda budget: budget.spent / budget.usd_limit if budget.usd_limit else 1)
    used = first.spent + first.reserved
    words = f"{show_usd(used)} of {show_usd(first.usd_limit)} {WINDOW_WORDS.get(first.window, first.window)}"
    return h(
        "div.a-budget",
        h("span.a-f12.a-nowrap", words, title=f"and {len(budgets) - 1} more" if len(budgets) > 1 else None),
        meter(used / first.usd_limit if first.usd_limit else 1, "Budget used"),
    )
