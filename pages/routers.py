"""Routers: the list with what passes through each, and the editor of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from app.core.errors import AnyGPTError, NotFound
from app.security.permissions import Permission
from components.dialog import Dialog, confirm, show_error, text_field
from components.format import plural
from components.fragment import Fragment
from components.list_tools import list_tools
from components.markup import Html, button, h
from components.notify import guarded
from components.page import PageContext, header_text, page
from components.routers.document_edits import Document
from components.routers.editor import RouterEditor
from components.routers.router_table import RouterLine, keys_by_router, router_table
from components.states import not_found, state

if TYPE_CHECKING:
    from app.services.router_views import RouterTraffic, RouterView

PLUS = "svguse:/static/icons.svg#plus|0 0 24 24"
FILTERS = {"all": "All", "draft": "Drafts", "canary": "Canaries"}
EVERYTHING = "Everything"  # the rule of a new router: it answers like the built-in one until it is changed


@page(
    "/routers",
    title="Routers",
    icon="route",
    permission=Permission.MANAGE_GATEWAY,
    group="Gateway",
    order=3,
    key="r",
    deep=True,
)
async def routers(ctx: PageContext) -> None:
    if not ctx.rest:
        await RoutersPage(ctx).build()
        return
    try:
        await RouterEditor(ctx).build(ctx.rest)
    except NotFound:
        with ui.element("header").classes("a-head"):
            Fragment(header_text("Not found")).classes("a-row a-grow")
        Fragment(not_found(f"/routers/{ctx.rest}")).classes("a-body")


class RoutersPage:
    def __init__(self, context: PageContext) -> None:
        self._context = context
        self._routers = context.services.routers
        self._views: list[RouterView] = []
        self._traffic: dict[str, RouterTraffic] = {}
        self._keys: dict[str, list[str]] = {}
        self._text = ""
        self._filter = "all"

    async def build(self) -> None:
        with self._context.header("Routers"):
            ui.button("New router", icon=PLUS, on_click=guarded(self._new))
        await self._load()
        with self._context.body():
            self._tools = Fragment(self._tool_row(), search=self._search, only=self._set_filter)
            self._table = Fragment(
                self._markup(),
                duplicate=self._duplicate,
                delete=self._delete,
                new=lambda _: self._new(),
                clear=lambda _: self._clear(),
            )
        self._context.on_live(self._refresh)
        self._context.spawn(self._count_traffic(), "traffic of routers")
        if "new" in self._context.query:
            self._new()

    async def _load(self) -> None:
        services = self._context.services
        self._views = list(await self._routers.list())
        keys = await services.keys.list(self._context.person, all=True)
        self._keys = keys_by_router({key.name: key.router for key in keys if not key.disabled})

    async def _count_traffic(self) -> None:
        """A week of the ledger takes a moment when nobody has asked for it yet: the page is there before."""
        self._traffic = {view.id: await self._routers.traffic(view.id) for view in self._views}
        self._show()

    async def _refresh(self) -> None:
        await self._load()
        await self._count_traffic()

    def _show(self) -> None:
        if self._table.is_deleted:
            return
        self._tools.show(self._tool_row())
        self._table.show(self._markup())

    def _search(self, text: str) -> None:
        self._text = text.strip().lower()
        self._show()

    def _set_filter(self, name: str) -> None:
        self._filter = name
        self._show()

    def _clear(self) -> None:
        self._text, self._filter = "", "all"
        self._show()

    def _of(self, name: str) -> list[RouterView]:
        if name == "draft":
            return [view for view in self._views if view.has_draft]
        if name == "canary":
            return [view for view in self._views if view.canary]
        return self._views

    def _tool_row(self) -> Html:
        return list_tools("Search routers", self._text, FILTERS, self._filter, "only", lambda name: len(self._of(name)))

    def _markup(self) -> Html:
        found = [view for view in self._of(self._filter) if self._text in view.name.lower()]
        if not found:
            return state(
                "search",
                "No router matches",
                f"There are {plural(len(self._views), 'router')} without the search and the filter.",
                button("Clear filters", data_act="clear"),
            )
        lines = [RouterLine(view, self._traffic.get(view.id), self._keys.get(view.name, ())) for view in found]
        table = h(
            "section.a-card.a-scroll-x",
            router_table(lines, self._context.zone, manage=True),
            tabindex="0",
            aria_label="Routers",
        )
        return h("div.a-col", table, self._first_router() if len(self._views) == 1 else None)

    def _first_router(self) -> Html:
        return h(
            "div.a-card.a-invite.a-below",
            state(
                "route",
                "One router for everything",
                "Keys without a router of their own use “default”. A second one lets a key, an app or a team be routed "
                "by other rules, and be compared.",
                button("New router", icon_name="plus", data_act="new"),
            ),
        )

    def _new(self) -> None:
        self._make("New router", "", {"rules": [{"name": EVERYTHING}]})

    async def _duplicate(self, router_id: str) -> None:
        view = await self._routers.get(router_id)
        document = (await self._routers.draft(view.id)).document
        self._make(f"Duplicate {view.name}", f"{view.name}-copy", document)

    def _make(self, title: str, name: str, document: Document) -> None:
        """Ask for a name, make the router as a draft, go there."""
        with self._context.root:
            dialog = Dialog(title)
        with dialog.body:
            hint = "Letters, digits, dots, dashes. Clients can ask for it as router/NAME."
            field = text_field("Name", name, hint=hint, placeholder="my-router")
            field.props("autofocus")

        async def save() -> None:
            wanted = {**document, "name": str(field.value or "").strip()}
            try:
                made = await self._routers.create(self._context.person, wanted)
            except AnyGPTError as error:
                show_error(error, {"name": field})
                return
            dialog.close()
            ui.navigate.to(f"/routers/{made.name}")

        field.on("keydown.enter", guarded(save))
        with dialog.foot:
            ui.element("span").classes("a-grow")
            ui.button("Cancel", on_click=dialog.close).props("flat")
            ui.button("Create router", on_click=guarded(save)).mark("save")
        dialog.open()

    async def _delete(self, router_id: str) -> None:
        view = await self._routers.get(router_id)
        with self._context.root:
            sure = await confirm(f"Delete the router {view.name}?", self._use(view), "Delete router")
        if sure:
            await self._routers.delete(self._context.person, view.id)
            self._context.notify(f"{view.name} deleted")
            await self._refresh()

    def _use(self, view: RouterView) -> str:
        traffic = self._traffic.get(view.id)
        used = (
            f"{plural(traffic.requests, 'request')} went through it in 7 days. " if traffic and traffic.requests else ""
        )
        after = (
            "The built-in router takes its place."
            if view.name == "default"
            else "All its versions go with it; this cannot be undone."
        )
        return used + after
