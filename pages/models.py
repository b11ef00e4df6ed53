"""Models: every one that is known, found by what it can and costs, compared, priced."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime

from nicegui import ui

from app.core.errors import NotFound
from app.security.permissions import Permission
from app.services.model_browser import FoundModel, FoundModels
from app.services.model_entries import kinds_by_catalogue
from components.format import count, date
from components.fragment import Action, Fragment
from components.markup import Html, h, icon_button, join
from components.models.columns import chosen_columns, csv_lines
from components.models.columns_dialog import choose_columns
from components.models.compare_bar import MOST, compare_bar
from components.models.compare_dialog import CompareDialog
from components.models.model_dialog import open_model
from components.models.model_filters import ModelFilters, filter_row
from components.models.model_table import model_table
from components.models.price_form import held_note
from components.models.usage import ExampleUse
from components.page import PageContext, header_text, page
from components.states import state

FILTER = "svguse:/static/icons.svg#filter|0 0 24 24"
DOWNLOAD = "svguse:/static/icons.svg#down2|0 0 24 24"
LINES = 50
HELD_SHOWN = 5


@page("/models", title="Models", icon="cube", permission=Permission.READ_SHARED, group="Gateway", order=2, key="m")
async def models(ctx: PageContext) -> None:
    await ModelsPage(ctx).build()


class ModelsPage:
    def __init__(self, context: PageContext) -> None:
        self._context = context
        self._browser, self._prices = context.services.models, context.services.prices
        self._manage = context.allows(Permission.MANAGE_GATEWAY)
        self._filters = ModelFilters.of_query(context.query)
        self._columns = chosen_columns(context.person.preferences.get("model_columns"))
        self._order, self._descending = "model", False
        self._use = ExampleUse()
        self._picked: dict[str, FoundModel] = {}  # also those that the filters hide now
        self._place = 0
        self._found = FoundModels((), 0)

    async def build(self) -> None:
        with self._context.header("Models") as self._bar:
            ui.button("Columns", icon=FILTER, on_click=self._choose_columns).props("outline").classes("a-wide")
            ui.button("Export CSV", icon=DOWNLOAD, on_click=self._export).props("outline")
        self._found = await self._browser.search(self._filters.wanted())
        with self._context.body("a-log-body a-models-body"):
            decide: dict[str, Action] = {"confirm": self._confirm, "reject": self._reject} if self._manage else {}
            self._held = Fragment(self._held_markup(), **decide)
            self._tools = Fragment(
                self._tool_row(),
                text=lambda value: self._set(text=value.strip()),
                can=self._set_capability,
                provider=lambda value: self._set(provider=value),
                price=lambda value: self._set(price=value),
                context=lambda value: self._set(context=value),
                free=lambda _: self._set(free=not self._filters.free),
                usable=lambda _: self._set(usable=not self._filters.usable),
                unpriced=lambda _: self._set(unpriced=not self._filters.unpriced),
                clear=lambda _: self._clear(),
            )
            self._table = Fragment(
                self._markup(),
                sort=self._sort,
                pick=self._pick,
                open=self._open,
                turn=self._turn,
                clear=lambda _: self._clear(),
            ).classes("a-card a-log-card grow")
            self._compare = Fragment(
                Html(),
                pick=self._pick,
                clear_picked=lambda _: self._clear_picked(),
                compare=lambda _: self._open_compare(),
            ).classes("a-card a-compare-place")
        self._show()
        self._context.on_live(self._refresh)
        if self._context.query.get("id"):
            await self._open(self._context.query["id"])

    async def _refresh(self) -> None:
        self._found = await self._browser.search(self._filters.wanted(), self._order, descending=self._descending)
        self._show()

    def _show(self) -> None:
        if self._table.is_deleted:
            return
        self._place = min(self._place, max((len(self._found.items) - 1) // LINES * LINES, 0))
        self._held.show(self._held_markup())
        self._tools.show(self._tool_row())
        self._table.show(self._markup())
        self._compare.show(compare_bar(list(self._picked.values()), self._use))
        self._compare.set_visibility(bool(self._picked))

    def _tool_row(self) -> Html:
        catalog = self._context.services.catalog
        made = f"prices per 1M tokens, catalogue of {_day(catalog.made_at)}"
        self._bar.show(header_text("Models", h("span.a-f12.a-t3.a-wide", made, title=catalog.source)))
        return filter_row(self._filters, self._providers(), len(self._found.items), self._found.total)

    def _providers(self) -> list[str]:
        """Those here first, then those whose kind could be added; the search finds the others."""
        here = list(self._context.services.providers.names())
        return here + [name for name in kinds_by_catalogue() if name not in here]

    def _held_markup(self) -> Html:
        return held_note(self._prices.held(in_use=True)[:HELD_SHOWN], manage=self._manage)

    def _markup(self) -> Html:
        items = self._found.items
        if not items:
            return state(
                "search",
                "No model matches",
                f"There are {count(self._found.total)} without the filters.",
                h("button.a-btn", "Clear filters", type="button", data_act="clear"),
            )
        table = model_table(
            items[self._place : self._place + LINES],
            self._columns,
            self._picked,
            self._use,
            self._order,
            self._descending,
        )
        lines = h("div.a-log-scroll", table, tabindex="0", role="group", aria_label="Models", data_key="lines")
        return join(lines, self._pages())

    def _pages(self) -> Html | None:
        total = len(self._found.items)
        if total <= LINES:
            return None
        last = min(self._place + LINES, total)
        return h(
            "div.a-row.a-pages-row.a-f12.a-t2",
            h("span", f"{count(self._place + 1)} to {count(last)} of {count(total)}"),
            _turn_button("back", "Page before", disabled=self._place == 0),
            _turn_button("on", "Next page", disabled=last == total),
        )

    def _turn(self, way: str) -> None:
        self._place = max(self._place + (LINES if way == "on" else -LINES), 0)
        self._show()

    async def _set(self, **changes: str | bool) -> None:
        for name, value in changes.items():
            setattr(self._filters, name, value)
        self._place = 0
        await self._refresh()

    async def _set_capability(self, word: str) -> None:
        if word:
            self._filters.toggle_capability(word)
        else:
            self._filters.capabilities = ()
        await self._set()

    async def _clear(self) -> None:
        self._filters = ModelFilters()
        await self._set()

    async def _sort(self, order: str) -> None:
        self._descending = order == self._order and not self._descending
        self._order = order
        await self._set()

    async def _pick(self, entry_id: str) -> None:
        if entry_id in self._picked:
            del self._picked[entry_id]
        elif len(self._picked) >= MOST:
            self._context.notify("Four models can be compared; take one out first.")
        elif (found := await self._browser.find(entry_id)) is not None:
            self._picked[entry_id] = found
        self._show()

    def _clear_picked(self) -> None:
        self._picked = {}
        self._show()

    def _open_compare(self) -> None:
        with self._context.root:
            CompareDialog(list(self._picked.values()), self._use, self._set_use)

    def _set_use(self, use: ExampleUse) -> None:
        self._use = use
        self._show()

    async def _open(self, entry_id: str) -> None:
        found = await self._browser.find(entry_id)
        if found is None:
            raise NotFound("That model is not known any more.")
        await open_model(self._context, found, self._use, self._refresh)

    def _choose_columns(self) -> None:
        with self._context.root:
            choose_columns(self._columns, self._set_columns)

    async def _set_columns(self, columns: tuple[str, ...]) -> None:
        await self._context.prefer(model_columns=",".join(columns))
        self._columns = columns
        self._show()

    async def _export(self) -> None:
        """What the filters leave, in the order of the table; made off the loop, since it may be thousands of lines."""
        content = await asyncio.to_thread(_csv, self._found.items, self._use)
        ui.download.content(content, "models.csv", "text/csv")

    async def _confirm(self, change_id: str) -> None:
        change = await self._prices.confirm(self._context.person, change_id)
        self._context.notify(f"{change.model}: the new price is in force")
        await self._refresh()

    async def _reject(self, change_id: str) -> None:
        change = await self._prices.reject(self._context.person, change_id)
        self._context.notify(f"{change.model}: the old price stays")
        await self._refresh()


def _csv(found: Sequence[FoundModel], use: ExampleUse) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(csv_lines(found, use))
    return text.getvalue().encode()


def _turn_button(way: str, label: str, *, disabled: bool) -> Html:
    return icon_button(
        "right", label, class_=f"quiet is-sm a-turn-{way}", data_act="turn", data_value=way, disabled=disabled
    )


def _day(made_at: str) -> str:
    """`19 November` of `2026-11-19`."""
    return date(datetime.fromisoformat(made_at).replace(tzinfo=UTC), UTC)
