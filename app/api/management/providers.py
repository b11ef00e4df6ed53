"""/api/providers: upstreams and their models."""

from __future__ import annotations

from typing import Any

from app.api.management import shapes
from app.api.management.access import ActorOf, Endpoints, ServicesOf
from app.api.management.paging import Paged
from app.core.errors import NotFound
from app.security.permissions import Permission

MANAGE = Permission.MANAGE_GATEWAY
ROUTER = Endpoints(prefix="/api", tags=["providers"])


@ROUTER.on("GET", "/providers", needs=MANAGE)
async def list_providers(services: ServicesOf, paged: Paged) -> dict[str, Any]:
    return paged.page([shapes.provider(view) for view in services.providers.list()])


@ROUTER.on("POST", "/providers", needs=MANAGE, status=201)
async def add_provider(body: shapes.ProviderBody, services: ServicesOf, actor: ActorOf) -> dict[str, Any]:
    """Without `models` the provider is asked for them."""
    return shapes.provider(await services.providers.add(actor, body.spec()))


@ROUTER.on("GET", "/providers/{id}", needs=MANAGE)
async def get_provider(id: str, services: ServicesOf) -> dict[str, Any]:
    return shapes.provider(services.providers.get(id))


@ROUTER.on("PUT", "/providers/{id}", needs=MANAGE)
async def change_provider(id: str, body: shapes.ProviderBody, services: ServicesOf, actor: ActorOf) -> dict[str, Any]:
    """Fields left out return to their defaults, except the keys, which stay."""
    return shapes.provider(await services.providers.update(actor, id, body.spec()))


@ROUTER.on("DELETE", "/providers/{id}", needs=MANAGE, status=204)
async def delete_provider(id: str, services: ServicesOf, actor: ActorOf) -> None:
    await services.providers.delete(actor, id)


@ROUTER.on("POST", "/providers/{id}/test", needs=MANAGE)
async def test_provider(id: str, services: ServicesOf) -> dict[str, Any]:
    """A call that costs nothing, with the stored keys."""
    services.providers.find(id)
    result = await services.providers.test(id)
    return {
        "ok": result.ok,
        "message": result.sentence,
        "models_found": result.models_found,
        "latency_ms": result.latency_ms,
    }


@ROUTER.on("POST", "/providers/{id}/models/refresh", needs=MANAGE)
async def refresh_models(id: str, services: ServicesOf, actor: ActorOf) -> dict[str, Any]:
    """Asks the provider for its models now."""
    return {"models": await services.providers.refresh_models(actor, id)}


@ROUTER.on("POST", "/admin/providers", needs=MANAGE)
async def add_or_change_provider(body: shapes.ProviderBody, services: ServicesOf, actor: ActorOf) -> dict[str, Any]:
    """Adds a provider, or changes the one of that name, and fetches its models."""
    try:
        services.providers.find(body.name)
    except NotFound:
        return shapes.provider(await services.providers.add(actor, body.spec()))
    await services.providers.update(actor, body.name, body.spec(), ask=False)
    if body.models is None:
        await services.providers.refresh_models(actor, body.name)
    return shapes.provider(services.providers.get(body.name))
