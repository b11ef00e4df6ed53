"""A log filter as conditions on the ledger."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import col, select

from app.db.tables.keys import KeyRow
from app.db.tables.ledger import RequestRow as RequestTable
from app.db.tables.people import PersonRow
from app.services.views import LogFilter


def conditions(wanted: LogFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.since is not None:
        found.append(col(RequestTable.at) >= wanted.since)
    if wanted.until is not None:
        found.append(col(RequestTable.at) <= wanted.until)
    match wanted.status:
        case "ok":
            found.append(col(RequestTable.status) < 400)
        case "failed":
            found.append(col(RequestTable.status) >= 400)
        case "failed_over":
            found.append(and_(col(RequestTable.attempts) > 1, col(RequestTable.status) < 400))
    if wanted.provider:
        found.append(col(RequestTable.provider) == wanted.provider)
    if wanted.model:
        found.append(or_(col(RequestTable.model) == wanted.model, col(RequestTable.model_asked) == wanted.model))
    if wanted.key:
        keys = select(KeyRow.id).where(or_(col(KeyRow.name) == wanted.key, col(KeyRow.id) == wanted.key))
        found.append(col(RequestTable.key_id).in_(keys))
    if wanted.user:
        people = select(PersonRow.id).where(
            or_(col(PersonRow.email) == wanted.user.lower(), col(PersonRow.id) == wanted.user)
        )
        found.append(col(RequestTable.person_id).in_(people))
    if wanted.text:
        keys = select(KeyRow.id).where(col(KeyRow.name).icontains(wanted.text, autoescape=True))
        found.append(
            or_(
                col(RequestTable.id).icontains(wanted.text, autoescape=True),
                col(RequestTable.model).icontains(wanted.text, autoescape=True),
                col(RequestTable.model_asked).icontains(wanted.text, autoescape=True),
                col(RequestTable.provider).icontains(wanted.text, autoescape=True),
                col(RequestTable.key_id).in_(keys),
            )
        )
    return found
