"""The lines above the editor: what the router is, what its draft changes, how its canary does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

from app.core.money import show_usd
from components.badges import tag
from components.format import NOTHING, ago, clock, count, days_back, duration, plural, share
from components.markup import Child, Html, button, h, icon, icon_button, join
from components.routers.differences import counts

if TYPE_CHECKING:
    from app.services.router_views import ArmNumbers, CanaryReport, RouterView
    from components.routers.draft_keeper import DraftKeeper


def head(keeper: DraftKeeper) -> Html:
    view, history = keeper.view, keeper.history
    return join(
        icon_button("menu", "Menu", class_="quiet a-menu", data_toggle="a-nav-open"),
        h(
            "h1.a-cut",
            h("a.a-t3.a-crumb.a-wide", "Routers", href="/routers"),
            h("span.a-t3.a-crumb.a-wide", " / "),
            view.name,
            title=view.name,
        ),
        tag(f"version {view.version} live", "a-wide") if view.version else tag(_never(view), "wa a-wide"),
        h("span.a-grow"),
        h("span.a-f12.a-t3.a-wide.a-saved", _saved(keeper), role="status"),
        icon_button("undo", "Undo (Ctrl Z)", data_act="undo", disabled=not history.can_undo),
        icon_button(
            "redo", "Redo (Ctrl Shift Z)", class_="quiet is-sm a-wide", data_act="redo", disabled=not history.can_redo
        ),
        icon_button("gear", "Settings of the router", class_="quiet is-sm", data_act="settings"),
        icon_button("history", "Versions", class_="quiet is-sm a-slim", data_act="versions"),
        button("Versions", icon_name="history", class_="a-wide", data_act="versions"),
        button("Try it", icon_name="play", data_act="try"),
    )


def draft_bar(keeper: DraftKeeper, zone: tzinfo) -> Html:
    """Empty where the draft is what is live."""
    if keeper.other is not None:
        return h("div.a-row.a-wrap.a-draft-bar", list(_conflict(keeper)))
    if not keeper.is_draft:
        return Html()
    return h("div.a-row.a-wrap.a-draft-bar", list(_draft(keeper, zone)))


def canary_bar(view: RouterView, report: CanaryReport | None, zone: tzinfo, now: datetime) -> Html:
    canary = view.canary
    if canary is None:
        return Html()
    return h(
        "div.a-draft-bar.a-canary",
        h(
            "div.a-row.a-wrap",
            tag("Canary", "in"),
            h(
                "span.a-f13",
                h("b.a-mid", f"{canary.percent:g}%"),
                f" of requests through version {canary.version} since {_since(canary.since, now, zone)}",
            ),
            h("span.a-grow"),
            button("Stop canary", class_="quiet", data_act="stop_canary"),
            button("Make it live", data_act="make_live"),
        ),
        _comparison(report) if report else None,
    )


def _since(at: datetime, now: datetime, zone: tzinfo) -> str:
    """`14:31`, `Yesterday`, `12 November`: what can stand behind «since»."""
    return clock(at, zone) if days_back(at, now, zone) == 0 else ago(at, now, zone)


def _never(view: RouterView) -> str:
    return "built in" if view.name == "default" else "never published"


def _saved(keeper: DraftKeeper) -> str:
    if keeper.other is not None or not keeper.is_draft:
        return ""
    if keeper.failure:
        return "Not saved"
    return "Saved" if keeper.saved else "Saving"


def _conflict(keeper: DraftKeeper) -> Iterator[Child]:
    yield tag("Changed elsewhere", "wa")
    yield h("span.a-f13", h("b.a-mid", keeper.other or ""), " changed this draft while you were looking at it.")
    yield h("span.a-grow")
    yield button("Keep mine", class_="quiet", data_act="keep_mine", title="What you see replaces theirs")
    yield button("Load theirs", icon_name="redo", data_act="reload")


def _draft(keeper: DraftKeeper, zone: tzinfo) -> Iterator[Child]:
    view, changes, problems = keeper.view, keeper.changes, keeper.problems
    added, removed = counts(changes)
    yield tag("Draft", "wa")
    if view.version:
        since = f", live since {_since(view.published_at, datetime.now(UTC), zone)}" if view.published_at else ""
        yield h(
            "span.a-f13",
            h("b.a-mid", plural(len(changes), "change")),
            h("span.a-t2.a-wide", f" to version {view.version}{since}:"),
        )
        yield h(
            "span.a-f12.a-mono.a-wide",
            h("span.a-ok", f"+{added}"),
            " ",
            h("span.a-er", f"−{removed}"),
            title=f"{added} added or changed, {removed} removed or changed",
        )
    else:
        yield h("span.a-f13.a-t2", "Not published yet: no request goes through it.")
    yield h(
        "button.a-link.a-f13.a-mid.a-in-text", "Show", h("span.a-wide", " changes"), type="button", data_act="changes"
    )
    if keeper.failure:
        yield _trouble("er", keeper.failure)
    elif problems:
        worst = next((problem for problem in problems if problem.level == "error"), problems[0])
        words = f"{plural(len(problems), 'problem')}: {worst.message}"
        yield _trouble("er" if worst.level == "error" else "wa", words)
    yield h("span.a-grow")
    yield button("Replay", icon_name="history", data_act="replay")
    yield button("Discard", class_="quiet", data_act="discard")
    yield button("Publish", class_="primary", data_act="publish")


def _trouble(kind: str, words: str) -> Html:
    return h(
        "button.a-tag.a-problem",
        icon("warn", size=12),
        h("span.a-cut", words),
        class_=kind,
        type="button",
        title=words,
        data_act="changes",
    )


def _comparison(report: CanaryReport) -> Html:
    return join(
        h(
            "div.a-scroll-x",
            h(
                "table.a-table.a-arms",
                h(
                    "thead",
                    h(
                        "tr",
                        [h("th", head, scope="col", class_="a-num" if at else "") for at, head in enumerate(_HEADS)],
                    ),
                ),
                h("tbody", _arm(report.live, "live"), _arm(report.canary, "canary")),
            ),
            tabindex="0",
            role="group",
            aria_label="Canary beside live",
        ),
        h("p.a-f13.a-t2", report.note),
    )


_HEADS: Sequence[str] = ("Version", "Requests", "Failed", "Cost a request", "First token", "p50", "p95")


def _arm(arm: ArmNumbers, words: str) -> Html:
    cells = (
        count(arm.requests),
        share(arm.failure_rate),
        show_usd(arm.cost) if arm.cost is not None else "unknown" if arm.requests else NOTHING,
        duration(arm.first_token_ms),
        duration(arm.p50_ms),
        duration(arm.p95_ms),
    )
    return h("tr", h("td", f"{arm.version} ", h("span.a-t3", words)), [h("td.a-num", cell) for cell in cells])
