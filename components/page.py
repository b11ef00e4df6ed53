"""What a page is: registered by one decorator, checked on every navigation, shown with its states."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from nicegui import background_tasks, ui

from app.core.errors import AnyGPTError
from app.security import permissions
from app.security.permissions import Permission, Role
from app.services.views import Person
from components.fragment import Fragment
from components.live_updates import follow_socket, keep_up
from components.markup import Child, h, icon_button
from components.notify import Toasts, notify, notify_error
from components.palette import Palette

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.services.container import Services
    from app.services.live import Live

Builder = Callable[..., Awaitable[None]]


@dataclass(frozen=True)
class PageSpec:
    """One page as menu, routes, palette and tests find it. `build(ctx)` fills it; with `deep` it also gets
    what follows its path (`/chat/conv_1` → `conv_1`)."""

    path: str
    title: str
    icon: str
    permission: Permission
    build: Builder = field(compare=False)
    group: str = ""
    order: int = 100
    menu: bool = True
    key: str = ""  # G, then this letter, opens it
    density: str = "compact"
    deep: bool = False
    rail: bool = False  # the navigation shows icons only
    also: Permission | None = None  # whoever has this one may open it as well

    def open_to(self, role: Role) -> bool:
        return permissions.allows(role, self.permission) or (
            self.also is not None and permissions.allows(role, self.also)
        )


def page(path: str, *, title: str, icon: str, permission: Permission, **options: Any) -> Callable[[Builder], PageSpec]:
    """Make a builder a page: `@page("/keys", title="Keys", icon="key", permission=Permission.OWN_KEYS)`."""

    def register(build: Builder) -> PageSpec:
        return PageSpec(path, title, icon, permission, build, **options)

    return register


@dataclass
class PageContext:
    """What a builder gets: the services, who asks, and the ways to say something to that person."""

    services: Services
    person: Person
    spec: PageSpec
    query: dict[str, str]
    rest: str  # what follows the path of a deep page
    toasts: Toasts
    palette: Palette
    prefer: Callable[..., Awaitable[None]]  # keeps a choice of this person: `await ctx.prefer(model="…")`
    root: PageRoot = field(init=False)

    @property
    def zone(self) -> tzinfo:
        return ZoneInfo(self.services.settings.timezone)

    def allows(self, permission: Permission) -> bool:
        return permissions.allows(self.person.role, permission)

    def notify(self, message: str) -> None:
        notify(message)

    def notify_error(self, error: AnyGPTError) -> None:
        notify_error(error)

    def offer_undo(self, message: str, undo: Callable[[], Awaitable[object] | object]) -> None:
        self.toasts.offer_undo(message, undo)

    def spawn(self, work: Coroutine[Any, Any, None], name: str = "page work") -> asyncio.Task[None]:
        """Work that belongs to this page: it ends when the person leaves the page."""
        return self.root.spawn(work, name)

    def on_live(self, refresh: Callable[[], Awaitable[None]]) -> None:
        """Call `refresh` after requests end or providers change, one call at a time, while the browser is connected."""
        self.root.follow(self.services.live, refresh)

    @contextmanager
    def header(self, title: str, *beside: Child) -> Iterator[Fragment]:
        """The bar at the top; what is built inside the `with` stands at its right."""
        with ui.element("header").classes("a-head"):
            bar = Fragment(header_text(title, *beside)).classes("a-row a-grow")
            yield bar

    def body(self, classes: str = "") -> ui.element:
        """The scrolling part below the header."""
        return ui.element("div").classes(f"a-body {classes}")


def header_text(title: str, *beside: Child) -> Child:
    return h(
        "div.a-row.a-grow",
        icon_button("menu", "Menu", class_="quiet a-menu", data_toggle="a-nav-open"),
        h("h1.a-cut", title, title=title),
        beside,
    )


class PageRoot(ui.element):
    """The element around a page, or a part that changes by itself. It owns tasks and subscriptions and ends them
    with itself."""

    def __init__(self) -> None:
        super().__init__("div")  # the browser's main landmark is around it: NiceGUI's page
        self.classes("a-main")
        self._tasks: set[asyncio.Task[None]] = set()
        self._unsubscribe: list[Callable[[], None]] = []

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = background_tasks.create(work, name=name, context=self)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def follow(self, live: Live, refresh: Callable[[], Awaitable[None]]) -> None:
        changed, present = asyncio.Event(), asyncio.Event()
        self._unsubscribe += [live.subscribe(changed.set), follow_socket(self.client, present)]
        self.spawn(keep_up(live, changed, present, refresh), "live update")

    def _handle_delete(self) -> None:
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        for task in self._tasks:
            task.cancel()
        super()._handle_delete()
