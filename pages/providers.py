"""Providers: a card each, with what it needs to be added, tested, changed and watched."""

from __future__ import annotations

from nicegui import ui

from app.security.permissions import Permission
from app.services.limits import seconds
from app.services.views import ProviderView
from components.badges import NEEDS_A_LOOK
from components.format import plural
from components.fragment import Action, Fragment
from components.list_tools import list_tools
from components.markup import Html, h, icon, join
from components.models_dialog import ModelsDialog
from components.notify import guarded, tell_result
from components.page import PageContext, page
from components.provider_card import provider_card
from components.provider_dialog import AddProvider, edit_provider
from components.provider_status import ProviderStatus
from components.states import state

PLUS = "svguse:/static/icons.svg#plus|0 0 24 24"
PULSE = "svguse:/static/icons.svg#pulse|0 0 24 24"
FILTERS = {"all": "All", "look": "Needs a look", "off": "Off"}


@page(
    "/providers", title="Providers", icon="plug", permission=Permission.READ_SHARED, group="Gateway", order=1, key="p"
)
async def providers(ctx: PageContext) -> None:
    ProvidersPage(ctx).build()


class ProvidersPage:
    def __init__(self, context: PageContext) -> None:
        self._context = context
        self._providers = context.services.providers
        self._manage = context.allows(Permission.MANAGE_GATEWAY)
        self._text = ""
        self._filter = "all"

    def build(self) -> None:
        with self._context.header("Providers"):
            if self._manage:
                ui.button("Probe all", icon=PULSE, on_click=guarded(self._probe_all)).props("outline").classes("a-wide")
                ui.button("Add provider", icon=PLUS, on_click=self._add)
        with self._context.body():
            self._tools = Fragment(self._tool_row(), search=self._search, filter=self._set_filter)
            self._cards = Fragment(
                self._markup(), status=self._status, clear=lambda _: self._clear(), **self._manage_actions()
            )
            self._cards.classes("a-cards")
        self._context.on_live(self._draw)
        if self._manage and "add" in self._context.query:
            self._add()

    def _manage_actions(self) -> dict[str, Action]:
        """Whoever may only read has none: what a browser sends is not to be trusted."""
        if not self._manage:
            return {}
        return {
            "toggle": self._toggle,
            "edit": self._edit,
            "models": self._models,
            "test": self._test,
            "refresh": self._refresh,
            "delete": self._delete,
            "add": lambda _: self._add(),
        }

    async def _draw(self) -> None:
        self._show()

    def _show(self) -> None:
        if self._cards.is_deleted:
            return
        self._tools.show(self._tool_row())
        self._cards.show(self._markup())

    def _search(self, text: str) -> None:
        self._text = text.strip().lower()
        self._show()

    def _set_filter(self, name: str) -> None:
        self._filter = name
        self._show()

    def _clear(self) -> None:
        self._text, self._filter = "", "all"
        self._show()

    def _matching(self, name: str) -> list[ProviderView]:
        found = self._providers.list()
        if name == "look":
            return [provider for provider in found if provider.state in NEEDS_A_LOOK]
        if name == "off":
            return [provider for provider in found if not provider.enabled]
        return list(found)

    def _tool_row(self) -> Html:
        tools = list_tools(
            "Search providers", self._text, FILTERS, self._filter, "filter", lambda name: len(self._matching(name))
        )
        return h("div.a-row.a-wrap", tools, h("span.a-grow"), h("span.a-f12.a-t3.a-wide", self._probed()))

    def _probed(self) -> str:
        """`Probed 40 s ago, next in 20 s`"""
        job = next((each for each in self._context.services.jobs.states() if each.job.name == "probe_health"), None)
        if job is None:
            return ""
        now = self._context.services.clock.now()
        last = f"Probed {seconds((now - job.last_at).total_seconds())} ago" if job.last_at else "Not probed yet"
        return f"{last}, next in {seconds((job.next_at - now).total_seconds())}" if job.next_at else last

    def _markup(self) -> Html:
        found = [
            provider
            for provider in self._matching(self._filter)
            if self._text in f"{provider.name} {provider.kind_label} {provider.base_url}".lower()
        ]
        if found:
            only_demo = self._manage and all(provider.kind == "demo" for provider in self._providers.list())
            return join(
                [provider_card(provider, manage=self._manage) for provider in found],
                self._first_provider() if only_demo and self._filter == "all" else None,
            )
        total = len(self._providers.list())
        if total:
            return state(
                "search",
                "No provider matches",
                f"There are {plural(total, 'provider')} without the search and the filter.",
                h("button.a-btn", "Clear filters", type="button", data_act="clear"),
            )
        return self._first_provider()

    def _first_provider(self) -> Html:
        add = h("button.a-btn", icon("plus"), "Add provider", type="button", data_act="add")
        return h(
            "div.a-card.a-invite",
            state(
                "plug",
                "No providers yet",
                "Add a key from OpenAI, Anthropic, Gemini or any compatible server. The demo answers meanwhile.",
                *((add,) if self._manage else ()),
                *((h("a.a-btn", "Try the demo", href="/chat"),) if self._context.allows(Permission.CHAT) else ()),
            ),
        )

    def _add(self) -> None:
        with self._context.root:
            AddProvider(self._context, self._show)

    def _edit(self, provider_id: str) -> None:
        with self._context.root:
            edit_provider(self._context, self._providers.get(provider_id), self._show)

    def _models(self, provider_id: str) -> None:
        with self._context.root:
            ModelsDialog(self._context, self._providers.get(provider_id), self._show)

    def _status(self, provider_id: str) -> None:
        with self._context.root:
            ProviderStatus(self._context, provider_id, self._show)

    async def _probe_all(self) -> None:
        self._context.notify(await self._context.services.jobs.run_now("probe_health"))
        self._show()

    async def _toggle(self, provider_id: str) -> None:
        provider = self._providers.get(provider_id)
        await self._providers.set_enabled(self._context.person, provider_id, not provider.enabled)
        self._show()

    async def _test(self, provider_id: str) -> None:
        name = self._providers.get(provider_id).name
        result = await self._providers.test(provider_id)
        tell_result(f"{name}: {result.sentence}", ok=result.ok)
        self._show()

    async def _refresh(self, provider_id: str) -> None:
        number = await self._providers.refresh_models(self._context.person, provider_id)
        self._context.notify(f"{self._providers.get(provider_id).name}: {plural(number, 'model')} found")
        self._show()

    async def _delete(self, provider_id: str) -> None:
        """Gone at once, as it can be undone; the message says what it meant."""
        provider = self._providers.get(provider_id)
        await self._providers.delete(self._context.person, provider_id)
        self._show()

        async def restore() -> None:
            await self._providers.restore(self._context.person, provider_id)
            self._show()

        self._context.offer_undo(
            f"{provider.name} deleted; its {plural(len(provider.models), 'model')} can no longer be asked", restore
        )
