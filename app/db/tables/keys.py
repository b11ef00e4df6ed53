"""Gateway keys: only an HMAC of the secret is kept."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from app.db.tables.base import json_field, optional_time_field, time_field


class KeyRow(SQLModel, table=True):
    __tablename__ = "gateway_key"
    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    secret_hmac: str = Field(unique=True)
    hint: str
    person_id: str | None = Field(default=None, foreign_key="person.id", index=True)
    router: str | None = None
    tier: str | None = None
    models: list[str] = json_field(["*"])
    scopes: list[str] = json_field([])
    limits: dict[str, int] = json_field({})
    budgets: list[dict[str, Any]] = json_field([])  # [{"usd": nano-dollars, "window": "day"}]
    on_budget: str = "refuse"
    unknown_price: str = "refuse"
    allowed_ips: list[str] = json_field([])
    allowed_referrers: list[str] = json_field([])
    expires_at: datetime | None = optional_time_field()
    disabled: bool = False
    from_file: bool = False
    created_at: datetime = time_field()
    updated_at: datetime = time_field()
