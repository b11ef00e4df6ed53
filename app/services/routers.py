"""Routers: numbered versions of a document; saving publishes at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlmodel import Session, col, delete, select

from app.core.clock import Clock
from app.core.errors import BadRequest, Conflict, NotFound
from app.core.ids import new_id
from app.db.engine import Database
from app.db.tables.keys import KeyRow
from app.db.tables.routers import RouterRow, RouterVersionRow
from app.routing.checks import check_on_failure, read_document
from app.routing.document import BUILT_IN, RouterDocument, Rule
from app.services.audit import note
from app.services.changes import Change, differing
from app.services.state import State
from app.services.views import Actor

BUILT_IN_ID = "router_default"


@dataclass(frozen=True, slots=True)
class RouterView:
    """A router and its live version; the built-in one has version 0 until it is changed."""

    id: str
    name: str
    version: int
    enabled: bool
    document: dict[str, Any]
    published_at: datetime | None
    published_by: str | None
    created_at: datetime | None
    updated_at: datetime | None


class Routers:
    def __init__(self, db: Database, state: State, clock: Clock) -> None:
        self._db, self._state, self._clock = db, state, clock

    def names(self) -> Sequence[str]:
        return sorted(self._state.current.routers)

    async def list(self) -> Sequence[RouterView]:
        stored = await self._db.read(_views)
        if not any(view.name == BUILT_IN.name for view in stored):
            stored.insert(0, RouterView(BUILT_IN_ID, BUILT_IN.name, 0, True, plain(BUILT_IN), None, None, None, None))
        return stored

    async def get(self, id_or_name: str) -> RouterView:
        for view in await self.list():
            if id_or_name in (view.id, view.name):
                return view
        raise NotFound(f'There is no router "{id_or_name}".')

    async def save(
        self,
        actor: Actor | str,
        value: dict[str, Any],
        *,
        note_text: str = "",
        new: bool = False,
    ) -> RouterView:
        """A new version of the router of that name, live at once. Raises BadRequest naming the field."""
        document = self.check(value)

        def write(session: Session) -> None:
            row = session.exec(select(RouterRow).where(RouterRow.name == document.name)).first()
            if row is not None and new:
                raise Conflict(f'name: there already is a router "{document.name}".', field="name")
            self.write(session, actor, document, note_text)

        await self._state.change(write)
        return await self.get(document.name)

    def check(self, value: dict[str, Any]) -> RouterDocument:
        """The document with ids for its rules, checked against the other routers and the providers."""
        document = with_rule_ids(read_document(value))
        documents = {name: doc for name, (doc, _) in self._state.current.documents.items()}
        documents.setdefault("default", BUILT_IN)
        check_on_failure({**documents, document.name: document})
        return document

    def put(self, session: Session, actor: Actor | str, document: RouterDocument) -> Change | None:
        """Publishes a document of the file, whose rules have no ids, in the caller's transaction; None where it is
        live already. A rule that stays keeps its id."""
        row = session.exec(select(RouterRow).where(RouterRow.name == document.name)).first()
        if row is None:
            self.write(session, actor, with_rule_ids(document), "", from_file=True)
            return Change("add", "router", document.name)
        live = read_document(_live(session, row).document)
        before, after = plain(without_rule_ids(live)), plain(document)
        if row.enabled and before == after:
            return None
        fields = differing(before, dict.fromkeys(before) | after) + (() if row.enabled else ("enabled",))
        self.write(session, actor, _with_ids_of(live, document), "")
        return Change("change", "router", document.name, fields)

    def write(
        self,
        session: Session,
        actor: Actor | str,
        document: RouterDocument,
        note_text: str,
        from_file: bool = False,
    ) -> None:
        """The next version, in the caller's transaction. `from_file`: a new router is one that `apply` made."""
        now = self._clock.now()
        row = session.exec(select(RouterRow).where(RouterRow.name == document.name)).first()
        before: dict[str, Any] | None = None
        if row is None:
            row = RouterRow(id=new_id("router"), name=document.name, live_version=0, from_file=from_file)
        else:
            before = _live(session, row).document
        row.live_version += 1
        row.enabled = True
        row.updated_at = now
        session.add(row)
        session.flush()
        session.add(
            RouterVersionRow(
                id=new_id("rver"),
                router_id=row.id,
                version=row.live_version,
                document=plain(document),
                note=note_text,
                published_by=actor if isinstance(actor, str) else actor.email,
                published_at=now,
            )
        )
        note(session, actor, "publish router", document.name, before, plain(document))

    async def delete(self, actor: Actor | str, id_or_name: str) -> None:
        view = await self.get(id_or_name)
        if view.id == BUILT_IN_ID:
            raise Conflict("The built-in router cannot be deleted; save one named default to replace it.")

        def write(session: Session) -> None:
            users = session.exec(select(KeyRow.name).where(KeyRow.router == view.name)).all()
            if users:
                raise Conflict(
                    f'The router "{view.name}" is used by the keys {", ".join(users)}; give them another first.'
                )
            leading = _leading_to(live_documents(session), view.name)
            if leading:
                raise Conflict(
                    f'The router "{view.name}" is where rules of {", ".join(leading)} go on; change those first.'
                )
            session.exec(delete(RouterVersionRow).where(col(RouterVersionRow.router_id) == view.id))
            session.delete(session.get_one(RouterRow, view.id))
            note(session, actor, "delete router", view.name, before=view.document)

        await self._state.change(write)

    async def add_rule(self, actor: Actor | str, id_or_name: str, rule: dict[str, Any]) -> dict[str, Any]:
        """Puts a rule before those without conditions, else last; returns it with its id."""
        view = await self.get(id_or_name)
        rules = list(view.document.get("rules", []))
        rule = {**rule, "id": new_id("rule")}
        open_at = next(
            (at for at, each in enumerate(rules) if not each.get("when") and not each.get("unless")), len(rules)
        )
        rules.insert(open_at if rule.get("when") or rule.get("unless") else len(rules), rule)
        saved = await self.save(actor, {**view.document, "rules": rules})
        return _rule(saved.document, rule["id"])

    async def change_rule(
        self, actor: Actor | str, id_or_name: str, rule_id: str, rule: dict[str, Any]
    ) -> dict[str, Any]:
        view = await self.get(id_or_name)
        _rule(view.document, rule_id)
        rules = [{**rule, "id": rule_id} if each.get("id") == rule_id else each for each in view.document["rules"]]
        saved = await self.save(actor, {**view.document, "rules": rules})
        return _rule(saved.document, rule_id)

    async def delete_rule(self, actor: Actor | str, id_or_name: str, rule_id: str) -> None:
        view = await self.get(id_or_name)
        _rule(view.document, rule_id)
        rules = [each for each in view.document["rules"] if each.get("id") != rule_id]
        await self.save(actor, {**view.document, "rules": rules})


def with_rule_ids(document: RouterDocument) -> RouterDocument:
    """Every rule gets an id; two rules never share one."""
    seen: set[str] = set()
    rules: list[Rule] = []
    for rule in document.rules:
        rule_id = rule.id if rule.id and rule.id not in seen else new_id("rule")
        seen.add(rule_id)
        rules.append(msgspec.structs.replace(rule, id=rule_id))
    return msgspec.structs.replace(document, rules=rules)


def live_documents(session: Session) -> dict[str, RouterDocument]:
    """The live version of every router in use, by name."""
    rows = session.exec(select(RouterRow).where(col(RouterRow.enabled).is_(True)))
    return {row.name: read_document(_live(session, row).document) for row in rows}


def without_rule_ids(document: RouterDocument) -> RouterDocument:
    rules = [msgspec.structs.replace(rule, id="") for rule in document.rules]
    return msgspec.structs.replace(document, rules=rules)


def _with_ids_of(live: RouterDocument, document: RouterDocument) -> RouterDocument:
    """Rules keep their ids by name, else by what they say."""
    by_name = {rule.name: rule.id for rule in live.rules if rule.name}
    by_content = {msgspec.json.encode(msgspec.structs.replace(rule, id="")): rule.id for rule in live.rules}
    rules = [
        msgspec.structs.replace(rule, id=by_name.get(rule.name) or by_content.get(msgspec.json.encode(rule), ""))
        for rule in document.rules
    ]
    return with_rule_ids(msgspec.structs.replace(document, rules=rules))


def plain(document: RouterDocument) -> dict[str, Any]:
    """The document as JSON values, defaults left out."""
    value: dict[str, Any] = msgspec.to_builtins(document)
    return value


def _leading_to(documents: dict[str, RouterDocument], name: str) -> list[str]:
    """The other routers with a rule that goes on there. The built-in one takes a deleted default's place."""
    if name == BUILT_IN.name:
        return []
    wanted = f"router:{name}"
    return [
        other
        for other, document in documents.items()
        if other != name and any(rule.on_failure == wanted for rule in document.rules)
    ]


def _rule(document: dict[str, Any], rule_id: str) -> dict[str, Any]:
    for rule in document.get("rules", []):
        if rule.get("id") == rule_id:
            return dict(rule)
    raise NotFound(f'The router has no rule "{rule_id}".')


def _live(session: Session, row: RouterRow) -> RouterVersionRow:
    query = select(RouterVersionRow).where(
        RouterVersionRow.router_id == row.id, RouterVersionRow.version == row.live_version
    )
    version = session.exec(query).first()
    if version is None:
        raise BadRequest(f'The live version of router "{row.name}" is missing.')
    return version


def _views(session: Session) -> list[RouterView]:
    views = []
    for row in session.exec(select(RouterRow).order_by(col(RouterRow.name))):
        live = _live(session, row)
        views.append(
            RouterView(
                row.id,
                row.name,
                row.live_version,
                row.enabled,
                live.document,
                live.published_at,
                live.published_by,
                row.created_at,
                row.updated_at,
            )
        )
    return views
