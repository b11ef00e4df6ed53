"""Tiers: what people and keys of one get, where nothing of their own is tighter."""

from __future__ import annotations

from nicegui import ui

from app.security.permissions import Permission
from app.services.tier_editing import TierView
from components.dialog import confirm
from components.format import plural
from components.fragment import Fragment
from components.markup import Html, h, icon
from components.notify import guarded
from components.page import PageContext, header_text, page
from components.states import state
from components.tier_dialog import open_tier_dialog
from components.tier_table import members, tier_table

PLUS = "svguse:/static/icons.svg#plus|0 0 24 24"


@page("/tiers", title="Tiers", icon="rows", permission=Permission.MANAGE_GATEWAY, group="Gateway", order=4, key="t")
async def tiers(ctx: PageContext) -> None:
    await TiersPage(ctx).build()


class TiersPage:
    def __init__(self, context: PageContext) -> None:
        self._context = context
        self._tiers: list[TierView] = []

    async def build(self) -> None:
        with self._context.header("Tiers") as self._bar:
            ui.button("New tier", icon=PLUS, on_click=guarded(self._new))
        with self._context.body():
            self._table = Fragment(
                edit=self._edit, duplicate=self._duplicate, delete=self._delete, new=lambda _: self._new()
            )
        await self._draw()
        self._context.on_live(self._draw)
        if "new" in self._context.query:
            await self._new()

    async def _draw(self) -> None:
        self._tiers = self._context.services.tiers.list()
        if self._table.is_deleted:
            return
        self._bar.show(header_text("Tiers", h("span.a-f12.a-t3.a-wide", _summary(self._tiers))))
        self._table.show(self._markup())

    def _markup(self) -> Html:
        if self._tiers:
            return h("section.a-card.a-scroll-x", tier_table(self._tiers), aria_label="Tiers")
        return state(
            "rows",
            "No tiers",
            "A tier gives the people and keys in it limits and models, so that none has to be set up one by one.",
            h("button.a-btn", icon("plus"), "New tier", type="button", data_act="new"),
        )

    def _get(self, name: str) -> TierView:
        return next(tier for tier in self._tiers if tier.name == name)

    async def _new(self) -> None:
        await open_tier_dialog(self._context, None, self._draw, new=True)

    async def _edit(self, name: str) -> None:
        await open_tier_dialog(self._context, self._get(name), self._draw, new=False)

    async def _duplicate(self, name: str) -> None:
        await open_tier_dialog(self._context, self._get(name), self._draw, new=True)

    async def _delete(self, name: str) -> None:
        """A tier in use stays: who is in it would be without limits. The service says who it is."""
        tier = self._get(name)
        if not tier.own_keys and not tier.people and not await self._sure(tier):
            return
        await self._context.services.tiers.remove(self._context.person, name)
        self._context.notify(f"{name} deleted")
        await self._draw()

    async def _sure(self, tier: TierView) -> bool:
        asked = f" Rules of {', '.join(tier.routers)} that ask for it will not hold any more." if tier.routers else ""
        with self._context.root:
            return await confirm(
                f"Delete the tier {tier.name}?",
                f"{members(tier).capitalize()} is in it.{asked} Its limits are gone with it.",
                "Delete tier",
            )


def _summary(tiers: list[TierView]) -> str:
    inside = sum(len(tier.keys) for tier in tiers), sum(len(tier.people) for tier in tiers)
    if not any(inside):
        return "nobody is in one"
    return f"{plural(inside[0], 'key')} and {plural(inside[1], 'person', 'people')} in them"
