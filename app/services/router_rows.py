"""Routers in the database: rows, their versions, and what of them is in force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, and_, col, func, select

from app.core.ids import new_id
from app.db.tables.routers import RouterRow, RouterVersionRow
from app.routing.checks import read_document
from app.routing.document import BUILT_IN, RouterDocument
from app.services.router_documents import plain
from app.services.router_views import CanaryView, RouterView, VersionView
from app.services.views import Actor

BUILT_IN_ID = "router_default"


@dataclass(frozen=True, slots=True)
class Documents:
    """What is in force. `canaries` have their version and percent, `unpublished` are names that have a draft only."""

    live: dict[str, tuple[RouterDocument, int]]
    canaries: dict[str, tuple[RouterDocument, int, float]]
    unpublished: frozenset[str]


def read_documents(session: Session) -> Documents:
    """Of every router that is switched on."""
    versions = col(RouterVersionRow.router_id) == RouterRow.id
    in_use = select(RouterRow, RouterVersionRow).where(
        versions,
        col(RouterRow.enabled).is_(True),
        (col(RouterVersionRow.version) == RouterRow.live_version)
        | (col(RouterVersionRow.version) == RouterRow.canary_version),
    )
    live: dict[str, tuple[RouterDocument, int]] = {}
    canaries: dict[str, tuple[RouterDocument, int, float]] = {}
    for row, version in session.exec(in_use):
        document = read_document(version.document)
        if version.version == row.live_version:
            live[row.name] = (document, version.version)
        elif row.canary_percent:
            canaries[row.name] = (document, version.version, row.canary_percent)
    unpublished = session.exec(select(RouterRow.name).where(RouterRow.live_version == 0))
    return Documents(live, canaries, frozenset(unpublished) - {BUILT_IN.name})


def live_documents(session: Session) -> dict[str, RouterDocument]:
    """The live version of every router in use, by name."""
    rows = select(RouterRow.name, RouterVersionRow.document).where(
        col(RouterVersionRow.router_id) == RouterRow.id,
        col(RouterVersionRow.version) == RouterRow.live_version,
        col(RouterRow.enabled).is_(True),
    )
    return {name: read_document(dict(document)) for name, document in session.exec(rows)}


def router_named(session: Session, id_or_name: str) -> RouterRow | None:
    row = session.get(RouterRow, id_or_name)
    if row is None:
        name = BUILT_IN.name if id_or_name == BUILT_IN_ID else id_or_name
        row = session.exec(select(RouterRow).where(RouterRow.name == name)).first()
    return row


def new_router(session: Session, name: str, now: datetime, *, from_file: bool = False) -> RouterRow:
    """Without any version."""
    id = BUILT_IN_ID if name == BUILT_IN.name else new_id("router")
    row = RouterRow(id=id, name=name, live_version=0, from_file=from_file, created_at=now, updated_at=now)
    session.add(row)
    session.flush()
    return row


def version_of(session: Session, row: RouterRow, version: int) -> RouterVersionRow | None:
    return session.exec(
        select(RouterVersionRow).where(RouterVersionRow.router_id == row.id, RouterVersionRow.version == version)
    ).first()


def live_document(session: Session, row: RouterRow) -> dict[str, Any]:
    """Of a router without a version: the built-in document, or one without rules."""
    found = version_of(session, row, row.live_version)
    return dict(found.document) if found is not None else unpublished_document(row.name)


def unpublished_document(name: str) -> dict[str, Any]:
    return plain(BUILT_IN) if name == BUILT_IN.name else {"name": name}


def add_version(
    session: Session, row: RouterRow, document: dict[str, Any], actor: Actor | str, note: str, now: datetime
) -> int:
    """The next number: above every version there was, whichever is live."""
    highest = session.exec(
        select(func.max(RouterVersionRow.version)).where(RouterVersionRow.router_id == row.id)
    ).first()
    number = (highest or 0) + 1
    session.add(
        RouterVersionRow(
            id=new_id("rver"),
            router_id=row.id,
            version=number,
            document=document,
            note=note,
            published_by=name_of(actor),
            published_at=now,
        )
    )
    return number


def put_live(session: Session, row: RouterRow, version: int, now: datetime) -> None:
    """A running canary is over by it."""
    row.live_version, row.enabled, row.updated_at = version, True, now
    end_canary(row)
    session.add(row)
    session.flush()


def end_canary(row: RouterRow) -> None:
    row.canary_version = row.canary_percent = row.canary_at = None


def forget_draft(row: RouterRow) -> None:
    row.draft = row.draft_base = row.draft_at = row.draft_by = None


def read_views(session: Session, only: str | None = None) -> list[RouterView]:
    """By name; of one router where an id or a name is given."""
    joined = (
        select(RouterRow, RouterVersionRow)
        .join(
            RouterVersionRow,
            and_(
                col(RouterVersionRow.router_id) == RouterRow.id,
                col(RouterVersionRow.version) == RouterRow.live_version,
            ),
            isouter=True,
        )
        .order_by(col(RouterRow.name))
    )
    if only is not None:
        found = router_named(session, only)
        joined = joined.where(RouterRow.id == (found.id if found is not None else ""))
    return [_view(row, live) for row, live in session.exec(joined)]


def built_in_view() -> RouterView:
    return RouterView(BUILT_IN_ID, BUILT_IN.name, 0, True, plain(BUILT_IN), None, None, None, None)


def read_versions(session: Session, row: RouterRow) -> Sequence[VersionView]:
    """The newest first."""
    query = select(RouterVersionRow).where(RouterVersionRow.router_id == row.id)
    return tuple(
        VersionView(
            version=each.version,
            published_at=each.published_at,
            published_by=each.published_by,
            note=each.note,
            document=each.document,
            live=each.version == row.live_version,
            canary=each.version == row.canary_version,
        )
        for each in session.exec(query.order_by(col(RouterVersionRow.version).desc()))
    )


def name_of(actor: Actor | str) -> str:
    return actor if isinstance(actor, str) else actor.email


def _view(row: RouterRow, live: RouterVersionRow | None) -> RouterView:
    if live is not None:
        document = live.document
    else:
        unpublished = unpublished_document(row.name)
        document = unpublished if row.name == BUILT_IN.name else row.draft or unpublished
    canary = None
    if row.canary_version is not None and row.canary_percent is not None and row.canary_at is not None:
        canary = CanaryView(row.canary_version, row.canary_percent, row.canary_at)
    return RouterView(
        id=row.id,
        name=row.name,
        version=row.live_version,
        enabled=row.enabled,
        document=document,
        published_at=live.published_at if live is not None else None,
        published_by=live.published_by if live is not None else None,
        created_at=row.created_at,
        updated_at=row.updated_at,
        has_draft=row.draft is not None,
        canary=canary,
        from_file=row.from_file,
    )
