"""The frame around every page: navigation, theme, palette; and how pages are mounted into the parent app."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import FastAPI
from nicegui import PageArguments, ui

from app.core.errors import AnyGPTError
from app.services.container import Services
from app.services.views import Person, SessionInfo
from components import static_files, theme
from components.commands import commands
from components.fragment import Fragment
from components.markup import Html
from components.menu import navigation, problem_mark
from components.notify import Toasts, notify_error
from components.page import PageContext, PageSpec
from components.palette import Palette
from components.shell import Shell
from components.show_page import show_page

HEALTH = "/status"  # the page whose line in the menu counts problems
FIRST_PAGE_WITHIN = 0.4  # seconds the first answer waits for its page, so that it arrives in one piece


def mount(parent: FastAPI, services: Services, pages: Sequence[PageSpec]) -> None:
    """Serve the pages from the parent app. Routes of the parent must be registered before: later ones are not found."""
    static_files.serve(parent)
    theme.set_defaults()
    ui.add_head_html(static_files.sheet_links(static_files.SHEETS), shared=True)

    async def root() -> None:
        session: SessionInfo | None = ui.context.client.request.scope["state"]["session"]
        if session is None:  # an address of NiceGUI's own that does not exist
            ui.label("There is nothing here.")
            return
        person = services.people.get(session.person.id)
        frame = Frame(services, pages, person)
        frame.build()
        await frame.first_page_shown()

    ui.run_with(
        parent,
        root=root,
        title="AnyGPT",
        favicon=static_files.FOLDER / "favicon.svg",
        dark=None,
        language="en-US",
        tailwind=False,
        show_welcome_message=False,
        reconnect_timeout=20,
    )


@dataclass
class Frame:
    """One person's frame in one browser tab."""

    services: Services
    pages: Sequence[PageSpec]
    person: Person

    @property
    def title(self) -> str:
        return str(self.services.runtime.get("team_name") or "AnyGPT")

    def build(self) -> None:
        client = ui.context.client
        self._shown = asyncio.Event()
        self._router = client.sub_pages_router
        spec = self._spec_of(self._router.current_path)
        ui.add_head_html(theme.first_paint_style(self.person))
        self._dark = ui.dark_mode(theme.dark_value(self.person))
        self._palette = Palette()
        with ui.element("div").classes("a-app") as self._app:
            self._menu = Fragment(
                self._navigation(spec),
                tag="nav",
                palette=lambda _: self._open_palette(),
                keys=lambda _: self._shell.show_keys(),
                theme=lambda value: self._prefer(theme=value),
                density=lambda value: self._prefer(density=value),
                accent=lambda value: self._prefer(accent=value),
            )
            self._menu.classes("a-nav").props("aria-label=Main")
            ui.element("div").classes("a-scrim")
            self._toasts = Toasts()
            routes: dict[str, Callable[[PageArguments], Awaitable[None]]] = {
                page.path: self._opener(page) for page in self.pages
            }
            ui.sub_pages(routes, show_404=False).classes("a-pages")
        self._shell = Shell(
            goto={p.key: (p.path, p.title) for p in self.pages if p.key and p.open_to(self.person.role)},
            density="compact",
            accent=theme.choice(self.person, "accent", theme.ACCENTS),
        )
        self._shell.on_palette(lambda _: self._open_palette())
        self._router.on_path_changed(lambda path: self._wear(self._spec_of(path)))
        self._wear(spec)

        client.on_delete(self.services.live.subscribe(self._look_at_problems))

    async def first_page_shown(self) -> None:
        """Wait a moment for the page's content: it then comes with the first answer."""
        try:
            await asyncio.wait_for(self._shown.wait(), FIRST_PAGE_WITHIN)
        except TimeoutError:
            return

    def _opener(self, spec: PageSpec) -> Callable[[PageArguments], Awaitable[None]]:
        async def open_page(arguments: PageArguments) -> None:
            try:
                person = self.services.people.get(self.person.id)
            except AnyGPTError as error:
                notify_error(error)
                person = self.person
            self.person = person  # roles change while a tab stays open
            context = PageContext(
                services=self.services,
                person=person,
                spec=spec,
                query=dict(arguments.query_parameters),
                rest=arguments.remaining_path.strip("/"),
                toasts=self._toasts,
                palette=self._palette,
                prefer=self._prefer,
            )
            try:
                await show_page(context)
            finally:
                self._shown.set()

        return open_page

    def _spec_of(self, address: str) -> PageSpec | None:
        path = urlsplit(address).path.rstrip("/") or "/"
        for page in self.pages:
            if page.path == path or (page.deep and path.startswith(page.path + "/")):
                return page
        return None

    def _wear(self, spec: PageSpec | None) -> None:
        """What of the frame depends on the page: the marked line of the menu, its width, the density."""
        self._menu.show(self._navigation(spec))
        rail = spec is not None and spec.rail
        self._app.classes(add="rail" if rail else "", remove="" if rail else "rail")
        self._shell.wear(
            density=theme.density(self.person, spec.density if spec else "comfortable"),
            accent=theme.choice(self.person, "accent", theme.ACCENTS),
        )

    def _navigation(self, spec: PageSpec | None) -> Html:
        self._problems = len(self.services.health_view.problems())
        return navigation(self.pages, self.person, spec, self.title, {HEALTH: problem_mark(self._problems)})

    def _look_at_problems(self) -> None:
        if not self._menu.is_deleted and len(self.services.health_view.problems()) != self._problems:
            self._menu.show(self._navigation(self._spec_of(self._router.current_path)))

    async def _prefer(self, **change: str) -> None:
        self.person = await self.services.people.set_preferences(self.person.id, **change)
        self._dark.value = theme.dark_value(self.person)
        self._wear(self._spec_of(self._router.current_path))

    async def _open_palette(self) -> None:
        choices = await commands(self.services, self.person, self.pages)
        self._palette.choose(
            choices,
            self._command,
            placeholder="Search or jump to",
            empty="Pages, models, actions and your chats are searched.",
        )

    async def _command(self, value: str) -> None:
        name, _, argument = value.partition(":")
        if name == "theme":
            await self._prefer(theme=argument)
        elif name == "keys":
            self._shell.show_keys()
