"""Replay: the requests of the last days through the draft, beside what is live, with ranges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from nicegui import ui

from app.core.errors import AnyGPTError
from app.core.money import parse_usd, show_usd
from components.badges import note
from components.format import duration, plural, share
from components.fragment import Fragment
from components.markup import Html, h, icon, join
from components.notify import guarded

if TYPE_CHECKING:
    from components.page import PageContext
    from components.routers.document_edits import Document

DAYS = {1: "1 day", 7: "7 days", 30: "30 days"}
LOOK_EVERY = 0.5  # seconds between looks at how far it is
X = "svguse:/static/icons.svg#x|0 0 24 24"


class ReplayPanel:
    def __init__(self, context: PageContext, router_id: str, document: Callable[[], Document]) -> None:
        self._context, self._router_id, self._document = context, router_id, document
        self._replay = context.services.replay
        self._job: str | None = None
        self._place = ui.element("section").classes("a-card a-try").props('aria-label="Replay"')
        with self._place:
            with ui.element("header"):
                Fragment(
                    join(icon("history"), h("h2", "Replay"), h("span.a-t3.a-f12.a-light", "nobody is called"))
                ).classes("a-row a-grow")
                ui.button(icon=X, on_click=self.close).props('flat round aria-label="Close Replay"')
            with ui.element("div").classes("a-panel"):
                with ui.element("div").classes("a-row a-wrap"):
                    self._days = ui.select(DAYS, value=7).props('aria-label="Days to replay"').classes("a-try-pick")
                    self._start = ui.button("Replay", on_click=guarded(self.start)).mark("replay-start")
                    self._stop = ui.button("Cancel", on_click=guarded(self._cancel)).props("outline")
                self._bar = ui.linear_progress(0, show_value=False).props('aria-label="Replayed so far"')
                self._result = Fragment().classes("a-try-result").props("aria-live=polite")
        self._timer = ui.timer(LOOK_EVERY, guarded(self._look), active=False)
        self._running(False)
        self._place.set_visibility(False)

    def open(self) -> None:
        self._place.set_visibility(True)

    def close(self) -> None:
        self._place.set_visibility(False)

    async def start(self) -> None:
        self._result.show(Html())
        self._job = await self._replay.start(
            self._context.person, self._router_id, int(self._days.value), document=self._document()
        )
        self._bar.set_value(0)
        self._running(True)

    def _cancel(self) -> None:
        if self._job is not None:
            self._replay.cancel(self._job)

    def _look(self) -> None:
        if self._job is None:
            return
        try:
            status = self._replay.status(self._job)
        except AnyGPTError:
            self._running(False)
            raise
        self._bar.set_value(status.progress)
        if status.state == "running":
            self._result.show(h("p.a-f13.a-t2", status.sentence))
            return
        self._running(False)
        if status.state == "done" and status.result is not None:
            self._result.show(comparison(status.result, status.sentence))
        else:
            failed = status.state == "failed"
            self._result.show(note("er" if failed else "wa", icon("warn"), h("div.a-grow", status.sentence)))

    def _running(self, on: bool) -> None:
        self._timer.active = on
        self._start.set_enabled(not on)
        self._stop.set_visibility(on)
        self._bar.set_visibility(on)


def comparison(result: Mapping[str, Any], sentence: str) -> Html:
    """Draft beside live, and beside what happened: each number as a bar on the same scale, its range as a line."""
    if int(result["requests"]) <= int(result["unjudged"]):
        return note("wa", icon("warn"), h("div.a-grow", sentence))
    arms = {name: result[name] for name in ARMS if result.get(name)}
    unpriced = int(result["draft"].get("unpriced") or 0)
    return join(
        h("p.a-f13", sentence),
        h("div.a-replay", [_measure(label, field, arms) for label, field in MEASURES.items()]),
        h("div.a-replay.a-replay-shares", [_shares(name, arms[name]["share"]) for name in ("live", "draft")]),
        h("p.a-f12.a-wa", f"{plural(unpriced, 'request')} of the draft would go to a model of unknown price.")
        if unpriced
        else None,
        h("p.a-f12.a-t3", "A line through the end of a bar is where most of what may happen lies."),
    )


def _measure(label: str, field: str, found: Mapping[str, Mapping[str, Any]]) -> Html:
    shown = SHOWN[field]
    arms = [(name, _number(arm, field), _range(arm, field)) for name, arm in found.items()]
    top = max(value for _, number, span in arms for value in (number or 0, *(span or ()))) or 1
    return h(
        "section.a-measure",
        h("h3.a-f12.a-t3", label),
        [
            h(
                "div.a-row.a-measure-row",
                h("span.a-f12.a-t2.a-measure-name", name),
                _bar(number, span, top, COLOURS.get(name, "var(--border-control)")),
                h("span.a-f13.a-num.a-measure-value", shown(number) if number is not None else "unknown"),
                title=f"{name}: {shown(span[0])} to {shown(span[1])}" if span else None,
            )
            for name, number, span in arms
        ],
    )


def _bar(value: float | None, span: tuple[float, float] | None, top: float, colour: str) -> Html:
    x = (value or 0) / top * 200
    return h(
        "svg.a-measure-bar",
        h("rect", width=f"{max(x, 1):.1f}", height="12", rx="2", fill=colour),
        h("path", d=f"M{span[0] / top * 200:.1f} 6H{span[1] / top * 200:.1f}", stroke="var(--text)", stroke_width="1.5")
        if span
        else None,
        viewBox="0 0 200 12",
        preserveAspectRatio="none",
        aria_hidden="true",
    )


def _shares(name: str, shares: Mapping[str, int]) -> Html:
    whole = sum(shares.values()) or 1
    order = sorted(shares.items(), key=lambda item: -item[1])
    return h(
        "section.a-measure",
        h("h3.a-f12.a-t3", f"Providers, {name}"),
        [
            h(
                "div.a-row.a-measure-row",
                h("span.a-f12.a-cut.a-measure-name", provider, title=provider),
                _bar(number, None, whole, "var(--brand)" if name == "draft" else "var(--border-control)"),
                h("span.a-f13.a-num.a-measure-value", share(number / whole)),
            )
            for provider, number in order[:6]
        ],
    )


def _number(arm: Mapping[str, Any], field: str) -> float | None:
    value = arm.get(field)
    return value if value is None or field != "cost_usd" else parse_usd(str(value))


def _range(arm: Mapping[str, Any], field: str) -> tuple[float, float] | None:
    """Where most of what may happen lies, if the replay says so."""
    span = arm.get(f"{field.rpartition('_')[0]}_range")
    if not span or span[0] is None or span[1] is None:
        return None
    low, high = (parse_usd(str(each)) if field == "cost_usd" else float(each) for each in span)
    return low, high


ARMS = ("happened", "live", "draft")
COLOURS = {"draft": "var(--brand)", "happened": "var(--border-strong)"}
MEASURES = {"Cost": "cost_usd", "Failed": "failure_rate", "p50": "p50_ms", "p95": "p95_ms"}
SHOWN: dict[str, Callable[[Any], str]] = {
    "cost_usd": lambda nano: show_usd(round(nano)),
    "failure_rate": share,
    "p50_ms": duration,
    "p95_ms": duration,
}
