"""The editor of one router: its rules as cards, beside them the picture, Try it and Replay; above them the draft."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nicegui import ui

from app.core.errors import Conflict
from app.services.views import KeyView
from components.dialog import confirm
from components.flow import RouteFlow
from components.format import plural
from components.fragment import Fragment
from components.markup import Html, h, join
from components.page import PageContext
from components.routers import document_edits as edits
from components.routers import graph
from components.routers.conditions_dialog import Known
from components.routers.differences import VersionsDialog, show_changes
from components.routers.draft_keeper import DraftKeeper
from components.routers.editor_bars import canary_bar, draft_bar, head
from components.routers.editor_keys import EditorKeys
from components.routers.offers import Offers
from components.routers.publish_dialog import PublishDialog
from components.routers.replay_panel import ReplayPanel
from components.routers.rule_list import RuleList
from components.routers.settings_dialog import SettingsDialog
from components.routers.try_panel import TryPanel

if TYPE_CHECKING:
    from app.services.router_views import CanaryReport, Explained


class RouterEditor:
    def __init__(self, context: PageContext) -> None:
        self._context = context
        self._routers = context.services.routers
        self._keeper = DraftKeeper(self._routers, context.person, self._told)
        self._shares, self._lit = graph.Shares(), graph.Lit()
        self._report: CanaryReport | None = None
        self._keys: list[KeyView] = []
        self._people: list[str] = []
        self._built = False

    async def build(self, name: str) -> None:
        """Raises NotFound where there is no such router."""
        await self._keeper.load(name)
        self._offers = Offers(self._context.services.providers.list())
        services = self._context.services
        self._keys = [key for key in await services.keys.list(self._context.person, all=True) if not key.disabled]
        self._people = [person.email for person in await services.people.list() if not person.disabled]
        ui.page_title(f"{self._keeper.view.name} · Routers · AnyGPT")
        self._build()
        self._built = True
        self._show()
        self._context.on_live(self._refresh)
        self._context.spawn(self._read_and_show(), "traffic of a router")  # a week of the ledger takes a moment

    def _build(self) -> None:
        with ui.element("header").classes("a-head"):
            self._head = Fragment(**self._head_actions()).classes("a-row a-grow")
        self._bar = Fragment(**self._bar_actions()).classes("a-bar-part")
        self._canary = Fragment(stop_canary=self._stop_canary, make_live=self._make_live).classes("a-bar-part")
        with ui.element("div").classes("a-router"):
            with ui.element("div").classes("a-router-rules"):
                self._rules = RuleList(
                    self._context,
                    self._keeper,
                    shares=lambda: self._shares,
                    offers=lambda: self._offers,
                    lit=lambda: self._lit,
                    known=self._known,
                )
            with ui.element("div").classes("a-router-side"):
                self._flow_head = Fragment().classes("a-wide")
                self._flow = RouteFlow().classes("a-card a-wide")
                self._flow.on_retarget(self._retarget)
                self._flow.on_connect(self._connect)
                self._flow.on_pick(self._picked)
                self._try = self._try_panel()
                self._replay = ReplayPanel(self._context, self._keeper.view.id, lambda: self._keeper.document)
        EditorKeys(move=self._rules.move, undo=self._keeper.undo, redo=self._keeper.redo)

    def _try_panel(self) -> TryPanel:
        models = [model.alias for model in self._context.services.providers.models()]
        return TryPanel(
            self._context.services.explain,
            self._keeper.view.id,
            lambda: self._keeper.document,
            list(dict.fromkeys([*models, "auto"])),
            [key.name for key in self._keys],
            self._people,
            self._tried,
        )

    def _head_actions(self) -> dict[str, Callable[[str], Awaitable[object] | object]]:
        return {
            "undo": lambda _: self._keeper.undo(),
            "redo": lambda _: self._keeper.redo(),
            "settings": lambda _: self._settings(),
            "versions": lambda _: self._versions(),
            "try": lambda _: self._toggle_try(),
        }

    def _bar_actions(self) -> dict[str, Callable[[str], Awaitable[object] | object]]:
        return {
            "changes": lambda _: self._changes(),
            "discard": lambda _: self._discard(),
            "publish": lambda _: self._publish(),
            "replay": lambda _: self._replay.open(),
            "reload": lambda _: self._keeper.reload(),
            "keep_mine": lambda _: self._keeper.keep_ours(),
        }

    def _toggle_try(self) -> None:
        (self._try.close if self._try.is_open else self._try.open)()

    # what is shown

    async def _read(self) -> None:
        """Everything beside the draft: traffic, health, how the canary does."""
        view = self._keeper.view
        traffic = await self._routers.traffic(view.id)
        self._shares = graph.Shares(traffic.requests, traffic.days, traffic.by_rule, traffic.by_target)
        offers = Offers(self._context.services.providers.list())
        if offers.all != self._offers.all:
            self._offers = offers
        self._report = await self._routers.canary_report(view.id) if view.canary else None

    async def _refresh(self) -> None:
        await self._keeper.look()
        await self._read_and_show()

    async def _read_and_show(self) -> None:
        await self._read()
        self._show()

    def _told(self) -> None:
        if self._built:
            self._show()

    def _show(self) -> None:
        if self._head.is_deleted:
            return
        zone = self._context.zone
        self._head.show(head(self._keeper))
        self._bar.show(draft_bar(self._keeper, zone))
        self._canary.show(canary_bar(self._keeper.view, self._report, zone, datetime.now(UTC)))
        self._rules.show()
        self._flow_head.show(_flow_head(self._shares))
        fresh = frozenset(
            change.rule_id for change in self._keeper.changes if change.kind == "added" and change.rule_id
        )
        drawn = graph.picture(self._keeper.document, self._shares, self._offers, self._lit, fresh)
        self._flow.show(drawn.nodes, drawn.edges, drawn.label)

    def _tried(self, found: Explained | None) -> None:
        order = tuple((str(each["provider"]), str(each["model"])) for each in found.order) if found else ()
        self._lit = graph.Lit(found.rule_id if found else None, order)
        self._show()

    def _known(self) -> Known:
        services = self._context.services
        tags = {
            word for rule in edits.rules_of(self._keeper.document) for word in (rule.get("when") or {}).get("tags", ())
        }
        return {
            "models": list(dict.fromkeys(model.alias for model in services.providers.models(usable_only=False))),
            "keys": [key.name for key in self._keys],
            "people": self._people,
            "tags": sorted(tags),
        }

    # edits in the picture

    def _retarget(self, edge_id: str, node_id: str) -> None:
        """An edge's end was dragged to another deployment."""
        edge, wanted = graph.read_edge(edge_id), graph.read_target(node_id)
        if edge is None or wanted is None:
            return
        rule_id, path = edge
        targets = (edits.rule_of(self._keeper.document, rule_id) or {}).get("targets", ())
        target = edits.target_at(targets, path)
        if target is not None:
            moved = edits.put_target(targets, path, {**target, "provider": wanted[0], "model": wanted[1]})
            self._keeper.change(edits.with_rule(self._keeper.document, rule_id, targets=moved))

    def _connect(self, start: str, node_id: str) -> None:
        """A new line from a rule, or a group in it, to a deployment."""
        place, wanted = graph.read_start(start), graph.read_target(node_id)
        if place is None or wanted is None:
            return
        rule_id, group = place
        targets = (edits.rule_of(self._keeper.document, rule_id) or {}).get("targets", ())
        grown = edits.add_target(targets, group, {"provider": wanted[0], "model": wanted[1]})
        self._keeper.change(edits.with_rule(self._keeper.document, rule_id, targets=grown))

    def _picked(self, node_id: str) -> None:
        """A click on a rule opens its targets; the conditions are on the card."""
        place = graph.read_start(node_id)
        if place is not None:
            self._rules.targets(place[0])

    # dialogs

    def _settings(self) -> None:
        with self._context.root:
            SettingsDialog(self._keeper.document, self._offers, self._keeper.change)

    def _changes(self) -> None:
        version = self._keeper.view.version
        title = f"Changes to version {version}" if version else "The draft"
        with self._context.root:
            show_changes(title, self._keeper.changes, self._keeper.problems)

    async def _versions(self) -> None:
        view = self._keeper.view
        versions = await self._routers.versions(view.id)
        with self._context.root:
            VersionsDialog(view.name, versions, self._routers, self._context.zone, self._roll_back)

    async def _publish(self) -> None:
        await self._keeper.flush()
        if self._keeper.failure or self._keeper.other:
            self._show()
            return
        view = self._keeper.view
        draft = await self._routers.draft(view.id)
        with self._context.root:
            PublishDialog(view.name, view.version, draft, self._publish_it)

    async def _publish_it(self, percent: float | None, note: str) -> None:
        made = await self._routers.publish(self._context.person, self._keeper.view.id, percent=percent, note=note)
        await self._changed_live()
        if percent is None:
            self._context.notify(f"Version {made.version} of {made.name} is live")
        else:
            self._context.notify(f"{percent:g}% of requests to {made.name} go through the canary")

    async def _discard(self) -> None:
        view, changes = self._keeper.view, len(self._keeper.changes)
        document = self._keeper.document
        if not view.version and view.name != "default":
            await self._discard_router()
            return
        await self._keeper.discard()
        self._context.offer_undo(
            f"{plural(changes, 'change')} discarded",
            lambda: None if self._head.is_deleted else self._keeper.change(document),
        )

    async def _discard_router(self) -> None:
        """A router that was never published is nothing but its draft."""
        view = self._keeper.view
        with self._context.root:
            sure = await confirm(
                f"Discard {view.name}?", "It was never published, so nothing of it stays.", "Discard router"
            )
        if sure:
            await self._keeper.flush()
            await self._routers.delete(self._context.person, view.id)
            ui.navigate.to("/routers")

    async def _stop_canary(self, _: str) -> None:
        view = await self._routers.stop_canary(self._context.person, self._keeper.view.id)
        await self._changed_live()
        self._context.notify(f"The canary of {view.name} was stopped; version {view.version} gets all requests")

    async def _make_live(self, _: str) -> None:
        await self._keeper.flush()
        if self._keeper.is_draft:
            raise Conflict("There is a newer draft: publish or discard it first, then make the canary live.")
        await self._publish_it(None, "")

    async def _roll_back(self, version: int) -> None:
        view = self._keeper.view
        before = view.version
        made = await self._routers.rollback(self._context.person, view.id, version)
        await self._changed_live()

        async def undo() -> None:
            await self._routers.rollback(self._context.person, view.id, before)
            if not self._head.is_deleted:
                await self._changed_live()

        self._context.offer_undo(f"{made.name} is as in version {version} again, now version {made.version}", undo)

    async def _changed_live(self) -> None:
        await self._keeper.load(self._keeper.view.id)
        await self._read_and_show()


def _flow_head(shares: graph.Shares) -> Html:
    return h(
        "div.a-row",
        h("h2.a-strong.a-f13", "Flow"),
        h(
            "span.a-f12.a-t3.a-cut",
            f"last {shares.days} days of traffic through these rules; drag a line's end to another target",
        ),
        h("span.a-grow"),
        join(
            h("span.a-row.a-f12.a-t3.a-flow-key", h("i", class_=kind), words)
            for kind, words in (
                ("share", "share"),
                ("degraded", "degraded"),
                ("failing", "failing"),
                ("lit", "this try"),
            )
        ),
    )
