"""Who may call which management endpoint: named where the endpoint is, checked in one place."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from app.api.address import client_address, headers_of
from app.core.errors import NotAllowed, NotAuthenticated
from app.security.permissions import Permission, Role, allows
from app.services.container import Services
from app.services.views import Person

PUBLIC = "public"
SIGNED_IN = "signed in"
Needs = Permission | str

ACCESS: dict[tuple[str, str], Needs] = {}  # (method, path) → what it needs; the tests walk all of it


class Endpoints(APIRouter):
    """`@router.on("GET", "/providers", needs=Permission.…)`: an endpoint cannot be declared without its permission."""

    def on(
        self, method: str, path: str, *, needs: Needs, status: int = 200, **options: Any
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        ACCESS[(method, self.prefix + path)] = needs
        dependencies = [] if needs == PUBLIC else [Depends(_require(needs))]
        return self.api_route(path, methods=[method], status_code=status, dependencies=dependencies, **options)


def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def actor_of(request: Request) -> Person:
    """The person behind a request, as `_require` found them."""
    actor: Person = request.state.actor
    return actor


ServicesOf = Annotated[Services, Depends(services_of)]
ActorOf = Annotated[Person, Depends(actor_of)]


def _require(needs: Needs) -> Callable[[Request], None]:
    def check(request: Request) -> None:
        actor = _authenticate(request)
        if isinstance(needs, Permission) and not allows(actor.role, needs):
            raise NotAllowed(f"Your role ({actor.role}) lacks the permission {needs}. Ask an owner or admin.")
        request.state.actor = actor

    return check


def _authenticate(request: Request) -> Person:
    """A bearer token of /api/auth/login, a gateway key with the scope admin, or the browser's session with its CSRF
    token on everything that changes something."""
    services = services_of(request)
    header = request.headers.get("authorization", "")
    token = header[7:].strip() if header[:7].lower() == "bearer " else request.headers.get("x-api-key")
    if token:
        return _by_token(request, services, token)
    session = request.scope.get("state", {}).get("session")
    if session is None:
        raise NotAuthenticated(
            "Log in first: send a token of POST /api/auth/login, or a gateway key with the scope admin, as Bearer."
        )
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        sent = request.headers.get("x-csrf-token", "")
        if not hmac.compare_digest(sent.encode(), session.csrf.encode()):
            raise NotAllowed("The CSRF token is missing or wrong. Send it as X-CSRF-Token (GET /api/auth/me has it).")
    person: Person = session.person
    return person


def _by_token(request: Request, services: Services, token: str) -> Person:
    if not token.startswith("gw_"):
        session = services.sessions.person_of(token)
        if session is None:
            raise NotAuthenticated("This token is not valid or has expired. Log in again.")
        return session.person
    address = client_address(request.scope, headers_of(request.scope), services.settings.proxy_networks)
    key = services.admission.key_of(services.state.current, token, address, request.headers.get("origin"))
    services.admission.check_scope(key, "admin")
    return key.person or Person(id=key.id, email=f"key:{key.name}", name=key.name, role=Role.ADMIN)
