"""Scheduled jobs as a table: what each does, what came of it, when it runs next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

from app.services.job_board import JobState
from components.badges import dot, tag
from components.format import ago, duration, exact, until
from components.markup import Html, button, h

HEADS = ("Job", "Last run", "Result", "Took", "Next run")


def job_table(states: Sequence[JobState], now: datetime, zone: tzinfo) -> Html:
    """Those that failed stand first."""
    ordered = sorted(states, key=lambda state: state.last_ok is not False)
    return h(
        "table.a-table.a-stack.a-jobs",
        h(
            "thead",
            h(
                "tr",
                [h("th", head, class_="a-num" if head == "Took" else "", scope="col") for head in HEADS],
                h("th", h("span.a-sr", "Actions"), scope="col"),
            ),
        ),
        h("tbody", [_line(state, now, zone) for state in ordered]),
    )


def every(period: timedelta) -> str:
    """`every minute`, `every 15 minutes`, `every 24 hours`"""
    seconds = round(period.total_seconds())
    for size, unit in ((3600, "hour"), (60, "minute"), (1, "second")):
        if seconds % size == 0:
            number = seconds // size
            return f"every {unit}" if number == 1 else f"every {number} {unit}s"
    return f"every {seconds} seconds"


def _line(state: JobState, now: datetime, zone: tzinfo) -> Html:
    job = state.job
    return h(
        "tr",
        h(
            "td.a-stack-title",
            h(
                "div.a-col.a-two",
                h("b.a-mid", job.about),
                h("span.a-f12.a-t3", h("span.a-mono", job.name), f", {every(state.every)}"),
            ),
        ),
        h(
            "td.a-t2",
            h("time", ago(state.last_at, now, zone), title=exact(state.last_at))
            if state.last_at
            else h("span.a-t3", "not yet"),
            data_label="Last run",
        ),
        h("td.a-job-result", _result(state), data_label="Result"),
        h("td.a-num", duration(state.last_ms), data_label="Took"),
        h(
            "td.a-t2",
            h("time", until(state.next_at, now), title=exact(state.next_at)) if state.next_at else "n/a",
            data_label="Next run",
        ),
        h(
            "td.a-stack-acts",
            button(
                "Run now",
                class_="is-sm",
                data_act="run",
                data_value=job.name,
                aria_label=f"Run now: {job.name}",
                disabled=state.running,
            ),
        ),
        data_key=job.name,
    )


def _result(state: JobState) -> Html:
    if state.running:
        return h("span.a-row", dot("in"), "running")
    if state.last_ok is None:
        return h("span.a-t3", "n/a")
    if state.last_ok:
        return h("span.a-job-said", dot("ok"), h("span", state.last_result))
    return h("span.a-job-said", tag("failed", "er"), h("span", state.last_result))
