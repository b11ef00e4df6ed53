"""Chat: the conversations at the left, one of them at the right."""

from __future__ import annotations

from nicegui import PageArguments, ui

from app.core.errors import AnyGPTError, NotFound
from app.security.permissions import Permission
from app.services.views import ConversationInfo
from components.chat.conversation_list import ConversationList
from components.chat.thread import Thread
from components.fragment import Fragment
from components.markup import Html, h, icon_button, menu, menu_item
from components.page import PageContext, PageRoot, header_text, page
from components.states import state


@page(
    "/chat",
    title="Chat",
    icon="chat",
    permission=Permission.CHAT,
    key="c",
    order=2,
    density="comfortable",
    deep=True,
    rail=True,
)
async def chat(ctx: PageContext) -> None:
    await ChatPage(ctx).build()


class ChatPage:
    """The list stays while one goes from conversation to conversation: only the right side changes."""

    def __init__(self, context: PageContext) -> None:
        self._context = context
        self._open_id: str | None = context.rest or None
        self._header: Fragment | None = None

    async def build(self) -> None:
        self._context.root.classes("a-chat")
        self._list = ConversationList(self._context, lambda: self._open_id, lambda: ui.navigate.to("/chat"))
        self._list.changed = self._show_header
        await self._list.refresh()

        async def new(arguments: PageArguments) -> None:
            await self._show(None, arguments.query_parameters.get("model"))

        async def existing(arguments: PageArguments) -> None:
            await self._show(arguments.path_parameters["conversation_id"])

        # NiceGUI looks for the class itself among the annotations, which are strings in this module
        for builder in (new, existing):
            builder.__annotations__["arguments"] = PageArguments
        ui.sub_pages({"/": new, "/{conversation_id}": existing}, show_404=False).classes("a-pages")

    async def _show(self, conversation_id: str | None, wanted_model: str | None = None) -> None:
        self._open_id = conversation_id
        conversation = self._list.get(conversation_id) if conversation_id else None
        if conversation_id and conversation is None:
            await self._list.refresh()  # made in another tab, or a moment ago
            conversation = self._list.get(conversation_id)
        self._list.show()
        with PageRoot() as root:
            root.classes("a-read")
            with ui.element("header").classes("a-head"):
                self._header = Fragment(
                    _heading(conversation),
                    star=self._star,
                    rename=self._list.rename,
                    delete=self._list.delete,
                ).classes("a-row a-grow")
            try:
                if conversation_id and conversation is None:
                    raise NotFound("This conversation was deleted, or it belongs to someone else.")
                thread = Thread(
                    self._context, root, conversation, wanted_model=wanted_model, changed=self._after_change
                )
                await thread.build()
            except AnyGPTError as error:
                Fragment(
                    state("chat", "No conversation here", error.message, h("a.a-btn.primary", "New chat", href="/chat"))
                ).classes("a-body")

    async def _star(self, conversation_id: str) -> None:
        conversation = self._list.get(conversation_id)
        if conversation is not None:
            await self._context.services.chats.star(self._context.person, conversation_id, not conversation.starred)
            await self._after_change()

    async def _after_change(self) -> None:
        await self._list.refresh()
        await self._show_header()

    async def _show_header(self) -> None:
        if self._header is not None and not self._header.is_deleted:
            self._header.show(_heading(self._list.get(self._open_id) if self._open_id else None))


def _heading(conversation: ConversationInfo | None) -> Html:
    if conversation is None:
        return header_text("New chat")
    starred = conversation.starred
    value = conversation.id
    return header_text(
        conversation.title,
        icon_button(
            "star-on" if starred else "star",
            "Remove star" if starred else "Star",
            aria_pressed=str(starred).lower(),
            data_act="star",
            data_value=value,
        ),
        h("span.a-grow"),
        menu(
            "More for this conversation",
            None,
            menu_item("Rename", icon_name="edit", data_act="rename", data_value=value),
            menu_item("Delete", icon_name="trash", danger=True, data_act="delete", data_value=value),
        ),
    )
