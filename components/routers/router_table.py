"""Routers as a table; on a phone each line becomes a card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

from app.core.money import show_usd
from components.badges import tag
from components.format import NOTHING, ago, count, exact, plural, share
from components.markup import Html, h, menu, menu_item

if TYPE_CHECKING:
    from app.services.router_views import RouterTraffic, RouterView

HEADS = ("Router", "Rules", "Requests, 7 days", "Cost, 7 days", "Failed, 7 days", "Keys", "Published")
NUMBERS = frozenset(HEADS[1:5])


@dataclass(frozen=True)
class RouterLine:
    """`traffic` is of the last seven days, None while it is counted; `keys` are the names of those that use it."""

    view: RouterView
    traffic: RouterTraffic | None
    keys: Sequence[str]


def router_table(lines: Sequence[RouterLine], zone: tzinfo, *, manage: bool) -> Html:
    return h(
        "table.a-table.a-stack",
        h(
            "thead",
            h(
                "tr",
                [h("th", head, class_="a-num" if head in NUMBERS else "", scope="col") for head in HEADS],
                h("th", h("span.a-sr", "Actions"), scope="col"),
            ),
        ),
        h("tbody", [_line(line, zone, manage) for line in lines]),
    )


def keys_by_router(routers: Mapping[str, str | None]) -> dict[str, list[str]]:
    """Names of keys by the router they use, of a key's name and its router; a key without one uses the default."""
    found: dict[str, list[str]] = {}
    for key, router in sorted(routers.items()):
        found.setdefault(router or "default", []).append(key)
    return found


def _line(line: RouterLine, zone: tzinfo, manage: bool) -> Html:
    view, traffic = line.view, line.traffic
    address = f"/routers/{view.name}"
    return h(
        "tr",
        h(
            "td.a-stack-title",
            h(
                "div.a-col.a-two",
                h(
                    "span.a-row",
                    h("a.a-mid.a-cut", view.name, href=address, title=view.name),
                    tag("draft", "wa") if view.has_draft else None,
                    tag(f"canary {view.canary.percent:g}%", "in") if view.canary else None,
                    tag("off") if not view.enabled else None,
                ),
                h("span.a-f12.a-t3", _version(view)),
            ),
        ),
        h("td.a-num", count(len(view.document.get("rules", ()))), data_label="Rules"),
        h("td.a-num", count(traffic.requests) if traffic else NOTHING, data_label="Requests, 7 days"),
        h("td.a-num", _cost(traffic), data_label="Cost, 7 days"),
        h("td.a-num", _failed(traffic), data_label="Failed, 7 days"),
        h("td", _keys(line.keys), data_label="Keys"),
        h(
            "td.a-t2",
            h(
                "time",
                ago(view.published_at, datetime.now(UTC), zone),
                title=f"{exact(view.published_at)} by {view.published_by}",
            )
            if view.published_at
            else h("span.a-t3", "never"),
            data_label="Published",
        ),
        h(
            "td.a-stack-acts",
            menu(
                f"More for {view.name}",
                None,
                menu_item("Edit", icon_name="edit", href=address),
                menu_item("Duplicate", icon_name="copy", data_act="duplicate", data_value=view.id)
                if manage
                else Html(),
                menu_item("Requests in the log", icon_name="list", href=f"/logs?text={view.name}"),
                menu_item("Delete", icon_name="trash", danger=True, data_act="delete", data_value=view.id)
                if manage and (view.version or view.name != "default")
                else Html(),
            ),
        ),
        data_key=view.id,
    )


def _version(view: RouterView) -> str:
    if view.version:
        return f"version {view.version}"
    return "built in, until you publish one" if view.name == "default" else "never published"


def _cost(traffic: RouterTraffic | None) -> Html | str:
    if traffic is None or not traffic.requests:
        return NOTHING
    return show_usd(traffic.cost) if traffic.cost is not None else h("span.a-wa", "unknown")


def _failed(traffic: RouterTraffic | None) -> Html | str:
    if traffic is None or not traffic.requests:
        return NOTHING
    rate = traffic.failures / traffic.requests
    return h("span", share(rate), class_="a-er" if rate >= 0.1 else "a-wa" if rate >= 0.01 else "")


def _keys(keys: Sequence[str]) -> Html:
    if not keys:
        return h("span.a-t3", "none")
    words = keys[0] if len(keys) == 1 else plural(len(keys), "key")
    return h("a.a-cut.a-owner", words, href="/keys", title=", ".join(keys[:40]))
