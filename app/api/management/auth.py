"""/api/auth: tokens for programs, and who one is."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from app.api.address import client_address, headers_of
from app.api.management import shapes
from app.api.management.access import PUBLIC, SIGNED_IN, ActorOf, Endpoints, ServicesOf
from app.core.clock import rfc3339
from app.security.permissions import Permission, allows

ROUTER = Endpoints(prefix="/api/auth", tags=["auth"])


@ROUTER.on("POST", "/login", needs=PUBLIC)
async def log_in(body: shapes.Login, request: Request, services: ServicesOf) -> dict[str, Any]:
    """A bearer token. Five failures per account and address in 15 minutes close it for 15 minutes."""
    address = client_address(request.scope, headers_of(request.scope), services.settings.proxy_networks)
    token, expires = await services.sessions.log_in(
        body.email or body.username,
        body.password,
        address=address,
        user_agent=request.headers.get("user-agent", ""),
        remember=body.remember,
    )
    return {"token": token, "expires_at": rfc3339(expires)}


@ROUTER.on("POST", "/logout", needs=SIGNED_IN, status=204)
async def log_out(request: Request, services: ServicesOf) -> None:
    """Ends the session whose token was sent."""
    header = request.headers.get("authorization", "")
    if header[:7].lower() == "bearer ":
        await services.sessions.log_out(header[7:].strip())


@ROUTER.on("GET", "/me", needs=SIGNED_IN)
async def me(request: Request, actor: ActorOf) -> dict[str, Any]:
    """The person who asks, what they may do, and the CSRF token of a browser session."""
    session = request.scope.get("state", {}).get("session")
    return {
        **shapes.user(actor),
        "permissions": [str(permission) for permission in Permission if allows(actor.role, permission)],
        "csrf_token": session.csrf if session is not None else None,
    }
