"""Gateway keys: made, seen once, edited, given a new secret, revoked."""

from __future__ import annotations

from datetime import UTC, datetime

from nicegui import ui

from app.security.permissions import Permission
from app.services.views import KeyView
from components.dialog import confirm
from components.format import count, plural
from components.fragment import Fragment
from components.key_dialog import open_key_dialog, show_secret
from components.key_table import key_state, key_table
from components.list_tools import list_tools
from components.markup import Html, h, icon
from components.notify import guarded
from components.page import PageContext, page
from components.states import state

PLUS = "svguse:/static/icons.svg#plus|0 0 24 24"


@page("/keys", title="Keys", icon="key", permission=Permission.OWN_KEYS, group="Gateway", order=4, key="k")
async def keys(ctx: PageContext) -> None:
    await KeysPage(ctx).build()


class KeysPage:
    def __init__(self, context: PageContext) -> None:
        self._context = context
        self._manage = context.allows(Permission.MANAGE_GATEWAY)
        self._keys: list[KeyView] = []
        self._text = ""
        self._only = "all"

    async def build(self) -> None:
        with self._context.header("Keys"):
            ui.button("New key", icon=PLUS, on_click=guarded(self._new))
        await self._load()
        with self._context.body():
            self._tools = Fragment(self._tool_row(), search=self._search, only=self._set_only)
            self._table = Fragment(
                self._markup(),
                edit=self._edit,
                rotate=self._rotate,
                revoke=self._revoke,
                new=lambda _: self._new(),
                clear=lambda _: self._clear(),
            )
        self._context.on_live(self._refresh)
        if "new" in self._context.query:
            await self._new()

    async def _load(self) -> None:
        found = await self._context.services.keys.list(self._context.person, all=self._manage)
        self._keys = sorted(found, key=lambda key: (key.disabled, key.name.lower()))

    async def _refresh(self) -> None:
        await self._load()
        self._show()

    def _show(self) -> None:
        if self._table.is_deleted:
            return
        self._tools.show(self._tool_row())
        self._table.show(self._markup())

    def _search(self, text: str) -> None:
        self._text = text.strip().lower()
        self._show()

    def _set_only(self, name: str) -> None:
        self._only = name
        self._show()

    def _clear(self) -> None:
        self._text, self._only = "", "all"
        self._show()

    def _of(self, only: str) -> list[KeyView]:
        now = datetime.now(UTC)
        if only == "look":
            return [key for key in self._keys if not key.disabled and key_state(key, now)]
        if only == "mine":
            return [key for key in self._keys if key.owner == self._context.person.email]
        return self._keys

    def _tool_row(self) -> Html | str:
        if not self._keys:
            return Html()
        filters = {"all": "All", "mine": "Mine", "look": "Needs a look"}
        if not self._manage:
            del filters["mine"]
        return list_tools("Search keys", self._text, filters, self._only, "only", lambda name: len(self._of(name)))

    def _markup(self) -> Html:
        found = [key for key in self._of(self._only) if self._text in f"{key.name} {key.owner} {key.hint}".lower()]
        if found:
            return h("section.a-card.a-scroll-x", key_table(found, self._context.zone, owners=self._manage))
        if self._keys:
            return state(
                "search",
                "No key matches",
                f"There are {plural(len(self._keys), 'key')} without the search and the filter.",
                h("button.a-btn", "Clear filters", type="button", data_act="clear"),
            )
        return state(
            "key",
            "No keys yet",
            "A key lets an app or a script use every model here through one address, within its own budget.",
            h("button.a-btn", icon("plus"), "New key", type="button", data_act="new"),
        )

    def _get(self, key_id: str) -> KeyView:
        return next(key for key in self._keys if key.id == key_id)

    async def _new(self) -> None:
        await open_key_dialog(self._context, None, self._refresh)

    async def _edit(self, key_id: str) -> None:
        await open_key_dialog(self._context, self._get(key_id), self._refresh)

    async def _rotate(self, key_id: str) -> None:
        key = self._get(key_id)
        sure = await self._ask(
            f"Give {key.name} a new secret?",
            f"{_use(key)} Clients that use the old secret get 401 at once.",
            "New secret",
        )
        if sure:
            made, secret = await self._context.services.keys.rotate(self._context.person, key_id)
            with self._context.root:
                show_secret(self._context, made, secret)
            await self._refresh()

    async def _revoke(self, key_id: str) -> None:
        key = self._get(key_id)
        sure = await self._ask(
            f"Revoke the key {key.name}?",
            f"{_use(key)} Clients that use it get 401 at once. This cannot be undone.",
            "Revoke key",
        )
        if sure:
            await self._context.services.keys.revoke(self._context.person, key_id)
            self._context.notify(f"{key.name} revoked")
            await self._refresh()

    async def _ask(self, title: str, consequence: str, verb: str) -> bool:
        with self._context.root:
            return await confirm(title, consequence, verb)


def _use(key: KeyView) -> str:
    if key.requests_today:
        return f"It made {count(key.requests_today)} {'request' if key.requests_today == 1 else 'requests'} today."
    return "It was not used today." if key.last_used_at else "It was never used."
