"""One model in full: facts, prices, what was measured, where it is used; an admin changes its price here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from nicegui import ui

from app.security.permissions import Permission
from app.services.model_browser import FoundModel
from app.services.price_history import PriceChange
from components.dialog import Dialog
from components.format import duration, share, speed, window
from components.fragment import Fragment
from components.markup import Child, Html, h
from components.models.columns import COLUMNS, UNKNOWN
from components.models.price_form import ORIGINS, PriceForm, price_history
from components.models.usage import ExampleUse
from components.page import PageContext
from components.prices import price_details, price_line


async def open_model(
    context: PageContext, found: FoundModel, use: ExampleUse, done: Callable[[], Awaitable[None]]
) -> None:
    """`done` is called after the price was changed."""
    entry = found.entry
    changes: Sequence[PriceChange] = ()
    if entry.provider_id is not None:
        changes = await context.services.prices.history(entry.provider_id, entry.model)
    with context.root:
        dialog = Dialog(entry.alias, wide=True)

        async def changed() -> None:
            dialog.close()
            await done()

        with dialog.body:
            Fragment(model_facts(found, use))
            if entry.provider_id is not None and context.allows(Permission.MANAGE_GATEWAY):
                ui.label("Your own price").classes("a-strong a-f13").props("role=heading aria-level=3")
                PriceForm(context, entry, changed)
            if entry.provider_id is not None:
                ui.label("How the price changed").classes("a-strong a-f13").props("role=heading aria-level=3")
                now = context.services.clock.now()
                Fragment(price_history(changes, now, context.zone)).classes("a-scroll-x")
        dialog.open()


def model_facts(found: FoundModel, use: ExampleUse) -> Html:
    entry, measured = found.entry, found.measured
    price: Child = UNKNOWN if entry.price is None else price_line(entry.price)
    details = price_details(entry.price)
    words = ", ".join(word.replace("_", " ") for word in entry.capabilities or ())
    return h(
        "dl.a-facts.a-model-facts",
        _fact("Provider", entry.provider),
        _fact("Its name there", h("span.a-mono.a-f12.a-break", entry.model)),
        _fact("Price per 1M tokens", h("span", price, h("span.a-t3", f", {ORIGINS[entry.price_from]}"))),
        _fact(use.words, COLUMNS["cost"].cell(found, use)),
        _fact("Other prices", details, wide=True) if details else None,
        _fact("Context", window(entry.context_window)),
        _fact("Longest answer", window(entry.max_output_tokens)),
        _fact("Can", words if entry.capabilities is not None else "not known, so all is allowed", wide=True),
        _fact("Speed", speed(measured.rate)),
        _fact("First token p50", duration(measured.first_token_ms)),
        _fact("Calls answered", share(measured.success)),
        _fact("Score", COLUMNS["score"].cell(found, use)),
        _fact("State", COLUMNS["state"].cell(found, use)),
        _fact("Released", entry.released or "n/a"),
        _fact("Used in", h("span", [h("div", rule) for rule in entry.rules]) if entry.rules else "no rule", wide=True),
    )


def _fact(label: str, value: Child, *, wide: bool = False) -> Html:
    return h("div", h("dt.a-f12.a-t3", label), h("dd.a-f13", value), class_="a-fact-wide" if wide else "")
