"""What differs between two versions of a router, sentence by sentence; the dialogs that show it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

from nicegui import ui

from components.badges import tag
from components.dialog import Dialog
from components.format import ago, exact, plural
from components.fragment import Fragment
from components.markup import Html, h, join
from components.notify import guarded

if TYPE_CHECKING:
    from app.services.router_views import DocChange, Problem, VersionView
    from app.services.routers import Routers

SIGNS = {"added": ("+", "a-ok", "added"), "removed": ("−", "a-er", "removed")}
OTHER = ("~", "a-wa", "changed")


def counts(changes: Sequence[DocChange]) -> tuple[int, int]:
    """Added and removed things; what is changed counts as both."""
    added = sum(change.kind != "removed" for change in changes)
    removed = sum(change.kind in ("removed", "changed") for change in changes)
    return added, removed


def change_list(changes: Sequence[DocChange]) -> Html:
    if not changes:
        return h("p.a-f13.a-t2", "Nothing differs.")
    return h("ul.a-changes", [_line(change) for change in changes])


def problem_list(problems: Sequence[Problem]) -> Html | None:
    if not problems:
        return None
    return h(
        "ul.a-changes",
        [
            h("li", tag(problem.level, "er" if problem.level == "error" else "wa"), h("span", problem.message))
            for problem in problems
        ],
        aria_label="Problems",
    )


def show_changes(title: str, changes: Sequence[DocChange], problems: Sequence[Problem]) -> None:
    dialog = Dialog(title, wide=True)
    with dialog.body:
        Fragment(join(problem_list(problems), change_list(changes)))
    with dialog.foot:
        ui.element("span").classes("a-grow")
        ui.button("Close", on_click=dialog.close).props("outline")
    dialog.open()


class VersionsDialog:
    """Every version, newest first; one can be held against the live one, and brought back."""

    def __init__(
        self,
        name: str,
        versions: Sequence[VersionView],
        routers: Routers,
        zone: tzinfo,
        roll_back: Callable[[int], Awaitable[object]],
    ) -> None:
        self._versions, self._routers, self._zone, self._roll_back = versions, routers, zone, roll_back
        self._open: int | None = None
        self._dialog = Dialog(f"Versions of {name}", wide=True)
        with self._dialog.body:
            self._list = Fragment(self._markup(), open=self._toggle, back=self._back)
        with self._dialog.foot:
            ui.element("span").classes("a-grow")
            ui.button("Close", on_click=self._dialog.close).props("outline")
        self._dialog.open()

    def _toggle(self, version: str) -> None:
        self._open = None if self._open == int(version) else int(version)
        self._list.show(self._markup())

    async def _back(self, version: str) -> None:
        self._dialog.close()
        await guarded(self._roll_back)(int(version))

    def _markup(self) -> Html:
        if not self._versions:
            return h(
                "p.a-f13.a-t2", "Nothing was published yet. Every publishing makes a version that can be brought back."
            )
        live = next((version for version in self._versions if version.live), None)
        return h("div.a-versions", [self._version(version, live) for version in self._versions])

    def _version(self, version: VersionView, live: VersionView | None) -> Html:
        opened = self._open == version.version
        others = [] if live is None or version.live else list(self._routers.changes(live.document, version.document))
        return h(
            "section.a-version",
            h(
                "div.a-row.a-wrap",
                h("b.a-mid.a-f13", f"Version {version.version}"),
                tag("live", "ok") if version.live else None,
                tag("canary", "in") if version.canary else None,
                h(
                    "span.a-f12.a-t3.a-cut",
                    f"{ago(version.published_at, datetime.now(UTC), self._zone)} by {version.published_by or 'a file'}",
                    title=exact(version.published_at),
                ),
                h("span.a-grow"),
                h(
                    "button.a-btn.is-sm.quiet",
                    f"{plural(len(others), 'difference')} to live",
                    type="button",
                    aria_expanded=str(opened).lower(),
                    data_act="open",
                    data_value=str(version.version),
                )
                if not version.live and live is not None
                else None,
                h(
                    "button.a-btn.is-sm",
                    "Roll back",
                    type="button",
                    aria_label=f"Roll back to version {version.version}",
                    data_act="back",
                    data_value=str(version.version),
                )
                if not version.live and not version.canary
                else None,
            ),
            h("p.a-f13.a-t2", version.note) if version.note else None,
            change_list(others) if opened else None,
            data_key=str(version.version),
        )


def _line(change: DocChange) -> Html:
    sign, colour, words = SIGNS.get(change.kind, OTHER)
    return h(
        "li",
        h("span.a-mono.a-change-sign", sign, class_=colour, aria_hidden="true"),
        h("span.a-sr", f"{words}: "),
        h("span", change.sentence),
    )
