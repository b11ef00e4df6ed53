"""An admin's own price of a model, and how the price in force came to be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, tzinfo

from nicegui import ui

from app.core.errors import AnyGPTError
from app.core.price import Price
from app.core.price_text import write_price
from app.services.model_entries import ModelEntry
from app.services.price_history import HELD, PriceChange
from components.badges import tag
from components.dialog import show_error, text_field
from components.format import ago, exact
from components.markup import Html, h
from components.notify import guarded, notify
from components.page import PageContext
from components.prices import price_line

FIELDS = {
    "input": ("Input", "USD per 1M tokens"),
    "output": ("Output", "USD per 1M tokens"),
    "cache_read": ("Cached input", "left out: as input"),
    "cache_write": ("Cache write", "left out: as input"),
}
ORIGINS = {
    "own": "your own price",
    "provider": "as the provider lists it",
    "catalogue": "from the catalogue",
    "kind": "all models of this kind of provider are free",
    "": "not known",
}
STATES = {"confirmed": ("confirmed", "ok"), "rejected": ("rejected", ""), HELD: ("waits", "wa")}


class PriceForm:
    """Four fields; classes of use that they do not show stay as they are while the own price is changed."""

    def __init__(self, context: PageContext, entry: ModelEntry, done: Callable[[], Awaitable[None]]) -> None:
        self._context, self._entry, self._done = context, entry, done
        price = entry.price
        self._before = write_price(price) if price is not None else {}
        with ui.element("div").classes("a-pair"):
            self._fields = {
                name: text_field(label, str(self._before.get(name, "")), hint=hint)
                for name, (label, hint) in FIELDS.items()
            }
        with ui.element("div").classes("a-row a-wrap"):
            ui.button("Save price", on_click=guarded(self._save)).mark("save-price")
            if entry.price_from == "own":
                words = "Take my price away" if entry.listed else "Back to the catalogue's price"
                ui.button(words, on_click=guarded(self._back)).props("outline").mark("back-to-catalogue")

    async def _save(self) -> None:
        typed = {name: field.value.strip().lstrip("$") for name, field in self._fields.items()}
        kept = {name: value for name, value in self._before.items() if name not in FIELDS}
        price = kept | {name: value for name, value in typed.items() if value}
        try:
            await self._set(price)
        except AnyGPTError as error:
            error.field = (error.field or "").removeprefix("price.")
            error.message = error.message.removeprefix("price.")
            show_error(error, dict(self._fields))
            return
        notify(f"{self._entry.alias} costs {price_line(self._context_price())} here")
        await self._done()

    async def _back(self) -> None:
        await self._set(None)
        notify(f"{self._entry.alias}: {price_line(self._context_price())}")
        await self._done()

    async def _set(self, price: dict[str, object] | None) -> None:
        entry = self._entry
        await self._context.services.prices.override(self._context.person, entry.provider_id or "", entry.model, price)

    def _context_price(self) -> Price | None:
        return self._context.services.prices.in_force(self._entry.provider_id or "", self._entry.model)


def price_history(changes: Sequence[PriceChange], now: datetime, zone: tzinfo) -> Html:
    if not changes:
        return h("p.a-f13.a-t2", "No change of this price was seen yet.")
    return h(
        "table.a-table.a-price-history",
        h("thead", h("tr", [h("th", head, scope="col") for head in ("When", "Who", "Before", "After")])),
        h("tbody", [_change(change, now, zone) for change in changes]),
    )


def _change(change: PriceChange, now: datetime, zone: tzinfo) -> Html:
    state = STATES.get(change.state)
    by = change.actor or {"provider": "the provider's list"}.get(change.source, change.source)
    if change.decided_by:
        by = f"{by}; {change.decided_by}"
    return h(
        "tr",
        h("td.a-t2", h("time", ago(change.at, now, zone), title=exact(change.at))),
        h("td", h("span.a-cut.a-owner", by, title=by), tag(*state) if state else None),
        h("td.a-t2", price_line(change.before)),
        h("td", price_line(change.after)),
    )


def held_note(changes: Sequence[PriceChange], *, manage: bool) -> Html:
    """Prices that jumped and wait; nothing where none does."""
    if not changes:
        return Html()
    return h(
        "section.a-card.a-held",
        h(
            "header",
            h("h2", "Prices that jumped"),
            h("span.a-f12.a-t3.a-light", "the old one stays until you decide"),
        ),
        [
            h(
                "div.a-row.a-wrap.a-held-line",
                h(
                    "div.a-col.a-grow",
                    h("span.a-f13.a-mid.a-cut", f"{change.model} at {change.provider}"),
                    h(
                        "span.a-f12.a-t2",
                        f"{price_line(change.before)} in force; {change.source} says ",
                        h("b.a-mid", price_line(change.after)),
                    ),
                ),
                [
                    h("button.a-btn.is-sm", "Keep the old", type="button", data_act="reject", data_value=change.id),
                    h("button.a-btn.is-sm", "Take the new", type="button", data_act="confirm", data_value=change.id),
                ]
                if manage
                else None,
                data_key=change.id,
            )
            for change in changes
        ],
        aria_label="Prices that jumped",
    )
