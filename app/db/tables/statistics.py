"""What is known of deployments, and the ledger summed by the hour."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.db.tables.base import json_field, time_field


class DeploymentNumbersRow(SQLModel, table=True):
    """`numbers` are what `Numbers.dump` gives: they survive a restart."""

    __tablename__ = "deployment_numbers"
    deployment_id: str = Field(primary_key=True)
    numbers: dict[str, Any] = json_field({})
    updated_at: datetime = time_field()


class HourRow(SQLModel, table=True):
    """Requests of one hour that agree in everything the columns before `requests` say; "" where there is none. Costs
    are nano-dollars; `unpriced` requests have none."""

    __tablename__ = "hour_sum"
    __table_args__ = (
        UniqueConstraint("hour", "key_id", "person_id", "provider_id", "model", "router", "router_version", "rule"),
    )
    id: int | None = Field(default=None, primary_key=True)
    hour: datetime = time_field(index=True)
    key_id: str = ""
    person_id: str = ""
    provider_id: str = ""
    provider: str = ""
    provider_kind: str = ""
    model: str = ""
    router: str = ""
    router_version: int = 0
    rule: str = ""
    requests: int = 0
    failures: int = 0
    attempts: int = 0
    input_tokens: int = Field(default=0, sa_type=BigInteger)
    output_tokens: int = Field(default=0, sa_type=BigInteger)
    cache_read_tokens: int = Field(default=0, sa_type=BigInteger)
    cost: int = Field(default=0, sa_type=BigInteger)
    unpriced: int = 0
    latency_ms: int = Field(default=0, sa_type=BigInteger)  # the sum
    first_token_ms: int = Field(default=0, sa_type=BigInteger)  # the sum, of `first_tokens` requests
    first_tokens: int = 0
