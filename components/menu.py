"""The navigation at the left: made from the pages that registered themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType

from app.security.permissions import Role
from app.services.views import Person
from components.badges import dot
from components.markup import Html, h, icon, icon_button, join, menu_item
from components.page import PageSpec
from components.theme import ACCENTS, DENSITIES, THEMES, choice

ROLES = {Role.OWNER: "Owner", Role.ADMIN: "Admin", Role.MEMBER: "Member", Role.VIEWER: "Viewer"}
GROUPS = ("", "Gateway", "Insight", "Team")  # the order in which groups stand
MARK = Html(
    '<svg width="14" height="14" viewBox="0 0 14 14" fill="none" stroke="currentColor" stroke-width="1.8"'
    ' stroke-linecap="round" aria-hidden="true"><path d="M1.500 3h3l5 8h3M1.500 11h3L6 8.600M8 5.400 9.500 3h3"/></svg>'
)


def in_menu(pages: Iterable[PageSpec], person: Person) -> list[PageSpec]:
    """The pages a person may open, in the order of the menu."""
    known = {group: place for place, group in enumerate(GROUPS)}
    shown = [page for page in pages if page.menu and page.open_to(person.role)]
    return sorted(shown, key=lambda page: (known.get(page.group, len(known)), page.order, page.title))


def navigation(
    pages: Sequence[PageSpec],
    person: Person,
    current: PageSpec | None,
    title: str,
    marks: Mapping[str, Html] = MappingProxyType({}),
) -> Html:
    """The content of the `nav` element. `marks` stand at the end of a page's line, by its path."""
    return join(
        h(
            "div.a-brand",
            h("a.a-mark", MARK, href="/", aria_label=f"{title}, home"),
            h("span.a-label", title),
            h("span.a-grow"),
            icon_button("x", "Close menu", class_="quiet is-sm a-slim", data_toggle="a-nav-open"),
        ),
        h(
            "button.a-find",
            icon("search"),
            h("span.a-f13.a-label", "Search or jump to"),
            h("span.a-kbd.a-label.a-end", "Ctrl K"),
            type="button",
            data_act="palette",
            title="Search or jump to (Ctrl K)",
        ),
        _links(in_menu(pages, person), current, marks),
        _person(person),
    )


def problem_mark(problems: int) -> Html:
    """How many there are; nothing where there are none."""
    if not problems:
        return Html()
    words = "problem" if problems == 1 else "problems"
    return h("span.end.a-row", dot("wa"), problems, h("span.a-sr", words), title=f"{problems} {words}")


def _links(pages: Sequence[PageSpec], current: PageSpec | None, marks: Mapping[str, Html]) -> Iterable[Html]:
    for group, members in groupby(pages, key=lambda page: page.group):
        if group:
            yield h("div.a-nav-title", h("span.a-label", group))
        for page in members:
            on = page is current
            yield h(
                "a",
                icon(page.icon),
                h("span.a-label", page.title),
                marks.get(page.path),
                class_="on" if on else "",
                href=page.path,
                title=page.title,
                aria_current="page" if on else None,
                data_key=page.path,
            )


def _person(person: Person) -> Html:
    name = person.name or person.email
    return h(
        "div.a-person",
        h(
            "button.a-person-button",
            h("span.a-avatar.me", person.initials, aria_hidden="true"),
            h("span.a-col.a-grow.a-label", h("span.a-mid.a-cut", name), h("span.a-f11.a-t3", ROLES[person.role])),
            icon("chev", class_="a-label a-t3"),
            type="button",
            data_menu="up",
            aria_haspopup="menu",
            aria_expanded="false",
            title=f"{name}: theme, density, log out",
        ),
        h(
            "div.a-menu-pop",
            h("div.a-menu-head", h("span.a-mid.a-cut", name), h("span.a-f12.a-t3.a-cut", person.email)),
            _choices("Theme", "theme", THEMES, choice(person, "theme", THEMES)),
            _choices("Density", "density", DENSITIES, choice(person, "density", DENSITIES)),
            _choices("Accent", "accent", ACCENTS, choice(person, "accent", ACCENTS)),
            h("hr"),
            menu_item("Keyboard shortcuts", icon_name="keyboard", data_act="keys"),
            h(
                "form",
                h("button.a-menu-item", icon("logout"), h("span.a-grow", "Log out"), role="menuitem", tabindex="-1"),
                method="post",
                action="/auth/logout",
            ),
            popover="auto",
            role="menu",
            aria_label="Your settings",
        ),
    )


def _choices(title: str, name: str, known: dict[str, str], chosen: str) -> Html:
    return join(
        h("div.a-menu-title", title),
        [
            menu_item(label, checked=value == chosen, data_act=name, data_value=value, data_key=f"{name}-{value}")
            for value, label in known.items()
        ],
    )
