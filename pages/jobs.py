"""Jobs: what runs by itself, what came of it, and a button to run it now."""

from __future__ import annotations

from app.security.permissions import Permission
from app.services.job_board import JobState
from components.format import plural
from components.fragment import Fragment
from components.job_table import job_table
from components.markup import Html, h
from components.page import PageContext, header_text, page
from components.states import state


@page("/jobs", title="Jobs", icon="clock", permission=Permission.MANAGE_GATEWAY, group="Team", order=3, key="j")
async def jobs(ctx: PageContext) -> None:
    JobsPage(ctx).build()


class JobsPage:
    def __init__(self, context: PageContext) -> None:
        self._context = context
        self._board = context.services.jobs

    def build(self) -> None:
        with self._context.header("Jobs") as self._bar:
            pass
        with self._context.body():
            self._table = Fragment(self._markup(), run=self._run)
        self._context.on_live(self._draw)

    async def _draw(self) -> None:
        if not self._table.is_deleted:
            self._table.show(self._markup())

    def _markup(self) -> Html:
        states = self._board.states()
        self._bar.show(header_text("Jobs", h("span.a-f12.a-t3.a-wide", _summary(states))))
        if not states:
            return state("clock", "No jobs here", "Jobs run in the server; this process is not serving.")
        table = job_table(states, self._context.services.clock.now(), self._context.zone)
        return h("section.a-card.a-scroll-x", table, aria_label="Jobs")

    async def _run(self, name: str) -> None:
        self._context.notify(await self._board.run_now(name))
        await self._draw()


def _summary(states: list[JobState]) -> str:
    failed = sum(state.last_ok is False for state in states)
    return f"{plural(failed, 'job')} failed at the last run" if failed else f"{plural(len(states), 'job')}, none failed"
