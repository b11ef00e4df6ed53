"""/api/chat/sessions: one's own conversations."""

from __future__ import annotations

from typing import Any

from app.api.management import shapes
from app.api.management.access import ActorOf, Endpoints, ServicesOf
from app.api.management.paging import Paged
from app.security.permissions import Permission

ROUTER = Endpoints(prefix="/api/chat/sessions", tags=["chat"])


@ROUTER.on("GET", "", needs=Permission.CHAT)
async def list_sessions(services: ServicesOf, actor: ActorOf, paged: Paged) -> dict[str, Any]:
    return paged.page([shapes.conversation(info) for info in await services.chats.list(actor)])


@ROUTER.on("POST", "", needs=Permission.CHAT, status=201)
async def create_session(body: shapes.SessionBody, services: ServicesOf, actor: ActorOf) -> dict[str, Any]:
    return shapes.conversation(await services.chats.create(actor, body.model, body.title))


@ROUTER.on("GET", "/{id}", needs=Permission.CHAT)
async def get_session(id: str, services: ServicesOf, actor: ActorOf) -> dict[str, Any]:
    """With its messages, oldest first."""
    info = await services.chats.get(actor, id)
    messages = await services.chats.messages(actor, id)
    return {**shapes.conversation(info), "messages": [shapes.message(each) for each in messages]}


@ROUTER.on("DELETE", "/{id}", needs=Permission.CHAT, status=204)
async def delete_session(id: str, services: ServicesOf, actor: ActorOf) -> None:
    await services.chats.delete(actor, id)
