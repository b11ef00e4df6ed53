"""/api/settings: what can change while the server runs."""

from __future__ import annotations

from typing import Any

from fastapi import Body

from app.api.management.access import ActorOf, Endpoints, ServicesOf
from app.security.permissions import Permission
from app.services.runtime import KNOWN

ROUTER = Endpoints(prefix="/api/settings", tags=["settings"])


@ROUTER.on("GET", "", needs=Permission.MANAGE_GATEWAY)
async def get_settings(services: ServicesOf) -> dict[str, Any]:
    """Each setting with its value, its default and what it accepts."""
    values = services.runtime.all()
    return {
        "settings": {
            name: {"value": values[name], "default": setting.default, "accepts": setting.accepts}
            for name, setting in KNOWN.items()
        }
    }


@ROUTER.on("PUT", "", needs=Permission.MANAGE_GATEWAY)
async def change_settings(services: ServicesOf, actor: ActorOf, body: dict[str, Any] = Body()) -> dict[str, Any]:
    """Those that are named change, all or none: `{"max_body_mb": 64}`."""
    return {"settings": await services.runtime.set(actor, body)}
