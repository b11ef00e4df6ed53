"""Alembic's entry: one connection, batch mode for SQLite."""

from alembic import context
from sqlalchemy import create_engine
from sqlmodel import SQLModel

from app.db import tables

assert tables  # imported so that the metadata is complete

engine = create_engine(context.config.get_main_option("sqlalchemy.url", ""), hide_parameters=True)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
