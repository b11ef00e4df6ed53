"""Routers: drafts that are changed, versions that are published, canaries that are tried, and the way back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from sqlmodel import Session, col, delete, select

from app.core.clock import Clock
from app.core.errors import BadRequest, Conflict, NotFound
from app.core.ids import new_id
from app.db.engine import Database
from app.db.tables.keys import KeyRow
from app.db.tables.routers import RouterRow, RouterVersionRow
from app.routing.checks import check_on_failure, read_document
from app.routing.document import BUILT_IN, RouterDocument
from app.services.audit import note as audit
from app.services.changes import Change
from app.services.router_changes import changes_between
from app.services.router_documents import (
    leading_to,
    plain,
    reachable,
    rule_in,
    with_ids_of,
    with_rule,
    with_rule_changed,
    with_rule_ids,
    without_rule,
)
from app.services.router_problems import overtaken, problems_of
from app.services.router_publishing import (
    keep_draft,
    note_edit,
    nothing_to_publish,
    publish_canary,
    publish_live,
    put_from_file,
    roll_back,
    stop_canary,
)
from app.services.router_rows import (
    BUILT_IN_ID,
    built_in_view,
    forget_draft,
    live_document,
    live_documents,
    new_router,
    read_versions,
    read_views,
    router_named,
    unpublished_document,
    version_of,
)
from app.services.router_traffic import Traffic
from app.services.router_views import (
    CanaryReport,
    DocChange,
    DraftView,
    Problem,
    RouterTraffic,
    RouterView,
    VersionView,
)
from app.services.state import State
from app.services.views import Actor


class Routers:
    """A draft belongs to its router, not to a person: whoever saves last has written it. What is published is in force
    for the next request."""

    def __init__(self, db: Database, state: State, clock: Clock) -> None:
        self._db, self._state, self._clock = db, state, clock
        self._traffic = Traffic(db, clock)

    def names(self) -> Sequence[str]:
        """Of those that can be used."""
        return sorted(self._state.current.routers)

    async def list(self) -> Sequence[RouterView]:
        stored = await self._db.read(read_views)
        if not any(view.name == BUILT_IN.name for view in stored):
            stored.insert(0, built_in_view())
        return stored

    async def get(self, id_or_name: str) -> RouterView:
        """Raises NotFound."""
        found = await self._db.read(lambda session: read_views(session, id_or_name))
        if found:
            return found[0]
        if id_or_name in (BUILT_IN_ID, BUILT_IN.name):
            return built_in_view()
        raise NotFound(f'There is no router "{id_or_name}".')

    async def create(self, actor: Actor | str, document: dict[str, Any], note: str = "") -> RouterView:
        """A new router, of which there is only a draft until it is published. Raises BadRequest naming the field, and
        Conflict where the name is taken."""
        checked = with_rule_ids(read_document(document))
        self.check(checked)

        def write(session: Session) -> None:
            row = router_named(session, checked.name)
            if row is not None:
                raise Conflict(f'name: there already is a router "{checked.name}".', field="name")
            row = new_router(session, checked.name, self._clock.now())
            keep_draft(session, row, actor, plain(checked), self._clock.now())
            audit(session, actor, "create router", row.name, after=plain(checked) | ({"note": note} if note else {}))

        await self._state.change(write)
        return await self.get(checked.name)

    async def draft(self, id_or_name: str) -> DraftView:
        """The draft with what it changes and what is wrong with it; the live document where there is none."""

        def read(session: Session) -> tuple[RouterRow | None, dict[str, Any], str]:
            row = router_named(session, id_or_name)
            if row is None:
                return None, {}, ""
            live = version_of(session, row, row.live_version)
            return row, live_document(session, row), (live.published_by if live is not None else None) or ""

        row, live, publisher = await self._db.read(read)
        if row is None:
            view = await self.get(id_or_name)
            problems = await asyncio.to_thread(self.check_draft, view.document)
            return DraftView(False, view.document, 0, None, None, problems, ())
        document = row.draft if row.draft is not None else live
        problems = await asyncio.to_thread(self.check_draft, document)
        changes: tuple[DocChange, ...] = ()
        base = row.live_version
        if row.draft is not None:
            base = row.draft_base if row.draft_base is not None else row.live_version
            changes = await asyncio.to_thread(changes_between, live, row.draft)
            problems += overtaken(base, row.live_version, publisher)
        return DraftView(row.draft is not None, document, base, row.draft_at, row.draft_by, problems, changes)

    async def save_draft(self, actor: Actor | str, id_or_name: str, document: dict[str, Any]) -> DraftView:
        """A router keeps its name. Rules without an id keep the one they had, by their name. A draft that says what is
        live is none. Raises BadRequest naming the field, NotFound."""
        await self._change_draft(actor, id_or_name, lambda _: document)
        return await self.draft(id_or_name)

    async def discard(self, actor: Actor | str, id_or_name: str) -> None:
        """Raises Conflict where the router was never published: it would be nothing."""

        def write(session: Session) -> None:
            row = router_named(session, id_or_name)
            if row is None or row.draft is None:
                return
            if row.live_version == 0 and row.name != BUILT_IN.name:
                raise Conflict(f'The router "{row.name}" was never published; delete it instead.')
            audit(session, actor, "discard draft", row.name, before=row.draft)
            forget_draft(row)
            session.add(row)

        await self.get(id_or_name)  # raises where there is none
        await self._db.write(write)

    def check_draft(self, document: dict[str, Any]) -> tuple[Problem, ...]:
        """What is wrong with a document, by what is live and configured now. An error keeps it from being published."""
        try:
            read = with_rule_ids(read_document(document))
        except BadRequest as error:
            return (Problem("error", None, error.message),)
        return problems_of(read, self._state.current)

    def changes(self, before: dict[str, Any], after: dict[str, Any]) -> tuple[DocChange, ...]:
        return changes_between(before, after)

    async def publish(
        self, actor: Actor | str, id_or_name: str, *, percent: float | None = None, note: str = ""
    ) -> RouterView:
        """With a percent the draft becomes a canary: a version that so many requests are sent through while the other
        one stays live. Without one it becomes the live version; where there is no draft, the running canary does.
        A percent without a draft is the running canary's new share. Raises Conflict where there is nothing to publish
        or the draft has errors, BadRequest for a percent that is none."""
        if percent is not None and not 0 < percent < 100:
            raise BadRequest(
                "percent: more than 0 and less than 100; leave it out to publish for everybody.", field="percent"
            )
        view = await self.get(id_or_name)
        draft = await self._checked_draft(view)

        def write(session: Session) -> None:
            row = router_named(session, view.id)
            if row is None:
                raise nothing_to_publish(view.name)
            if row.draft != draft:
                raise Conflict(f'The draft of router "{row.name}" was changed meanwhile; look at it again.')
            now = self._clock.now()
            if percent is None:
                publish_live(session, row, actor, note, now)
            else:
                publish_canary(session, row, actor, percent, note, now)

        await self._state.change(write)
        return await self.get(view.id)

    async def stop_canary(self, actor: Actor | str, id_or_name: str) -> RouterView:
        """All requests take the live version again; the canary's stays among the versions. Raises NotFound where none
        runs."""
        view = await self.get(id_or_name)

        def write(session: Session) -> None:
            row = router_named(session, view.id)
            if row is None or row.canary_version is None:
                raise _no_canary(view.name)
            stop_canary(session, row, actor, self._clock.now())

        await self._state.change(write)
        return await self.get(view.id)

    async def versions(self, id_or_name: str) -> Sequence[VersionView]:
        """The newest first."""
        view = await self.get(id_or_name)

        def read(session: Session) -> Sequence[VersionView]:
            row = router_named(session, view.id)
            return () if row is None else read_versions(session, row)

        return await self._db.read(read)

    async def rollback(self, actor: Actor | str, id_or_name: str, version: int) -> RouterView:
        """An old version's document as a new version, live at once; drafts stay. Raises NotFound, and Conflict where
        it is live already or goes on in a router that is not there any more."""
        view = await self.get(id_or_name)

        def write(session: Session) -> None:
            row = router_named(session, view.id)
            if row is None:
                raise NotFound(f'The router "{view.name}" has no version {version}.')
            roll_back(session, row, actor, version, self._clock.now())

        await self._state.change(write)
        return await self.get(view.id)

    async def delete(self, actor: Actor | str, id_or_name: str) -> None:
        view = await self.get(id_or_name)

        def write(session: Session) -> None:
            row = router_named(session, view.id)
            if row is None:
                raise Conflict("The built-in router cannot be deleted; publish a change of it to replace it.")
            users = session.exec(select(KeyRow.name).where(KeyRow.router == row.name)).all()
            if users and row.name != BUILT_IN.name:
                raise Conflict(
                    f'The router "{row.name}" is used by the keys {", ".join(users)}; give them another first.'
                )
            leading = leading_to(live_documents(session), row.name)
            if leading:
                raise Conflict(
                    f'The router "{row.name}" is where rules of {", ".join(leading)} go on; change those first.'
                )
            session.exec(delete(RouterVersionRow).where(col(RouterVersionRow.router_id) == row.id))
            session.delete(row)
            audit(session, actor, "delete router", row.name, before=view.document)

        await self._state.change(write)

    async def traffic(self, id_or_name: str, days: int = 7) -> RouterTraffic:
        """Of the last 1 to 31 days."""
        return await self._traffic.of((await self.get(id_or_name)).name, days)

    async def canary_report(self, id_or_name: str) -> CanaryReport:
        """Both versions since the canary began. Raises NotFound where none runs."""
        view = await self.get(id_or_name)
        if view.canary is None:
            raise _no_canary(view.name)
        return await self._traffic.compared(view.name, view.version, view.canary.version, view.canary.since)

    async def add_rule(self, actor: Actor | str, id_or_name: str, rule: dict[str, Any]) -> dict[str, Any]:
        """Puts a rule into the draft, before those without conditions, else last; returns it with its id."""
        rule = {**rule, "id": new_id("rule")}
        saved = await self._change_draft(actor, id_or_name, lambda document: with_rule(document, rule))
        return rule_in(saved, rule["id"])

    async def change_rule(
        self, actor: Actor | str, id_or_name: str, rule_id: str, rule: dict[str, Any]
    ) -> dict[str, Any]:
        changed = await self._change_draft(actor, id_or_name, lambda each: with_rule_changed(each, rule_id, rule))
        return rule_in(changed, rule_id)

    async def delete_rule(self, actor: Actor | str, id_or_name: str, rule_id: str) -> None:
        await self._change_draft(actor, id_or_name, lambda each: without_rule(each, rule_id))

    def put(self, session: Session, actor: Actor | str, document: RouterDocument) -> Change | None:
        """Publishes a document of the file, whose rules have no ids, in the caller's transaction; None where nothing
        changes."""
        return put_from_file(session, actor, document, self._clock.now())

    def check(self, document: RouterDocument) -> None:
        """Raises BadRequest where its failures lead to a router that does not exist, or back to itself."""
        snapshot = self._state.current
        documents = {name: router.document for name, router in snapshot.routers.items()}
        documents |= {name: RouterDocument(name=name) for name in snapshot.unpublished}
        check_on_failure(reachable(document, documents | {document.name: document}))

    async def _change_draft(
        self, actor: Actor | str, id_or_name: str, change: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> dict[str, Any]:
        """The draft after it; what it was is read in the same transaction."""
        view = await self.get(id_or_name)

        def write(session: Session) -> dict[str, Any]:
            row = router_named(session, view.id)
            live = live_document(session, row) if row is not None else unpublished_document(view.name)
            before = row.draft if row is not None and row.draft is not None else live
            wanted = read_document({**change(before), "name": view.name})
            wanted = with_ids_of(read_document(before), wanted)
            self.check(wanted)
            after, now = plain(wanted), self._clock.now()
            if after == before:
                return after
            row = row if row is not None else new_router(session, view.name, now)
            if after == live and _is_in_force(row):
                forget_draft(row)
                session.add(row)
            else:
                keep_draft(session, row, actor, after, now)
            note_edit(session, actor, row.name, before, after, now)
            return after

        return await self._db.write(write)

    async def _checked_draft(self, view: RouterView) -> dict[str, Any] | None:
        """None where there is none. Raises Conflict where it has errors."""

        def read(session: Session) -> dict[str, Any] | None:
            row = router_named(session, view.id)
            return None if row is None else row.draft

        draft = await self._db.read(read)
        if draft is not None:
            problems = await asyncio.to_thread(self.check_draft, draft)
            errors = [problem.message for problem in problems if problem.level == "error"]
            if errors:
                raise Conflict(f'The draft of router "{view.name}" cannot be published. {" ".join(errors[:5])}')
        return draft


def _is_in_force(row: RouterRow) -> bool:
    return row.live_version > 0 or row.name == BUILT_IN.name


def _no_canary(name: str) -> NotFound:
    return NotFound(f'No canary of router "{name}" is running.')
