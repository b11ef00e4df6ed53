"""What becomes of a router's versions, each step in the caller's transaction and in the audit log."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from app.core.errors import Conflict, NotFound
from app.db.tables.audit import AuditRow
from app.db.tables.routers import RouterRow
from app.routing.checks import check_on_failure, read_document
from app.routing.document import BUILT_IN, RouterDocument
from app.services.audit import note as audit
from app.services.changes import Change, differing
from app.services.router_documents import plain, reachable, with_ids_of, with_rule_ids, without_rule_ids
from app.services.router_rows import (
    add_version,
    end_canary,
    forget_draft,
    live_document,
    live_documents,
    name_of,
    new_router,
    put_live,
    router_named,
    version_of,
)
from app.services.views import Actor

EDITS_TOGETHER = timedelta(minutes=15)  # one person's edits in a row are one event of the audit log
_EDIT = "edit draft"


def keep_draft(session: Session, row: RouterRow, actor: Actor | str, document: dict[str, Any], now: datetime) -> None:
    if row.draft is None:
        row.draft_base = row.live_version
    row.draft, row.draft_at, row.draft_by = document, now, name_of(actor)
    session.add(row)
    session.flush()


def note_edit(
    session: Session, actor: Actor | str, name: str, before: dict[str, Any], after: dict[str, Any], now: datetime
) -> None:
    """An editor saves often: where the newest event is an edit of the same draft by the same person, it is that one
    that goes on."""
    last = session.exec(select(AuditRow).order_by(col(AuditRow.id).desc()).limit(1)).first()
    if (
        last is not None
        and (last.action, last.subject, last.actor) == (_EDIT, name, name_of(actor))
        and abs(now - last.at) < EDITS_TOGETHER
    ):
        last.after = after
        session.add(last)
    else:
        audit(session, actor, _EDIT, name, before, after)


def publish_live(session: Session, row: RouterRow, actor: Actor | str, note: str, now: datetime) -> None:
    """The draft, else the running canary. Raises Conflict where there is neither."""
    before = live_document(session, row) if row.live_version else None
    if row.draft is not None:
        after = row.draft
        _check_way(session, row, after)
        number = add_version(session, row, after, actor, note, now)
        forget_draft(row)
    elif row.canary_version is not None and (canary := version_of(session, row, row.canary_version)) is not None:
        after, number = canary.document, canary.version
        _check_way(session, row, after)
        canary.note = note or canary.note
        session.add(canary)
    else:
        raise nothing_to_publish(row.name)
    put_live(session, row, number, now)
    audit(session, actor, "publish router", row.name, before, after)


def publish_canary(
    session: Session, row: RouterRow, actor: Actor | str, percent: float, note: str, now: datetime
) -> None:
    """The draft as a version beside the live one; without a draft, the running canary's new share."""
    if row.live_version == 0 and row.name != BUILT_IN.name:
        raise Conflict(f'The router "{row.name}" has no live version yet; publish it without a percent first.')
    if row.draft is not None:
        _check_way(session, row, row.draft)
        before, after = live_document(session, row), row.draft
        row.canary_version = add_version(session, row, after, actor, note, now)
        row.canary_at = now
        forget_draft(row)
        audit(session, actor, "start canary", row.name, before, after | {"canary_percent": percent})
    elif row.canary_version is not None:
        audit(session, actor, "change canary", row.name, canary_of(row), canary_of(row) | {"percent": percent})
    else:
        raise nothing_to_publish(row.name)
    row.canary_percent = percent
    row.enabled, row.updated_at = True, now
    session.add(row)
    session.flush()


def stop_canary(session: Session, row: RouterRow, actor: Actor | str, now: datetime) -> None:
    audit(session, actor, "stop canary", row.name, canary_of(row))
    end_canary(row)
    row.updated_at = now
    session.add(row)


def roll_back(session: Session, row: RouterRow, actor: Actor | str, version: int, now: datetime) -> None:
    """An old version's document becomes a new version. Raises NotFound, and Conflict where it is live already."""
    old = version_of(session, row, version)
    if old is None:
        raise NotFound(f'The router "{row.name}" has no version {version}.')
    if version == row.live_version:
        raise Conflict(f'Version {version} of router "{row.name}" is live already.')
    before = live_document(session, row)
    _check_way(session, row, old.document)
    put_live(session, row, add_version(session, row, old.document, actor, f"back to version {version}", now), now)
    audit(session, actor, "roll back router", row.name, before, old.document)


def put_from_file(session: Session, actor: Actor | str, document: RouterDocument, now: datetime) -> Change | None:
    """Publishes a document of the file, whose rules have no ids; None where it is live already and no canary runs.
    A rule that stays keeps its id. Drafts stay, a canary is over."""
    row = router_named(session, document.name)
    if row is None or row.live_version == 0:
        row = row or new_router(session, document.name, now, from_file=True)
        after = plain(with_rule_ids(document))
        put_live(session, row, add_version(session, row, after, actor, "", now), now)
        audit(session, actor, "publish router", row.name, None, after)
        return Change("add", "router", row.name)
    live = live_document(session, row)
    before, said = plain(without_rule_ids(read_document(live))), plain(document)
    fields = differing(before, dict.fromkeys(before) | said) + (() if row.enabled else ("enabled",))
    if fields:
        after = plain(with_ids_of(read_document(live), document))
        number = add_version(session, row, after, actor, "", now)
        audit(session, actor, "publish router", row.name, live, after)
    elif row.canary_version is None:
        return None
    else:
        number, fields = row.live_version, ("canary",)
        audit(session, actor, "stop canary", row.name, canary_of(row))
    put_live(session, row, number, now)
    return Change("change", "router", row.name, fields)


def canary_of(row: RouterRow) -> dict[str, Any]:
    return {"version": row.canary_version, "percent": row.canary_percent}


def nothing_to_publish(name: str) -> Conflict:
    return Conflict(f'There is nothing to publish of router "{name}": it has no draft, and no canary is running.')


def _check_way(session: Session, row: RouterRow, document: dict[str, Any]) -> None:
    """By what is live now: another router may have been published since the draft was saved."""
    read = read_document(document)
    check_on_failure(reachable(read, {BUILT_IN.name: BUILT_IN} | live_documents(session) | {row.name: read}))
