"""/api/users: people and their roles; /api/audit: what admins changed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query

from app.api.management import shapes
from app.api.management.access import ActorOf, Endpoints, ServicesOf
from app.api.management.paging import Paged
from app.security.permissions import Permission

MANAGE = Permission.MANAGE_PEOPLE
ROUTER = Endpoints(prefix="/api", tags=["users"])


@ROUTER.on("GET", "/users", needs=MANAGE)
async def list_users(services: ServicesOf, paged: Paged) -> dict[str, Any]:
    return paged.page([shapes.user(person) for person in await services.people.list()])


@ROUTER.on("POST", "/users", needs=MANAGE, status=201)
async def add_user(body: shapes.UserBody, services: ServicesOf, actor: ActorOf) -> dict[str, Any]:
    """People get roles below one's own; only an owner makes owners and admins."""
    person = await services.people.add(actor, body.email, body.name, body.role, body.password, body.tier)
    return shapes.user(person)


@ROUTER.on("GET", "/users/{id}", needs=MANAGE)
async def get_user(id: str, services: ServicesOf) -> dict[str, Any]:
    return shapes.user(services.people.get(id))


@ROUTER.on("PUT", "/users/{id}", needs=MANAGE)
async def change_user(id: str, body: shapes.UserChange, services: ServicesOf, actor: ActorOf) -> dict[str, Any]:
    """A new password ends all sessions of that person."""
    if body.password is not None:
        await services.people.set_password(actor, id, body.password)
    person = await services.people.update(
        actor, id, name=body.name, role=body.role, disabled=body.disabled, tier=body.tier
    )
    return shapes.user(person)


@ROUTER.on("DELETE", "/users/{id}", needs=MANAGE, status=204)
async def disable_user(id: str, services: ServicesOf, actor: ActorOf) -> None:
    """Disables the account and ends its sessions; what it did stays in the ledger."""
    await services.people.update(actor, id, disabled=True)


@ROUTER.on("GET", "/audit", needs=MANAGE)
async def list_audit(
    services: ServicesOf, limit: Annotated[int, Query(ge=1, le=200)] = 50, cursor: str | None = None
) -> dict[str, Any]:
    found = await services.audit.events(limit, cursor)
    items = [
        {
            "id": event.id,
            "at": shapes.moment(event.at),
            "actor": event.actor,
            "action": event.action,
            "subject": event.subject,
            "before": event.before,
            "after": event.after,
        }
        for event in found.items
    ]
    return shapes.page(items, found.next_cursor)
