"""/api/models: what can be asked for."""

from __future__ import annotations

from typing import Any

from app.api.management import shapes
from app.api.management.access import Endpoints, ServicesOf
from app.api.management.paging import Paged
from app.security.permissions import Permission

ROUTER = Endpoints(prefix="/api", tags=["models"])


@ROUTER.on("GET", "/models", needs=Permission.READ_SHARED)
async def list_models(services: ServicesOf, paged: Paged, search: str = "", provider: str = "") -> dict[str, Any]:
    """Every deployment, also those switched off, with price and capabilities."""
    found = [
        {**shapes.model(model), "cursor": f"{view.name}/{model.id}"}
        for view in services.providers.list()
        if not provider or provider in (view.name, view.id)
        for model in view.models
        if search.lower() in f"{model.alias} {model.id} {model.name}".lower()
    ]
    page = paged.page(found, "cursor")
    for item in page["items"]:
        del item["cursor"]
    return page


@ROUTER.on("GET", "/models/providers", needs=Permission.READ_SHARED)
async def models_by_provider(services: ServicesOf, paged: Paged) -> dict[str, Any]:
    """How many models each provider has, and the catalogue's age."""
    items = [
        {
            "provider": view.name,
            "kind": view.kind,
            "enabled": view.enabled,
            "models": len(view.models),
            "models_enabled": sum(model.enabled for model in view.models),
        }
        for view in services.providers.list()
    ]
    catalog = services.catalog
    return {
        **paged.page(items, "provider"),
        "catalogue": {"models": catalog.size, "made_at": catalog.made_at, "source": catalog.source},
    }
