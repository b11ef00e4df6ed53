"""How prices changed, and changes that wait for an admin."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from app.db.tables.base import json_field, optional_time_field, time_field


class PriceChangeRow(SQLModel, table=True):
    """Prices are the fields of core.price.Price that are set; None is unknown. `state`: applied, or, for one that
    jumped, held, then confirmed or rejected. `source`: "admin", "provider" (its own list of models), or the public
    list it is from. `provider_kind` of such a list's price is the catalogue's name of the provider."""

    __tablename__ = "price_change"
    id: str = Field(primary_key=True)
    at: datetime = time_field(index=True)
    provider_kind: str = ""
    provider_id: str | None = Field(default=None, index=True)  # of an admin's own price; a catalogue's is for the kind
    model: str = Field(index=True)
    source: str = ""
    actor: str | None = None
    before: dict[str, Any] | None = json_field()
    after: dict[str, Any] | None = json_field()
    state: str = "applied"
    decided_at: datetime | None = optional_time_field()
    decided_by: str | None = None
