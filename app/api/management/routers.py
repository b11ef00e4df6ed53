"""/api/routers: documents of rules; a change is live at once."""

from __future__ import annotations

from typing import Any

from fastapi import Body

from app.api.management import shapes
from app.api.management.access import ActorOf, Endpoints, ServicesOf
from app.api.management.paging import Paged
from app.security.permissions import Permission
from app.services.routers import RouterView

MANAGE = Permission.MANAGE_GATEWAY
ROUTER = Endpoints(prefix="/api/routers", tags=["routers"])
Document = dict[str, Any]


@ROUTER.on("GET", "", needs=MANAGE)
async def list_routers(services: ServicesOf, paged: Paged) -> dict[str, Any]:
    return paged.page([_shape(view) for view in await services.routers.list()])


@ROUTER.on("POST", "", needs=MANAGE, status=201)
async def add_router(services: ServicesOf, actor: ActorOf, body: Document = Body()) -> dict[str, Any]:
    return _shape(await services.routers.save(actor, _document(body), new=True))


@ROUTER.on("GET", "/{id}", needs=MANAGE)
async def get_router(id: str, services: ServicesOf) -> dict[str, Any]:
    return _shape(await services.routers.get(id))


@ROUTER.on("PUT", "/{id}", needs=MANAGE)
async def change_router(id: str, services: ServicesOf, actor: ActorOf, body: Document = Body()) -> dict[str, Any]:
    """A new version. A router keeps its name: keys refer to it."""
    view = await services.routers.get(id)
    return _shape(await services.routers.save(actor, {**_document(body), "name": view.name}))


@ROUTER.on("DELETE", "/{id}", needs=MANAGE, status=204)
async def delete_router(id: str, services: ServicesOf, actor: ActorOf) -> None:
    await services.routers.delete(actor, id)


@ROUTER.on("POST", "/{id}/rules", needs=MANAGE, status=201)
async def add_rule(id: str, services: ServicesOf, actor: ActorOf, body: Document = Body()) -> dict[str, Any]:
    """Before the rules without conditions, which would otherwise always come first."""
    return await services.routers.add_rule(actor, id, body)


@ROUTER.on("PUT", "/{id}/rules/{rule_id}", needs=MANAGE)
async def change_rule(
    id: str, rule_id: str, services: ServicesOf, actor: ActorOf, body: Document = Body()
) -> dict[str, Any]:
    return await services.routers.change_rule(actor, id, rule_id, body)


@ROUTER.on("DELETE", "/{id}/rules/{rule_id}", needs=MANAGE, status=204)
async def delete_rule(id: str, rule_id: str, services: ServicesOf, actor: ActorOf) -> None:
    await services.routers.delete_rule(actor, id, rule_id)


def _shape(view: RouterView) -> dict[str, Any]:
    return {
        **view.document,
        "id": view.id,
        "version": view.version,
        "enabled": view.enabled,
        "published_at": shapes.moment(view.published_at),
        "published_by": view.published_by,
        "created_at": shapes.moment(view.created_at),
        "updated_at": shapes.moment(view.updated_at),
    }


def _document(body: Document) -> Document:
    """What was read may be sent back: fields of ours are left out."""
    ours = ("id", "version", "enabled", "published_at", "published_by", "created_at", "updated_at")
    return {name: value for name, value in body.items() if name not in ours}
