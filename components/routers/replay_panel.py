"""Replay: the requests of the last days through the draft, beside what is live, with ranges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from nicegui import ui

from app.core.errors import AnyGPTError
from app.core.money import parse_usd, show_usd
from components.badges import note
from components.format import count, duration, plural, share
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
                self._result = Fragment().props("aria-live=polite")
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

    async def _cancel(self) -> None:
        if self._job is not None:
            await self._replay.cancel(self._job)

    async def _look(self) -> None:
        if self._job is None:
            return
        try:
            status = await self._replay.status(self._job)
        except AnyGPTError:
            self._running(False)
            raise
        self._bar.set_value(status.progress)
        if status.state == "running":
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
    """Draft beside live: each number as a bar on the same scale, a range as a line through its end."""
    live, draft = result["live"], result["draft"]
    requests, unjudged = int(result["requests"]), int(result["unjudged"])
    return join(
        h("p.a-f13", sentence) if sentence else None,
        h(
            "div.a-replay",
            _measure(
                "Cost", _cost(live), _cost(draft), lambda nano: show_usd(round(nano)), _range(live), _range(draft)
            ),
            _measure("p50", live["p50_ms"], draft["p50_ms"], duration),
            _measure("p95", live["p95_ms"], draft["p95_ms"], duration),
            _measure("Failed", live["failure_rate"], draft["failure_rate"], share),
        ),
        h("div.a-replay-shares", _shares("live", live["share"]), _shares("draft", draft["share"])),
        h(
            "p.a-f12.a-t3",
            f"{count(requests)} {'request' if requests == 1 else 'requests'}; "
            f"{plural(unjudged, 'request')} cannot be judged, as nobody knows how those targets answer.",
        ),
    )


def _measure(
    label: str,
    live: float | None,
    draft: float | None,
    shown: Callable[[Any], str],
    live_range: tuple[float, float] | None = None,
    draft_range: tuple[float, float] | None = None,
) -> Html:
    ends = [value for span in (live_range, draft_range) if span for value in span]
    top = max([live or 0, draft or 0, *ends]) or 1
    return h(
        "section.a-measure",
        h("h3.a-f12.a-t3", label),
        [
            h(
                "div.a-row.a-measure-row",
                h("span.a-f12.a-t2.a-measure-name", name),
                _bar(value, span, top, "var(--brand)" if name == "draft" else "var(--border-control)"),
                h("span.a-f13.a-num.a-measure-value", shown(value) if value is not None else "unknown"),
                title=f"{name}: {shown(span[0])} to {shown(span[1])}" if span else None,
            )
            for name, value, span in (("live", live, live_range), ("draft", draft, draft_range))
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


def _cost(arm: Mapping[str, Any]) -> int | None:
    return parse_usd(str(arm["cost_usd"])) if arm.get("cost_usd") is not None else None


def _range(arm: Mapping[str, Any]) -> tuple[float, float] | None:
    span = arm.get("cost_range")
    return (parse_usd(str(span[0])), parse_usd(str(span[1]))) if span else None
