"""Up to four models side by side, with what a request of a chosen size costs at each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.core.errors import AnyGPTError
from app.services.model_browser import FoundModel
from components.badges import badge
from components.dialog import Dialog
from components.format import duration, share, speed, window
from components.fragment import Fragment
from components.markup import Child, Html, h, join
from components.models.columns import COLUMNS, NONE, UNKNOWN
from components.models.usage import ExampleUse, example_use
from components.notify import notify_error
from components.prices import price_details, show_price

REQUESTS = 1_000


class CompareDialog:
    def __init__(self, found: Sequence[FoundModel], use: ExampleUse, changed: Callable[[ExampleUse], None]) -> None:
        """`changed` is told which request costs are to be shown for."""
        self._found, self._use, self._changed = found, use, changed
        self._typed = {"input": str(use.input), "output": str(use.output), "cached": f"{use.cached * 100:.0f}"}
        dialog = Dialog("Compare models" if len(found) > 1 else "Cost calculator", wide=True)
        dialog.widen()
        with dialog.body:
            Fragment(
                calculator(self._typed),
                input=lambda value: self._type("input", value),
                output=lambda value: self._type("output", value),
                cached=lambda value: self._type("cached", value),
            )
            self._table = Fragment(comparison(found, use)).classes("a-scroll-x")
        dialog.open()

    def _type(self, name: str, value: str) -> None:
        self._typed[name] = value
        try:
            self._use = example_use(self._typed["input"], self._typed["output"], self._typed["cached"])
        except AnyGPTError as error:
            notify_error(error)
            return
        self._changed(self._use)
        self._table.show(comparison(self._found, self._use))


def calculator(typed: dict[str, str]) -> Html:
    return h(
        "fieldset.a-calculator",
        h("legend.a-sr", "The request"),
        _number("input", "Tokens in", typed["input"]),
        _number("output", "Tokens out", typed["output"]),
        _number("cached", "Of the input cached, %", typed["cached"]),
    )


def comparison(found: Sequence[FoundModel], use: ExampleUse) -> Html:
    costs = [use.cost(each.entry.price) for each in found]
    known = [cost for cost in costs if cost is not None]
    least = min(known) if len(known) > 1 else None
    return h(
        "table.a-table.a-compare",
        h(
            "thead",
            h(
                "tr",
                h("th", h("span.a-sr", "Property"), scope="col"),
                [
                    h(
                        "th",
                        h(
                            "div.a-row",
                            badge(each.entry.monogram, each.entry.accent),
                            h(
                                "div.a-col",
                                h("b.a-mid.a-t1", each.entry.alias),
                                h("span.a-f12.a-t3", each.entry.provider),
                            ),
                        ),
                        scope="col",
                    )
                    for each in found
                ],
            ),
        ),
        h(
            "tbody",
            _row(f"This request ({use.words})", [_cost(cost, cost == least) for cost in costs]),
            _row(f"{REQUESTS:,} of them", [_cost(None if c is None else c * REQUESTS, False) for c in costs]),
            _row("Input, per 1M tokens", [_price(each, "input") for each in found]),
            _row("Output, per 1M tokens", [_price(each, "output") for each in found]),
            _row("Other prices", [price_details(each.entry.price) or NONE for each in found]),
            _row("Context", [window(each.entry.context_window) for each in found]),
            _row("Longest answer", [window(each.entry.max_output_tokens) for each in found]),
            _row("Can", [_words(each) for each in found]),
            _row("Tokens/s", [speed(each.measured.rate) for each in found]),
            _row("First token", [duration(each.measured.first_token_ms) for each in found]),
            _row("Calls answered", [share(each.measured.success) for each in found]),
            _row("Score", [COLUMNS["score"].cell(each, use) for each in found]),
            _row("Used in", [_rules(each) for each in found]),
            _row("State", [COLUMNS["state"].cell(each, use) for each in found]),
        ),
    )


def _number(name: str, label: str, value: str) -> Html:
    return h(
        "label.a-field",
        h("span.a-field-label", label),
        h(
            "span.a-input",
            h("input", type="number", min="0", step="1", value=value, data_input=name, inputmode="numeric"),
        ),
    )


def _row(label: str, cells: Sequence[Child]) -> Html:
    return h("tr", h("th", label, scope="row"), [h("td", cell) for cell in cells])


def _cost(cost: int | None, best: bool) -> Html:
    if cost is None:
        return UNKNOWN
    return join(h("b.a-mid", ExampleUse.show(cost)), h("span.a-tag.ok.a-best", "least") if best else None)


def _price(found: FoundModel, name: str) -> Child:
    price = found.entry.price
    return UNKNOWN if price is None else show_price(getattr(price, name))


def _rules(found: FoundModel) -> Html:
    return h("span", [h("div", rule) for rule in found.entry.rules]) if found.entry.rules else NONE


def _words(found: FoundModel) -> Child:
    words = found.entry.capabilities
    return ", ".join(word.replace("_", " ") for word in words) if words is not None else h("span.a-t3", "unknown")
