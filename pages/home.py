"""Home: what happened today, how the providers are, what to do next."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from nicegui import ui

from app.security.permissions import Permission
from app.services.views import KeyView, LogFilter, Spend, Today
from components.fragment import Fragment
from components.markup import Html, h, join
from components.overview import (
    Step,
    needs_a_look,
    next_steps,
    no_spend,
    numbers_of_today,
    own_numbers,
    providers_card,
    spend_card,
)
from components.page import PageContext, header_text, page

CHAT = "svguse:/static/icons.svg#chat|0 0 24 24"
PLUS = "svguse:/static/icons.svg#plus|0 0 24 24"


@page("/", title="Home", icon="home", permission=Permission.READ_SHARED, key="h", order=1)
async def home(ctx: PageContext) -> None:
    await HomePage(ctx).build()


class HomePage:
    """Whoever may read everyone's numbers sees the team's; the others see their own."""

    def __init__(self, context: PageContext) -> None:
        self._context = context
        self._everyone = context.allows(Permission.READ_ALL_LOGS)
        self._manage = context.allows(Permission.MANAGE_GATEWAY)
        self._days = "14"

    async def build(self) -> None:
        with self._context.header("Home") as self._bar:
            if self._context.allows(Permission.CHAT):
                ui.button("Ask something", icon=CHAT, on_click=lambda: ui.navigate.to("/chat")).props("outline")
            if self._context.allows(Permission.OWN_KEYS):
                ui.button("New key", icon=PLUS, on_click=lambda: ui.navigate.to("/keys?new=1")).classes("a-wide")
        markup = await self._markup()
        with self._context.body():
            self._all = Fragment(markup, days=self._set_days).classes("a-home")
        self._context.on_live(self._refresh)

    async def _refresh(self) -> None:
        markup = await self._markup()
        if not self._all.is_deleted:
            self._all.show(markup)

    async def _set_days(self, days: str) -> None:
        self._days = days
        await self._refresh()

    async def _markup(self) -> Html:
        now = datetime.now(self._context.zone)
        self._bar.show(
            header_text("Home", h("span.a-f12.a-t3.a-wide", f"{now:%A}, {now.day} {now:%B}, {now:%H:%M} {now:%Z}"))
        )
        return await (self._of_everyone() if self._everyone else self._of_one())

    async def _of_everyone(self) -> Html:
        ledger = self._context.services.ledger
        providers = self._context.services.providers.list()
        today, days, keys = await asyncio.gather(ledger.today(), ledger.spend_by_day(int(self._days)), self._keys())
        accents = {provider.name: provider.accent for provider in providers}
        spent = any(any(day.by_provider.values()) for day in days)
        return join(
            await self._steps(keys, today),
            numbers_of_today(today, _of_yesterday(days)),
            h(
                "div.a-home-columns",
                spend_card(days, accents, self._days) if spent else no_spend(),
                providers_card(providers),
            ),
            needs_a_look(providers, keys if self._manage else (), today),
        )

    async def _of_one(self) -> Html:
        now = datetime.now(self._context.zone)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
        ledger = self._context.services.ledger
        today = LogFilter(since=midnight, until=midnight + timedelta(days=1))
        (_, summary), keys = await asyncio.gather(
            ledger.follow(ledger.visible_to(self._context.person, today)), self._keys()
        )
        providers = self._context.services.providers.list()
        return join(own_numbers(summary), providers_card(providers), needs_a_look((), keys, None))

    async def _keys(self) -> list[KeyView]:
        if not self._context.allows(Permission.OWN_KEYS):
            return []
        return list(await self._context.services.keys.list(self._context.person, all=self._manage))

    async def _steps(self, keys: list[KeyView], today: Today) -> Html | None:
        if not self._manage:
            return None
        services = self._context.services
        chats = await services.chats.list(self._context.person)
        own = [provider for provider in services.providers.list() if provider.kind != "demo"]
        used = today.requests > 0 and any(key.last_used_at for key in keys)
        return next_steps(
            [
                Step("Owner account", "", "/", True),
                Step(
                    "Add a provider",
                    "A key from OpenAI, Anthropic, Gemini or your own server.",
                    "/providers?add=1",
                    bool(own),
                ),
                Step("Ask something", "The demo answers before a provider is there.", "/chat", bool(chats)),
                Step("Make a gateway key", "Apps reach every model with it.", "/keys?new=1", bool(keys)),
                Step("Call the API", "The new key comes with a line to paste.", "/keys", used),
            ]
        )


def _of_yesterday(days: list[Spend]) -> int | None:
    return sum(days[-2].by_provider.values()) if len(days) > 1 else None
