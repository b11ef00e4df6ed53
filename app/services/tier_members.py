"""Who is in a tier: nobody may be left in one that is gone, since their limits would be gone with it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, and_, col, select, update

from app.core.errors import Conflict
from app.db.tables.keys import KeyRow
from app.db.tables.people import PersonRow
from app.services.tiers import tiers_in


def check_members(session: Session) -> None:
    """Raises Conflict where a key or a person is in a tier that does not exist (any more). Revoked keys, which nobody
    can edit, just lose theirs."""
    known = list(tiers_in(session))
    lost_key, lost_person = _outside(col(KeyRow.tier), known), _outside(col(PersonRow.tier), known)
    session.exec(update(KeyRow).where(col(KeyRow.disabled).is_(True), lost_key).values(tier=None))
    keys = select(KeyRow.tier, KeyRow.name).where(lost_key).order_by(KeyRow.name)
    people = select(PersonRow.tier, PersonRow.email).where(lost_person).order_by(PersonRow.email)
    left = [("key", *row) for row in session.exec(keys)] + [("person", *row) for row in session.exec(people)]
    if left:
        what, tier, name = left[0]
        others = f" and {len(left) - 1} more" if len(left) > 1 else ""
        raise Conflict(
            f'The tier "{tier}" still has the {what} {name}{others}; choose another tier there first.', field="tiers"
        )


def _outside(tier: Any, known: list[str]) -> ColumnElement[bool]:
    """None is in no tier; to SQL it is outside of an empty list."""
    return and_(tier.is_not(None), tier.not_in(known))
