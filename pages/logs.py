"""Logs: the requests, filtered, and one of them in full."""

from __future__ import annotations

from nicegui import ui

from app.core.errors import AnyGPTError
from app.core.money import show_usd
from app.security.permissions import Permission
from app.services.views import LogFilter, LogSummary, RequestRow
from components.format import count, duration, plural
from components.fragment import Fragment
from components.log_detail import detail_failed, detail_waiting, log_detail
from components.log_filters import SPANS, Filters, filter_row
from components.log_table import log_table, requests_over_time
from components.markup import Html, h, join
from components.page import PageContext, header_text, page
from components.states import state

STEP = 50
MOST = 500  # lines kept on the page; further back a narrower filter is the better way


@page(
    "/logs",
    title="Logs",
    icon="list",
    permission=Permission.OWN_KEYS,
    also=Permission.READ_ALL_LOGS,
    group="Gateway",
    order=5,
    key="l",
)
async def logs(ctx: PageContext) -> None:
    await LogsPage(ctx).build()


class LogsPage:
    def __init__(self, context: PageContext) -> None:
        self._context = context
        self._ledger = context.services.ledger
        self._filters = Filters.of_query(context.query)
        self._rows: list[RequestRow] = []
        self._asked = 0
        self._cursor: str | None = None
        self._summary: LogSummary | None = None
        self._chosen: str | None = context.query.get("id") or None
        self._live = True
        self._keys: list[str] = []

    async def build(self) -> None:
        with self._context.header("Logs") as self._bar:
            pass
        self._context.root.classes("a-logs")
        await self._load_keys()
        await self._load()
        with self._context.body("a-log-body"):
            self._tools = Fragment(
                self._tool_row(),
                text=lambda value: self._set(text=value.strip()),
                span=lambda value: self._set(span=value),
                status=lambda value: self._set(status=value),
                provider=lambda value: self._set(provider=value),
                key=lambda value: self._set(key=value),
                clear=lambda _: self._clear(),
                live=lambda _: self._toggle_live(),
            )
            with ui.element("div").classes("a-log-panes grow"):
                self._table = Fragment(
                    self._markup(), open=self._open, more=self._more, clear=lambda _: self._clear()
                ).classes("a-card a-log-card")
                self._pane = Fragment(
                    Html(), tag="aside", close=lambda _: self._close(), next=lambda _: self._next()
                ).classes("a-card a-detail")
                self._pane.props("aria-label=Request aria-live=polite")
                self._pane.set_visibility(False)
        self._show()
        self._context.on_live(self._follow)
        if self._chosen:
            await self._open(self._chosen)

    def _visible(self, wanted: LogFilter) -> LogFilter:
        return self._ledger.visible_to(self._context.person, wanted)

    async def _load_keys(self) -> None:
        everyones = self._context.allows(Permission.MANAGE_GATEWAY)
        if self._context.allows(Permission.OWN_KEYS):
            keys = await self._context.services.keys.list(self._context.person, all=everyones)
            self._keys = sorted(key.name for key in keys)

    async def _load(self) -> bool:
        """Whether there is anything else to show than before."""
        self._asked += 1
        asked, before = self._asked, (self._rows, self._summary)
        found, summary = await self._ledger.follow(self._visible(self._filters.wanted()))
        if asked != self._asked:  # other filters were chosen meanwhile
            return False
        self._rows, self._cursor, self._summary = list(found.items), found.next_cursor, summary
        return before != (self._rows, self._summary)

    async def _follow(self) -> None:
        """New requests appear at the top, while one reads the newest page."""
        if self._live and len(self._rows) <= STEP and await self._load():
            self._show()

    async def _set(self, **changes: str) -> None:
        for name, value in changes.items():
            setattr(self._filters, name, value)
        self._tools.show(self._tool_row())
        await self._load()
        self._show()

    async def _clear(self) -> None:
        self._filters.clear()
        await self._set()

    async def _toggle_live(self) -> None:
        self._live = not self._live
        self._tools.show(self._tool_row())
        await self._follow()

    async def _more(self, _: str) -> None:
        if self._cursor is None:
            return
        self._asked += 1  # what is being read for the newest page comes too late
        wanted = self._visible(self._filters.wanted())
        found = await self._ledger.requests(wanted, limit=STEP, cursor=self._cursor)
        self._rows += found.items
        self._cursor = found.next_cursor
        self._show()

    def _show(self) -> None:
        self._bar.show(header_text("Logs", h("span.a-f12.a-t3.a-wide", self._headline())))
        self._tools.show(self._tool_row())
        self._table.show(self._markup())

    def _headline(self) -> str:
        summary = self._summary
        if summary is None or not summary.requests:
            return ""
        parts = [plural(summary.requests, "request"), show_usd(summary.cost)]
        if summary.cost_unknown:
            parts.append(f"{count(summary.cost_unknown)} of unknown cost")
        if summary.failed:
            parts.append(f"{count(summary.failed)} failed")
        if summary.p95_ms is not None:
            parts.append(f"p95 {duration(summary.p95_ms)}")
        return ", ".join(parts)

    def _tool_row(self) -> Html:
        return filter_row(self._filters, self._context.services.providers.names(), self._keys, live=self._live)

    def _markup(self) -> Html:
        if not self._rows:
            return self._nothing()
        more = None
        if self._cursor is not None:
            more = (
                h("button.a-btn.is-sm", "Load more", type="button", data_act="more")
                if len(self._rows) < MOST
                else h("span.a-f12.a-t3", f"The newest {MOST} are shown; narrow the filters to see older ones.")
            )
        return join(
            requests_over_time(self._summary, self._context.zone) if self._summary else None,
            h(
                "div.a-log-scroll",
                log_table(self._rows, self._context.zone, self._chosen),
                h("div.a-log-more", more) if more else None,
                tabindex="-1",
            ),
        )

    def _nothing(self) -> Html:
        span = SPANS[self._filters.span][0].lower()
        if self._filters.number:
            number = plural(self._filters.number, "filter")
            return state(
                "search",
                "No request matches",
                f"{number} {'is' if self._filters.number == 1 else 'are'} set, for the {span}.",
                h("button.a-btn", "Clear filters", type="button", data_act="clear"),
            )
        return state(
            "list",
            f"No requests in the {span}",
            "Every chat message and every API call stands here, with what it cost and why it went where it went.",
            *((h("a.a-btn", "Ask something", href="/chat"),) if self._context.allows(Permission.CHAT) else ()),
        )

    async def _open(self, request_id: str) -> None:
        if self._chosen == request_id and self._pane.visible:
            self._close()
            return
        self._chosen = request_id
        self._table.show(self._markup())
        self._pane.set_visibility(True)
        self._pane.show(detail_waiting(request_id))
        ui.navigate.history.replace(f"/logs?id={request_id}")
        look = {
            provider.name: (provider.monogram, provider.accent) for provider in self._context.services.providers.list()
        }
        try:
            detail = await self._ledger.request(request_id, self._context.person)
        except AnyGPTError as error:
            self._pane.show(detail_failed(request_id, error.message))
            return
        if self._chosen == request_id:
            self._pane.show(log_detail(detail, self._context.zone, look))

    async def _next(self) -> None:
        ids = [row.id for row in self._rows]
        place = ids.index(self._chosen) + 1 if self._chosen in ids else 0
        if place < len(ids):
            await self._open(ids[place])

    def _close(self) -> None:
        self._chosen = None
        self._pane.set_visibility(False)
        self._table.show(self._markup())
        ui.navigate.history.replace("/logs")
