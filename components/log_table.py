"""Requests as a table: one line each; only what is not 200 has colour."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from functools import lru_cache

from app.core.money import show_usd
from app.services.views import LogSummary, RequestRow
from components.badges import badge, tag
from components.charts import histogram
from components.format import count, date, days_back, duration, exact, log_time
from components.markup import Html, h

HEADS = ("Time", "Key", "Model", "Status", "Tries", "In", "Out", "Cost", "Time")
LINES = 1000
NUMBERS = 4  # from here on columns are numbers


def log_table(rows: Sequence[RequestRow], zone: tzinfo, chosen: str | None) -> Html:
    now = datetime.now(UTC)
    return h(
        "table.a-table.a-log",
        h(
            "thead",
            h(
                "tr",
                [
                    h("th", name if place != 8 else "Took", class_="a-num" if place >= NUMBERS else "", scope="col")
                    for place, name in enumerate(HEADS)
                ],
            ),
        ),
        h("tbody", [_line(row, zone, days_back(row.at, now, zone) > 0, row.id == chosen) for row in rows]),
    )


def requests_over_time(summary: LogSummary, zone: tzinfo) -> Html | None:
    buckets = summary.buckets
    if not buckets:
        return None
    whole_days = (buckets[-1].start - buckets[0].start).days >= 2
    marks = [buckets[len(buckets) * part // 4].start for part in range(4)]
    return h(
        "div.a-log-time",
        histogram(buckets, f"{count(summary.requests)} requests over time"),
        h(
            "div.a-row.a-f11.a-t3.a-between",
            [h("span", date(mark, zone) if whole_days else f"{mark.astimezone(zone):%H:%M}") for mark in marks],
            h("span", f"now, {datetime.now(zone):%Z}"),
        ),
    )


def status_sign(status: int) -> Html:
    """200 is grey; a client's fault is amber, ours or a provider's red; the number says it too."""
    if status == 0:
        return h("span.a-in", "writing")
    if status < 400:
        return h("span.a-t3", status)
    return tag(status, "wa" if status < 500 else "er")


def cost_text(row: RequestRow) -> Html:
    if row.cost is None:
        return tag("unknown", "wa", title="The price of this model is not known")
    about = h("span.a-wide-text", "about ") if row.estimated else None
    return h("span", about, show_usd(row.cost), title=f"${row.cost / 1_000_000_000:.9f}")


@lru_cache(maxsize=LINES)
def _line(row: RequestRow, zone: tzinfo, older: bool, chosen: bool) -> Html:
    """Kept for the next refresh, and for others who look at the same."""
    return h(
        "tr",
        h(
            "td.a-t2",
            h(
                "time",
                f"{row.at.astimezone(zone):%d %b} " if older else "",
                log_time(row.at, zone)[:8],
                None if older else h("span.a-wide-text", log_time(row.at, zone)[8:]),
                title=exact(row.at),
            ),
        ),
        h("td.a-wide-cell", h("span.a-cut.a-log-key", row.key or "chat", title=row.key or row.user)),
        h("td", _model(row)),
        h("td", status_sign(row.status), title=row.error),
        h("td.a-num.a-wide-cell", row.attempts, class_="a-wa a-mid" if row.attempts > 1 else "a-t2"),
        h("td.a-num.a-wide-cell", count(row.input_tokens) if row.input_tokens else ""),
        h("td.a-num.a-wide-cell", count(row.output_tokens) if row.output_tokens else ""),
        h("td.a-num", cost_text(row)),
        h("td.a-num.a-wide-cell", duration(row.latency_ms)),
        class_="on" if chosen else "",
        tabindex="0",
        data_row=True,
        data_act="open",
        data_value=row.id,
        data_key=row.id,
        aria_selected=str(chosen).lower(),
    )


def _model(row: RequestRow) -> Html:
    if row.model is None:
        return h("span.a-t3.a-cut.a-log-model", row.model_asked or "refused", title=row.error)
    return h(
        "div.a-row",
        badge(row.monogram, row.accent, "is-sm"),
        h("span.a-cut.a-log-model", row.model, title=f"{row.model} at {row.provider}"),
    )
