"""The list of a person's conversations: new, search, star, rename, delete with an offer to undo."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import groupby

from app.services.views import ConversationInfo
from components.format import ago, days_back, exact
from components.fragment import Fragment
from components.list_tools import search_field
from components.markup import Html, h, icon, join, menu, menu_item
from components.page import PageContext

SEARCH_FROM = 8  # conversations; fewer are seen at a glance


class ConversationList:
    """One fragment that is drawn anew whenever something about a conversation changed."""

    def __init__(self, context: PageContext, opened: Callable[[], str | None], left: Callable[[], None]) -> None:
        """`opened` says which conversation is shown; `left` is called when that one was deleted."""
        self._context = context
        self._opened = opened
        self._left = left
        self._items: list[ConversationInfo] = []
        self._text = ""
        self._searchable = False  # once there, the field stays
        self._renaming: str | None = None
        self._fragment = Fragment(
            self._markup(),
            tag="nav",
            search=self._search,
            star=self._star,
            rename=self._start_rename,
            renamed=self._rename,
            keep=lambda _: self._start_rename(""),
            delete=self.delete,
        )
        self._fragment.classes("a-convs").props("aria-label=Conversations")
        self.changed: Callable[[], Awaitable[None]] | None = None

    async def refresh(self) -> None:
        self._items = list(await self._context.services.chats.list(self._context.person))
        self._searchable = self._searchable or len(self._items) >= SEARCH_FROM
        self.show()

    def show(self) -> None:
        self._fragment.show(self._markup())

    def get(self, conversation_id: str) -> ConversationInfo | None:
        return next((item for item in self._items if item.id == conversation_id), None)

    async def _tell(self) -> None:
        await self.refresh()
        if self.changed is not None:
            await self.changed()

    def _search(self, text: str) -> None:
        self._text = text.strip().lower()
        self.show()

    async def _star(self, conversation_id: str) -> None:
        item = self.get(conversation_id)
        if item is not None:
            await self._context.services.chats.star(self._context.person, item.id, not item.starred)
            await self._tell()

    def _start_rename(self, conversation_id: str) -> None:
        self._renaming = conversation_id or None
        self.show()

    async def _rename(self, title: str) -> None:
        conversation_id, self._renaming = self._renaming, None
        if conversation_id and title.strip():
            await self._context.services.chats.rename(self._context.person, conversation_id, title.strip())
        await self._tell()

    async def rename(self, conversation_id: str) -> None:
        """Rename it here, in its line."""
        self._start_rename(conversation_id)

    async def delete(self, conversation_id: str) -> None:
        """Gone at once; nothing is asked, as it can be undone."""
        context, item = self._context, self.get(conversation_id)
        await context.services.chats.delete(context.person, conversation_id)
        was_open = self._opened() == conversation_id
        await self.refresh()

        async def restore() -> None:
            await context.services.chats.restore(context.person, conversation_id)
            if not self._fragment.is_deleted:
                await self.refresh()

        context.offer_undo(f"“{_short(item.title)}” deleted" if item else "Conversation deleted", restore)
        if was_open:
            self._left()

    def _markup(self) -> Html:
        return join(
            h(
                "div.a-convs-head",
                h("span.a-strong.a-f13.a-grow", "Conversations"),
                h("a.a-btn.is-sm", icon("plus"), "New", href="/chat", title="New chat"),
            ),
            self._search_field() if self._searchable else None,
            h("div.a-convs-list", self._list()),
        )

    def _search_field(self) -> Html:
        return h(
            "div.a-convs-search",
            search_field("Search conversations", self._text, class_=""),
        )

    def _list(self) -> list[Html] | Html:
        if not self._items:
            return h("p.a-convs-none", "Your chats will stand here. Ask something to begin the first.")
        found = [item for item in self._items if self._text in item.title.lower()]
        if not found:
            return h("p.a-convs-none", f"No title holds “{self._text}”. There are {len(self._items)} conversations.")
        now = datetime.now(UTC)
        starred = [item for item in found if item.starred]
        rest = [item for item in found if not item.starred]
        parts: list[Html] = []
        if starred:
            parts += [h("h3", "Starred"), *(self._line(item, now) for item in starred)]
        for title, items in groupby(rest, key=lambda item: self._period(item, now)):
            parts += [h("h3", title), *(self._line(item, now) for item in items)]
        return parts

    def _period(self, item: ConversationInfo, now: datetime) -> str:
        days = days_back(item.updated_at, now, self._context.zone)
        if days <= 0:
            return "Today"
        if days == 1:
            return "Yesterday"
        return "Last 7 days" if days < 7 else "Last 30 days" if days < 30 else "Older"

    def _line(self, item: ConversationInfo, now: datetime) -> Html:
        if item.id == self._renaming:
            return h(
                "div.a-conv.on",
                h(
                    "input.a-conv-name",
                    value=item.title,
                    aria_label="New title",
                    maxlength="120",
                    data_enter="renamed",
                    data_change="renamed",
                    data_escape="keep",
                    data_focus=True,
                ),
                data_key=item.id,
            )
        on = self._opened() == item.id
        return h(
            "div.a-conv-place",
            h(
                "a.a-conv",
                h("span.a-row", h("span.a-cut.a-grow", item.title, class_="a-mid" if on else "")),
                h(
                    "span.sub",
                    icon("star-on", size=11, class_="a-t3") if item.starred else None,
                    h("span.a-cut", item.model or "No model yet"),
                    h(
                        "time.a-end.a-nowrap",
                        ago(item.updated_at, now, self._context.zone),
                        title=exact(item.updated_at),
                    ),
                ),
                class_="on" if on else "",
                href=f"/chat/{item.id}",
                title=item.title,
                aria_current="page" if on else None,
                data_reveal=item.id if on else None,
            ),
            menu(
                f"More for {item.title}",
                None,
                menu_item(
                    "Remove star" if item.starred else "Star", icon_name="star", data_act="star", data_value=item.id
                ),
                menu_item("Rename", icon_name="edit", data_act="rename", data_value=item.id),
                menu_item("Delete", icon_name="trash", danger=True, data_act="delete", data_value=item.id),
            ),
            data_key=item.id,
        )


def _short(title: str) -> str:
    return title if len(title) <= 40 else title[:39] + "…"
