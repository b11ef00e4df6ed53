"""What holds for a whole router: strategy, attempts, time-outs, the weights of a score, cache, hedging, fallbacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from nicegui import ui

from app.core.errors import BadRequest
from app.routing.checks import read_document
from app.routing.document import Cache, RouterDocument
from app.routing.strategies import STRATEGIES
from app.routing.strategies.base import Weights
from components.dialog import Dialog, field, show_error
from components.format import plural
from components.notify import guarded
from components.routers.document_edits import Document, Target, walk, with_fields
from components.routers.offers import Offers
from components.routers.targets_dialog import TargetsDialog

DEFAULTS = RouterDocument(name="default")
WEIGHTS = {"quality": "Quality", "cost": "Cost", "performance": "Speed", "availability": "Availability"}
TIMES = {
    "timeout_s": "Whole request",
    "first_token_timeout_s": "First token",
    "idle_timeout_s": "Silence in a stream",
}
SWITCHES = {
    "sticky": ("Keep a conversation on its deployment", "While that is healthy; prompt caches stay warm."),
    "hedge": ("Ask a second one when the first is slow", "The slower answer is cancelled; both are paid for."),
}
FALLBACKS = {
    "context_too_long": "Where the input is too long",
    "content_policy": "Where the content is refused",
}


class SettingsDialog:
    """`done` gets the changed document."""

    def __init__(self, document: Document, offers: Offers, done: Callable[[Document], object]) -> None:
        self._document, self._offers, self._done = document, offers, done
        self._fallbacks: dict[str, list[Target]] = {
            cause: list((document.get("fallbacks") or {}).get(cause, ())) for cause in FALLBACKS
        }
        self._dialog = Dialog(f"Settings of {document['name']}", wide=True)
        with self._dialog.body:
            self._build()
        with self._dialog.foot:
            ui.element("span").classes("a-grow")
            ui.button("Cancel", on_click=self._dialog.close).props("flat")
            ui.button("Use these settings", on_click=guarded(self._save)).mark("save")
        self._dialog.open()

    def _build(self) -> None:
        with ui.element("div").classes("a-pair"):
            with field("Strategy of rules without their own"):
                self._strategy = ui.select(
                    {name: strategy.label for name, strategy in STRATEGIES.items()},
                    value=self._get("strategy"),
                    on_change=self._strategy_chosen,
                ).props('aria-label="Strategy of rules without their own" hide-bottom-space')
                self._summary = ui.label().classes("a-f12 a-t3")
            with field("Attempts at most", "One request is sent upstream so often."):
                self._attempts = _number("Attempts at most", self._get("max_attempts"), "%d")
        self._build_weights()
        with ui.element("div").classes("a-triple"):
            self._times = {name: self._time(name, label) for name, label in TIMES.items()}
        with field("Slowest stream", "Empty: no limit. A stream that begins slower is left for the next."):
            self._slowest = _number("Slowest stream", self._document.get("min_tokens_per_s"), None)
            self._slowest.props('suffix="tokens/s"')
        self._switches = {name: self._switch(name, *words) for name, words in SWITCHES.items()}
        self._build_cache()
        with ui.element("section").classes("a-conditions"):
            ui.label("Fallbacks").classes("a-strong a-f13").props("role=heading aria-level=3")
            self._said = {cause: self._fallback(cause, label) for cause, label in FALLBACKS.items()}
        self._strategy_chosen()

    def _build_weights(self) -> None:
        chosen = {**msgspec.structs.asdict(Weights()), **(self._document.get("weights") or {})}
        with ui.element("section").classes("a-conditions") as self._weights_part:
            ui.label("What a score is made of").classes("a-strong a-f13").props("role=heading aria-level=3")
            self._weights = {}
            for name, label in WEIGHTS.items():
                with ui.element("div").classes("a-row a-weight-row"):
                    ui.label(label).classes("a-f13 a-condition-label")
                    slider = ui.slider(min=0, max=1, step=0.05, value=chosen[name]).classes("a-grow")
                    slider.props(f'aria-label="{label}"').mark(f"weight-{name}")
                    shown = ui.label().classes("a-f12 a-t2 a-num a-weight-value")
                    shown.bind_text_from(slider, "value", lambda value: f"{value:.2f}")
                    self._weights[name] = slider

    def _build_cache(self) -> None:
        cache = self._document.get("cache")
        values = {**msgspec.structs.asdict(Cache()), **(cache or {})}
        self._cache = ui.switch("Keep exact answers", value=cache is not None).classes("a-f13")
        ui.label("The same request again costs nothing; only at temperature 0, or when asked for.").classes(
            "a-f12 a-t3"
        )
        with ui.element("div").classes("a-triple") as part:
            with field("Kept for"):
                self._ttl = _number("Kept for", values["ttl_s"], None).props("suffix=s")
            with field("At most"):
                self._entries = _number("Answers kept at most", values["max_entries"], "%d").props("suffix=answers")
            with field("Across people", "One person's answer for another's question."):
                self._shared = ui.switch("Shared", value=values["shared"]).classes("a-f13")
        part.bind_visibility_from(self._cache, "value")

    def _time(self, name: str, label: str) -> ui.number:
        with field(label):
            return _number(label, self._get(name), None).props("suffix=s")

    def _switch(self, name: str, label: str, hint: str) -> ui.switch:
        with ui.element("div"):
            made = ui.switch(label, value=bool(self._get(name))).classes("a-f13").mark(f"switch-{name}")
            ui.label(hint).classes("a-f12 a-t3")
        return made

    def _fallback(self, cause: str, label: str) -> ui.label:
        with ui.element("div").classes("a-row"):
            ui.label(label).classes("a-f13 a-fallback-label")
            said = ui.label(self._named(cause)).classes("a-f13 a-t2 a-grow a-cut")
            ui.button("Choose", on_click=lambda: self._choose(cause, label)).props(
                f'outline aria-label="Choose: {label}"'
            )
        return said

    def _choose(self, cause: str, label: str) -> None:
        def use(targets: list[Target]) -> None:
            self._fallbacks[cause] = targets
            self._said[cause].set_text(self._named(cause))

        TargetsDialog(label, self._fallbacks[cause], "priority", self._offers, use, none="Nobody answers instead.")

    def _named(self, cause: str) -> str:
        names = [self._offers.of(each).alias for _, each in walk(self._fallbacks[cause]) if not each.get("targets")]
        return ", ".join(names[:3]) + (f" and {plural(len(names) - 3, 'other')}" if len(names) > 3 else "") or "nobody"

    def _strategy_chosen(self) -> None:
        name = str(self._strategy.value)
        self._summary.set_text(STRATEGIES[name].summary)
        by_rules = {rule.get("strategy") for rule in self._document.get("rules", ())}
        self._weights_part.set_visibility("score" in {name, *by_rules})

    def _get(self, name: str) -> Any:
        return self._document.get(name, getattr(DEFAULTS, name))

    def _save(self) -> None:
        wanted: dict[str, Any] = {
            "strategy": self._strategy.value,
            "max_attempts": int(self._attempts.value or 0),
            **{name: made.value or 0 for name, made in self._times.items()},
            **{name: made.value for name, made in self._switches.items()},
        }
        fields = {name: None if value == getattr(DEFAULTS, name) else value for name, value in wanted.items()}
        weights = {name: round(float(slider.value), 2) for name, slider in self._weights.items()}
        fields["weights"] = None if weights == msgspec.structs.asdict(Weights()) else weights
        fields["min_tokens_per_s"] = self._slowest.value
        fields["cache"] = (
            {
                "ttl_s": self._ttl.value or 0,
                "max_entries": int(self._entries.value or 0),
                "shared": bool(self._shared.value),
            }
            if self._cache.value
            else None
        )
        fields["fallbacks"] = {cause: targets for cause, targets in self._fallbacks.items() if targets} or None
        changed = with_fields(self._document, **fields)
        try:
            read_document(changed)
        except BadRequest as error:
            show_error(error, {"max_attempts": self._attempts, "min_tokens_per_s": self._slowest, **self._times})
            return
        self._done(changed)
        self._dialog.close()


def _number(label: str, value: Any, shape: str | None) -> ui.number:
    made = ui.number(value=value, format=shape).props(f'aria-label="{label}" hide-bottom-space inputmode=decimal')
    return made.mark(label.lower().replace(" ", "-"))
