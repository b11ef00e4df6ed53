"""A log filter as conditions on the ledger."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import col, select

from app.db.tables.base import columns
from app.db.tables.keys import KeyRow
from app.db.tables.ledger import RequestRow as RequestTable
from app.db.tables.people import PersonRow
from app.services.views import LogFilter

REQUESTS: Any = columns(RequestTable)


def conditions(wanted: LogFilter, of: Any = REQUESTS) -> list[ColumnElement[bool]]:
    """`of`: the columns of the ledger, or of some of its rows."""
    found: list[ColumnElement[bool]] = []
    if wanted.since is not None:
        found.append(of.at >= wanted.since)
    if wanted.until is not None:
        found.append(of.at <= wanted.until)
    match wanted.status:
        case "ok":
            found.append(of.status < 400)
        case "failed":
            found.append(of.status >= 400)
        case "failed_over":
            found.append(and_(of.attempts > 1, of.status < 400))
    if wanted.provider:
        found.append(of.provider == wanted.provider)
    if wanted.model:
        found.append(or_(of.model == wanted.model, of.model_asked == wanted.model))
    if wanted.key:
        keys = select(KeyRow.id).where(or_(col(KeyRow.name) == wanted.key, col(KeyRow.id) == wanted.key))
        found.append(of.key_id.in_(keys))
    if wanted.user:
        people = select(PersonRow.id).where(
            or_(col(PersonRow.email) == wanted.user.lower(), col(PersonRow.id) == wanted.user)
        )
        found.append(of.person_id.in_(people))
    if wanted.text:
        keys = select(KeyRow.id).where(col(KeyRow.name).icontains(wanted.text, autoescape=True))
        found.append(
            or_(
                of.id.icontains(wanted.text, autoescape=True),
                of.model.icontains(wanted.text, autoescape=True),
                of.model_asked.icontains(wanted.text, autoescape=True),
                of.provider.icontains(wanted.text, autoescape=True),
                of.key_id.in_(keys),
            )
        )
    return found
