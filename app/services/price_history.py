"""How prices changed: rows that are written with the change, and what pages show of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, and_, col, or_, select

from app.core.ids import new_id
from app.core.price import Price, read_stored_price, stored_price
from app.db.tables.prices import PriceChangeRow
from app.services.price_merge import PriceMove

ADMIN, PROVIDER = "admin", "provider"  # sources beside the lists: a person's own price, the provider's own word
APPLIED, HELD, CONFIRMED, REJECTED = "applied", "held", "confirmed", "rejected"
SHOWN = 50


@dataclass(frozen=True, slots=True)
class PriceChange:
    """`provider`: the catalogue's name of it, or of the kind. `state`: applied | held | confirmed | rejected."""

    id: str
    at: datetime
    provider: str
    model: str
    source: str
    actor: str | None
    before: Price | None
    after: Price | None
    state: str
    decided_at: datetime | None = None
    decided_by: str | None = None


def own_change(
    at: datetime,
    kind: str,
    provider_id: str,
    model: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    *,
    source: str = ADMIN,
    actor: str | None = None,
) -> PriceChangeRow:
    """Of one provider's model: a person's price, or what the provider itself lists. Prices as rows keep them."""
    return PriceChangeRow(
        id=new_id("pch"),
        at=at,
        provider_kind=kind,
        provider_id=provider_id,
        model=model,
        source=source,
        actor=actor,
        before=before,
        after=after,
    )


def list_change(at: datetime, move: PriceMove, source: str, state: str) -> PriceChangeRow:
    return PriceChangeRow(
        id=new_id("pch"),
        at=at,
        provider_kind=move.provider,
        model=move.model,
        source=source,
        before=_stored(move.before),
        after=_stored(move.after),
        state=state,
    )


def read_held(session: Session) -> list[PriceChange]:
    query = select(PriceChangeRow).where(PriceChangeRow.state == HELD).order_by(col(PriceChangeRow.id))
    return [view_of(row) for row in session.exec(query)]


def read_rejected(session: Session) -> set[tuple[str, str, Price | None]]:
    """Jumps that a person refused: the same one is not held again."""
    query = select(PriceChangeRow).where(PriceChangeRow.state == REJECTED, col(PriceChangeRow.decided_by).is_not(None))
    return {(row.provider_kind, row.model, _read(row.after)) for row in session.exec(query)}


def read_history(
    session: Session, provider_id: str, model: str, catalogue: tuple[str, str] | None
) -> list[PriceChange]:
    """Of one provider's model, the newest first: its own changes, and those of the catalogue's entry behind it."""
    own = and_(col(PriceChangeRow.provider_id) == provider_id, col(PriceChangeRow.model) == model)
    listed = and_(
        col(PriceChangeRow.provider_id).is_(None),
        col(PriceChangeRow.provider_kind) == (catalogue[0] if catalogue else None),
        col(PriceChangeRow.model) == (catalogue[1] if catalogue else None),
    )
    query = select(PriceChangeRow).where(or_(own, listed)).order_by(col(PriceChangeRow.id).desc()).limit(SHOWN)
    return [view_of(row) for row in session.exec(query)]


def view_of(row: PriceChangeRow) -> PriceChange:
    return PriceChange(
        row.id,
        row.at,
        row.provider_kind,
        row.model,
        row.source,
        row.actor,
        _read(row.before),
        _read(row.after),
        row.state,
        row.decided_at,
        row.decided_by,
    )


def _stored(price: Price | None) -> dict[str, Any] | None:
    return stored_price(price) if price is not None else None


def _read(value: dict[str, Any] | None) -> Price | None:
    return read_stored_price(value) if value is not None else None
