"""What the command palette offers: pages, actions, models and conversations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote
from zoneinfo import ZoneInfo

from app.security.permissions import Permission, allows
from app.services.views import ModelView, Person
from components.format import date
from components.menu import in_menu
from components.palette import Choice
from components.prices import price_line
from components.theme import THEME_ICONS, THEMES, choice

if TYPE_CHECKING:
    from app.services.container import Services
    from components.page import PageSpec


async def commands(services: Services, person: Person, pages: Sequence[PageSpec]) -> list[Choice]:
    """Everything this person may do or open. Models and conversations appear once something is typed."""
    may_chat = allows(person.role, Permission.CHAT)
    found: list[Choice] = []
    if may_chat:
        found += [_chat_with(model) for model in services.providers.models()]
    found += _actions(person, may_chat)
    if allows(person.role, Permission.MANAGE_GATEWAY):
        found += [
            Choice("Routers", name, href=f"/routers/{name}", icon="route", sub="router", only_searched=True)
            for name in services.routers.names()
        ]
    found += [
        Choice("Go to", page.title, href=page.path, icon=page.icon, keys=("G", page.key.upper()) if page.key else ())
        for page in in_menu(pages, person)
    ]
    if may_chat:
        zone = ZoneInfo(services.settings.timezone)
        found += [
            Choice(
                "Conversations",
                conversation.title,
                href=f"/chat/{conversation.id}",
                icon="star" if conversation.starred else "chat",
                sub=f"conversation, {date(conversation.updated_at, zone)}",
                only_searched=True,
            )
            for conversation in await services.chats.list(person)
        ]
    return found


def _chat_with(model: ModelView) -> Choice:
    return Choice(
        "Models",
        f"New chat with {model.alias}",
        href=f"/chat?model={quote(model.alias, safe='')}",
        sub=f"{model.provider}, {price_line(model.price)}",
        monogram=model.monogram,
        accent=model.accent,
        only_searched=True,
    )


def _actions(person: Person, may_chat: bool) -> Iterator[Choice]:
    if may_chat:
        yield Choice("Actions", "New chat", href="/chat", icon="chat")
    if allows(person.role, Permission.OWN_KEYS):
        yield Choice("Actions", "New key", href="/keys?new=1", icon="key")
    if allows(person.role, Permission.MANAGE_GATEWAY):
        yield Choice("Actions", "Add provider", href="/providers?add=1", icon="plug")
        yield Choice("Actions", "New router", href="/routers?new=1", icon="route")
    chosen = choice(person, "theme", THEMES)
    for value, label in THEMES.items():
        yield Choice(
            "Actions", f"Theme: {label.lower()}", f"theme:{value}", icon=THEME_ICONS[value], on=value == chosen
        )
    yield Choice("Actions", "Keyboard shortcuts", "keys", icon="keyboard", keys=("?",))
