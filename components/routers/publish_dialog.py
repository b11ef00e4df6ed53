"""Publishing a draft: what changes, what is wrong with it, a note, and how much of the traffic goes through it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from nicegui import ui

from app.core.errors import AnyGPTError
from components.dialog import Dialog, field, show_error, text_field
from components.format import plural
from components.fragment import Fragment
from components.markup import h, join
from components.notify import guarded
from components.routers.differences import change_list, problem_list

if TYPE_CHECKING:
    from app.services.router_views import DraftView

ALL, CANARY = "all", "canary"


class PublishDialog:
    """`publish(percent, note)`: percent None is all of the traffic."""

    def __init__(
        self, name: str, version: int, draft: DraftView, publish: Callable[[float | None, str], Awaitable[object]]
    ) -> None:
        """`version` is the live one; 0 where nothing is live yet, and nothing can be compared."""
        self._publish = publish
        errors = sum(problem.level == "error" for problem in draft.problems)
        self._dialog = Dialog(f"Publish {name}", wide=True)
        with self._dialog.body:
            Fragment(
                join(
                    problem_list(draft.problems),
                    h("h3.a-strong.a-f13", f"{plural(len(draft.changes), 'change')} to version {version}")
                    if version
                    else h("p.a-f13.a-t2", "The first version of this router. Keys can use it from then on."),
                    change_list(draft.changes) if version else None,
                )
            ).classes("a-publish")
            self._note = text_field("Note", placeholder="What this is for", hint="Stands in the list of versions.")
            self._how: ui.radio | None = None
            self._percent: ui.number | None = None
            if version:
                self._how = ui.radio(
                    {ALL: "All traffic, from the next request", CANARY: "A canary: a share of the traffic, to compare"},
                    value=ALL,
                ).props('aria-label="How much traffic"')
                self._how.mark("how")
                with ui.element("div").classes("a-percent") as share, field("Share of the traffic"):
                    self._percent = ui.number(value=10, min=0.1, max=99).mark("percent")
                    self._percent.props(
                        'aria-label="Share of the traffic" suffix=% hide-bottom-space inputmode=decimal'
                    )
                share.bind_visibility_from(self._how, "value", lambda how: how == CANARY)
            if errors:
                ui.label(f"{plural(errors, 'error')} must be mended first.").classes("a-f13 a-er")
        with self._dialog.foot:
            ui.element("span").classes("a-grow")
            ui.button("Cancel", on_click=self._dialog.close).props("flat")
            self._button = ui.button("Publish", on_click=guarded(self._save)).mark("publish")
            self._button.set_enabled(not errors)
        self._dialog.open()

    async def _save(self) -> None:
        percent = None
        if self._how is not None and self._percent is not None and self._how.value == CANARY:
            percent = float(self._percent.value or 0)
            if not 0 < percent < 100:
                self._percent.error = "More than 0 and less than 100 percent."
                return
        self._button.props("loading")
        try:
            await self._publish(percent, str(self._note.value or "").strip())
        except AnyGPTError as error:
            show_error(error, {"note": self._note} | ({"percent": self._percent} if self._percent else {}))
            return
        finally:
            if not self._button.is_deleted:
                self._button.props(remove="loading")
        self._dialog.close()
