"""The ledger: requests and their attempts, with what replay will need. Costs are nano-dollars."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from app.db.tables.base import json_field, time_field


class RequestRow(SQLModel, table=True):
    __tablename__ = "request"
    __table_args__ = (
        Index("ix_request_key_at", "key_id", "at"),
        Index("ix_request_person_at", "person_id", "at"),
        Index("ix_request_provider_at", "provider_id", "at"),
    )
    id: str = Field(primary_key=True)
    at: datetime = time_field(index=True)
    key_id: str | None = None
    person_id: str | None = None
    conversation_id: str | None = None
    router: str | None = None
    router_version: int | None = None
    rule: str | None = None
    model_asked: str = ""
    provider_id: str | None = None
    provider: str | None = None
    provider_kind: str | None = None
    model: str | None = None
    format: str = ""
    stream: bool = False
    status: int = 200
    error: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cost: int | None = Field(default=None, sa_type=BigInteger)  # None: the price is unknown
    provider_cost: int | None = Field(default=None, sa_type=BigInteger)  # what the provider itself says it charged
    estimated: bool = False
    latency_ms: int = 0
    first_token_ms: int | None = None
    attempts: int = 0
    tags: list[str] = json_field([])
    intent: str | None = None
    needs: list[str] = json_field([])
    estimated_input: int = 0
    max_tokens: int | None = None
    decision: dict[str, Any] | None = json_field()


class AttemptRow(SQLModel, table=True):
    """Written as open when it starts and closed at its end; start-up marks what is left open as interrupted."""

    __tablename__ = "attempt"
    id: str = Field(primary_key=True)
    request_id: str = Field(index=True)
    position: int = 1
    state: str = Field(default="open")  # open | closed | interrupted
    key_id: str | None = None
    person_id: str | None = None
    provider_id: str = ""
    provider: str = ""
    provider_kind: str | None = None
    model: str = ""
    credential_id: str | None = None
    reserved: int | None = Field(
        default=None, sa_type=BigInteger
    )  # the most it may cost, for what is left open after a crash
    estimated_input: int = 0
    status: int = 0
    error: str | None = None
    started_at: datetime = time_field(index=True)
    latency_ms: int = 0
    first_token_ms: int | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost: int | None = Field(default=None, sa_type=BigInteger)
