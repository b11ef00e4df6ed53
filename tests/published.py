"""Routers that are live: what most tests begin with."""

from __future__ import annotations

from typing import Any

from app.core.errors import NotFound
from app.services.container import Services
from app.services.router_views import RouterView
from app.services.views import Actor


async def published(services: Services, document: dict[str, Any], actor: Actor | str = "test") -> RouterView:
    """A router of that name with this document as its next version, made where there is none."""
    try:
        view = await services.routers.get(document["name"])
    except NotFound:
        view = await services.routers.create(actor, document)
    else:
        await services.routers.save_draft(actor, view.id, document)
    return await services.routers.publish(actor, view.id)
