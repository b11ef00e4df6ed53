"""/api/keys: gateway keys. A secret is in the answer that makes it, and never again."""

from __future__ import annotations

from typing import Any

from app.api.management import shapes
from app.api.management.access import ActorOf, Endpoints, ServicesOf
from app.api.management.paging import Paged
from app.security.permissions import Permission, allows

OWN = Permission.OWN_KEYS
ROUTER = Endpoints(prefix="/api", tags=["keys"])


@ROUTER.on("GET", "/keys", needs=OWN)
async def list_keys(services: ServicesOf, actor: ActorOf, paged: Paged) -> dict[str, Any]:
    """Everyone's for owners and admins, one's own for members."""
    views = await services.keys.list(actor, all=allows(actor.role, Permission.MANAGE_GATEWAY))
    return paged.page([shapes.key(view) for view in views])


@ROUTER.on("POST", "/keys", needs=OWN, status=201)
async def create_key(body: shapes.KeyBody, services: ServicesOf, actor: ActorOf) -> dict[str, Any]:
    view, secret = await services.keys.create(actor, body.spec())
    return {**shapes.key(view), "secret": secret}


@ROUTER.on("GET", "/keys/{id}", needs=OWN)
async def get_key(id: str, services: ServicesOf, actor: ActorOf) -> dict[str, Any]:
    return shapes.key(await services.keys.get(actor, id))


@ROUTER.on("PUT", "/keys/{id}", needs=OWN)
async def change_key(id: str, body: shapes.KeyBody, services: ServicesOf, actor: ActorOf) -> dict[str, Any]:
    return shapes.key(await services.keys.update(actor, id, body.spec()))


@ROUTER.on("DELETE", "/keys/{id}", needs=OWN, status=204)
async def revoke_key(id: str, services: ServicesOf, actor: ActorOf) -> None:
    """Revoked at once; its history stays."""
    await services.keys.revoke(actor, id)


@ROUTER.on("POST", "/keys/{id}/rotate", needs=OWN)
async def rotate_key(id: str, services: ServicesOf, actor: ActorOf) -> dict[str, Any]:
    view, secret = await services.keys.rotate(actor, id)
    return {**shapes.key(view), "secret": secret}


@ROUTER.on("POST", "/admin/users/generate-key", needs=Permission.MANAGE_GATEWAY, status=201)
async def generate_key(body: shapes.KeyBody, services: ServicesOf, actor: ActorOf) -> dict[str, Any]:
    """A key for the person named in `user`."""
    view, secret = await services.keys.create(actor, body.spec())
    return {**shapes.key(view), "secret": secret}
