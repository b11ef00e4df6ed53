"""Conversations, their messages, and votes on answers."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from app.db.tables.base import json_field, optional_time_field, time_field


class ConversationRow(SQLModel, table=True):
    __tablename__ = "conversation"
    id: str = Field(primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True, ondelete="CASCADE")
    title: str = ""
    model: str = ""
    starred: bool = False
    leaf_id: str | None = None  # the last message of the branch that is shown
    deleted_at: datetime | None = optional_time_field()
    created_at: datetime = time_field()
    updated_at: datetime = time_field()


class MessageRow(SQLModel, table=True):
    """Messages form a tree by `parent_id`: editing or answering again adds a branch, nothing is overwritten."""

    __tablename__ = "message"
    id: str = Field(primary_key=True)
    conversation_id: str = Field(foreign_key="conversation.id", index=True, ondelete="CASCADE")
    parent_id: str | None = None
    role: str
    text: str = ""
    reasoning: str = ""
    images: list[str] = json_field([])
    author_id: str | None = None
    request_id: str | None = None
    status: str = "done"  # writing | done | stopped | failed | interrupted
    error: str | None = None
    facts: dict[str, Any] = json_field({})  # provider, model, tokens, cost, times and notes, as shown under the answer
    created_at: datetime = time_field()


class VoteRow(SQLModel, table=True):
    __tablename__ = "vote"
    message_id: str = Field(primary_key=True, foreign_key="message.id", ondelete="CASCADE")
    person_id: str = Field(primary_key=True, foreign_key="person.id", ondelete="CASCADE")
    value: int  # +1 or -1
    deployment_id: str | None = None
    created_at: datetime = time_field()
