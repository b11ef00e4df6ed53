"""`--prune`: what an earlier apply made and the file no longer names is switched off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from app.core.errors import Conflict
from app.db.tables.keys import KeyRow
from app.db.tables.providers import ProviderRow
from app.db.tables.routers import RouterRow
from app.routing.checks import check_on_failure
from app.routing.document import BUILT_IN
from app.services.audit import note
from app.services.changes import Change
from app.services.config_file.document import Document
from app.services.router_rows import live_documents


def prune_absent(session: Session, document: Document, actor: str, now: datetime) -> Sequence[Change]:
    """Raises Conflict where a router that stays in use would go."""
    changes = []
    for key in session.exec(select(KeyRow).where(col(KeyRow.from_file).is_(True), col(KeyRow.disabled).is_(False))):
        if key.name not in {item.name.strip() for item in document.keys}:
            key.disabled, key.updated_at = True, now
            session.add(key)
            changes.append(Change("disable", "key", key.name))
    session.flush()
    for router in session.exec(
        select(RouterRow).where(col(RouterRow.from_file).is_(True), col(RouterRow.enabled).is_(True))
    ):
        if router.name not in {item.name for item in document.routers}:
            _check_unused(session, router.name)
            router.enabled, router.updated_at = False, now
            session.add(router)
            changes.append(Change("disable", "router", router.name))
    session.flush()
    check_on_failure({BUILT_IN.name: BUILT_IN} | live_documents(session))
    for provider in session.exec(
        select(ProviderRow).where(
            col(ProviderRow.from_file).is_(True),
            col(ProviderRow.enabled).is_(True),
            col(ProviderRow.deleted_at).is_(None),
        )
    ):
        if provider.name not in {item.name for item in document.providers}:
            provider.enabled, provider.updated_at = False, now
            session.add(provider)
            changes.append(Change("disable", "provider", provider.name))
    for change in changes:
        note(session, actor, f"{change.action} {change.what}", change.name)
    return changes


def _check_unused(session: Session, router: str) -> None:
    if router == BUILT_IN.name:  # the built-in one takes its place
        return
    keys = session.exec(select(KeyRow.name).where(KeyRow.router == router, col(KeyRow.disabled).is_(False))).all()
    if keys:
        raise Conflict(
            f'The router "{router}" cannot be pruned: the keys {", ".join(keys)} use it. '
            "Give them another router, or leave it in the file."
        )
