"""The models of one provider, each switched on or off; people pick only from those that are on."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui

from app.services.views import ModelView, ProviderView
from components.dialog import Dialog
from components.format import plural, window
from components.fragment import Fragment
from components.list_tools import search_field
from components.markup import Html, h, join
from components.notify import guarded, notify
from components.page import PageContext
from components.prices import price_details, price_line

SHOWN = 100  # lines at once; the search finds the others


class ModelsDialog:
    def __init__(self, context: PageContext, provider: ProviderView, done: Callable[[], None]) -> None:
        """`done` is called after every change."""
        self._context = context
        self._done = done
        self._id = provider.id
        self._text = ""
        dialog = Dialog(f"Models of {provider.name}", wide=True)
        with dialog.body:
            self._fragment = Fragment(self._markup(), toggle=self._toggle, search=self._search).classes("a-models")
        with dialog.foot:
            self._again = ui.button("Ask for models again", on_click=guarded(self._refresh)).props("outline")
            ui.element("span").classes("a-grow")
            ui.button("Done", on_click=dialog.close)
        dialog.open()

    def _provider(self) -> ProviderView:
        return self._context.services.providers.get(self._id)

    def _search(self, text: str) -> None:
        self._text = text.strip().lower()
        self._fragment.show(self._markup())

    async def _toggle(self, model_id: str) -> None:
        provider = self._provider()
        model = next(model for model in provider.models if model.id == model_id)
        await self._context.services.providers.set_model_enabled(
            self._context.person, provider.id, model_id, not model.enabled
        )
        self._done()
        self._fragment.show(self._markup())

    async def _refresh(self) -> None:
        self._again.props("loading")
        try:
            found = await self._context.services.providers.refresh_models(self._context.person, self._id)
        finally:
            self._again.props(remove="loading")
        self._done()
        notify(f"{plural(found, 'model')} found")
        self._fragment.show(self._markup())

    def _markup(self) -> Html:
        provider = self._provider()
        found = [model for model in provider.models if self._text in f"{model.alias} {model.id} {model.name}".lower()]
        on = sum(model.enabled for model in provider.models)
        return join(
            h(
                "div.a-row",
                search_field("Search models", self._text, class_="a-grow"),
                h("span.a-f12.a-t3.a-nowrap", f"{on} of {len(provider.models)} on"),
            ),
            h("div.a-model-list", [self._line(model) for model in found[:SHOWN]]) if found else self._none(provider),
            h("p.a-f12.a-t3", f"{len(found) - SHOWN} more: search to see them.") if len(found) > SHOWN else None,
            self._source(),
        )

    def _source(self) -> Html:
        """Where prices come from that nobody entered, and how old they are."""
        catalog = self._context.services.catalog
        return h(
            "p.a-f12.a-t3",
            f"Prices not entered here or told by the provider: catalogue of {catalog.made_at} ({catalog.source}).",
        )

    def _none(self, provider: ProviderView) -> Html:
        if provider.models:
            return h("p.a-f13.a-t2", f"No model matches; there are {len(provider.models)} without the search.")
        return h("p.a-f13.a-t2", "No models yet. Ask the provider for them: its key must be good for that.")

    def _line(self, model: ModelView) -> Html:
        return h(
            "div.a-row.a-model-line",
            h(
                "div.a-col.a-grow",
                h("span.a-f13.a-mid.a-cut", model.alias, title=model.id),
                h(
                    "span.a-f12.a-t3.a-cut",
                    ", ".join(
                        part
                        for part in (
                            price_line(model.price),
                            price_details(model.price),
                            f"{window(model.context_window)} context" if model.context_window else "",
                            " ".join(model.capabilities),
                        )
                        if part
                    ),
                ),
            ),
            h(
                "button.a-switch",
                class_="on" if model.enabled else "",
                type="button",
                role="switch",
                aria_checked=str(model.enabled).lower(),
                aria_label=f"Use {model.alias}",
                data_act="toggle",
                data_value=model.id,
            ),
            data_key=model.id,
        )
