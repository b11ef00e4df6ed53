"""The filters above the log: what is chosen, as chips with menus, and as the service's filter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.services.views import LogFilter
from components.list_tools import search_field
from components.markup import Child, Html, h, icon, join, menu_item

SPANS: dict[str, tuple[str, timedelta]] = {
    "1h": ("Last hour", timedelta(hours=1)),
    "24h": ("Last 24 hours", timedelta(hours=24)),
    "7d": ("Last 7 days", timedelta(days=7)),
    "30d": ("Last 30 days", timedelta(days=30)),
}
STATUSES = {"all": "Any status", "ok": "Answered", "failed": "Failed", "failed_over": "Failed over"}
DEFAULT_SPAN = "24h"
STEPS = 96  # a span moves on by that part of itself


@dataclass
class Filters:
    span: str = DEFAULT_SPAN
    status: str = "all"
    provider: str = ""
    key: str = ""
    text: str = ""

    @classmethod
    def of_query(cls, query: dict[str, str]) -> Filters:
        filters = cls(provider=query.get("provider", ""), key=query.get("key", ""), text=query.get("text", ""))
        if query.get("status") in STATUSES:
            filters.status = query["status"]
        if query.get("span") in SPANS:
            filters.span = query["span"]
        return filters

    @property
    def number(self) -> int:
        """How many are set; the time span always is."""
        return sum((self.status != "all", bool(self.provider), bool(self.key), bool(self.text)))

    def clear(self) -> None:
        self.status, self.provider, self.key, self.text = "all", "", "", ""

    def wanted(self, now: datetime | None = None) -> LogFilter:
        """The same filter for a while, up to a moment to come: so what was read for it can be gone on with, for all who
        look at it."""
        since, until = _span(now or datetime.now(UTC), SPANS[self.span][1])
        return LogFilter(
            since=since,
            until=until,
            status=self.status,
            provider=self.provider or None,
            key=self.key or None,
            text=self.text or None,
        )


def _span(now: datetime, back: timedelta) -> tuple[datetime, datetime]:
    """At least so long back, and at most a hundredth longer."""
    step = back.total_seconds() / STEPS
    since = datetime.fromtimestamp(now.timestamp() // step * step, UTC) - back
    return since, since + back + timedelta(seconds=step)


def filter_row(filters: Filters, providers: Iterable[str], keys: Iterable[str], *, live: bool) -> Html:
    return h(
        "div.a-row.a-wrap.a-tools",
        search_field("Search requests", filters.text, placeholder="Request id, key, model", name="text"),
        _chip(
            "span", SPANS[filters.span][0], {name: words for name, (words, _) in SPANS.items()}, filters.span, on=True
        ),
        _chip("status", STATUSES[filters.status] if filters.status != "all" else "Status", STATUSES, filters.status),
        _chip("provider", filters.provider or "Provider", _named(providers, "Any provider"), filters.provider),
        _chip("key", filters.key or "Key", _named(keys, "Any key"), filters.key),
        h("button.a-btn.is-sm.quiet", "Clear filters", type="button", data_act="clear") if filters.number else None,
        h("span.a-grow"),
        h("span.a-row.a-f12.a-t2", h("i.a-dot", class_="ok" if live else ""), "Live"),
        h(
            "button.a-switch",
            class_="on" if live else "",
            type="button",
            role="switch",
            aria_checked=str(live).lower(),
            aria_label="Follow live",
            data_act="live",
        ),
    )


def _named(names: Iterable[str], anything: str) -> dict[str, str]:
    return {"": anything} | {name: name for name in names}


def _chip(name: str, label: Child, options: dict[str, str], chosen: str, *, on: bool | None = None) -> Html:
    active = (chosen not in ("", "all")) if on is None else on
    return h(
        "span.a-menu-wrap",
        h(
            "button.a-chip.pick",
            h("span.a-cut", label),
            icon("chev", size=12),
            class_="on" if active else "",
            type="button",
            data_menu=True,
            aria_haspopup="menu",
            aria_expanded="false",
            aria_label=f"{name.capitalize()}: {options.get(chosen, chosen)}",
        ),
        h(
            "div.a-menu-pop",
            join(
                menu_item(words, checked=value == chosen, data_act=name, data_value=value)
                for value, words in options.items()
            ),
            popover="auto",
            role="menu",
            aria_label=name.capitalize(),
        ),
        data_key=name,
    )
