"""Providers, their credentials, their deployments, and the history of probes."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from app.db.tables.base import json_field, optional_time_field, time_field


class ProviderRow(SQLModel, table=True):
    __tablename__ = "provider"
    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    kind: str
    base_url: str | None = None
    formats: list[str] | None = json_field()
    enabled: bool = True
    priority: int = 100
    rate_limit: dict[str, Any] | None = json_field()
    models_listed: bool = False  # the admin named the models: none are added by asking the provider
    models_asked_at: datetime | None = optional_time_field()
    from_file: bool = False  # made by `apply`, so that --prune may disable it
    deleted_at: datetime | None = optional_time_field()
    created_at: datetime = time_field()
    updated_at: datetime = time_field()


class CredentialRow(SQLModel, table=True):
    """A provider key: encrypted, or the name of the environment variable that holds it."""

    __tablename__ = "credential"
    id: str = Field(primary_key=True)
    provider_id: str = Field(foreign_key="provider.id", index=True, ondelete="CASCADE")
    position: int = 0
    secret: bytes | None = None
    env: str | None = None
    hint: str = ""
    created_at: datetime = time_field()


class DeploymentRow(SQLModel, table=True):
    """One way to serve a model. A price is the fields of core.price.Price that are set; no price is unknown.
    `own_price` is an admin's, over what was found by asking or stands in the catalogue."""

    __tablename__ = "deployment"
    __table_args__ = (UniqueConstraint("provider_id", "model_id"),)
    id: str = Field(primary_key=True)
    provider_id: str = Field(foreign_key="provider.id", index=True, ondelete="CASCADE")
    model_id: str
    alias: str | None = Field(default=None, index=True)
    name: str | None = None
    enabled: bool = True
    listed: bool = False  # named by the admin, not found by asking
    price: dict[str, Any] | None = json_field()
    own_price: dict[str, Any] | None = json_field()
    context_window: int | None = None
    max_output_tokens: int | None = None
    capabilities: list[str] | None = json_field()
    created_at: datetime = time_field()
    updated_at: datetime = time_field()


class ProbeRow(SQLModel, table=True):
    __tablename__ = "probe"
    id: int | None = Field(default=None, primary_key=True)
    provider_id: str = Field(index=True)
    at: datetime = time_field(index=True)
    ok: bool
    latency_ms: int = 0
    error: str | None = None
