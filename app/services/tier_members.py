"""Who is in a tier: nobody may be left in one that is gone, since their limits would be gone with it."""

from __future__ import annotations

from sqlmodel import Session, col, select, update

from app.core.errors import Conflict
from app.db.tables.keys import KeyRow
from app.db.tables.people import PersonRow
from app.services.tiers import tiers_in


def check_members(session: Session) -> None:
    """Raises Conflict where a key or a person is in a tier that does not exist (any more). Revoked keys, which nobody
    can edit, just lose theirs."""
    known = list(tiers_in(session))
    session.exec(
        update(KeyRow).where(col(KeyRow.disabled).is_(True), col(KeyRow.tier).not_in(known)).values(tier=None)
    )
    keys = select(KeyRow.tier, KeyRow.name).where(col(KeyRow.tier).not_in(known)).order_by(KeyRow.name)
    people = select(PersonRow.tier, PersonRow.email).where(col(PersonRow.tier).not_in(known)).order_by(PersonRow.email)
    left = [("key", *row) for row in session.exec(keys)] + [("person", *row) for row in session.exec(people)]
    if left:
        what, tier, name = left[0]
        others = f" and {len(left) - 1} more" if len(left) > 1 else ""
        raise Conflict(
            f'tiers: "{tier}" still has the {what} {name}{others}; put them into another tier first.', field="tiers"
        )
