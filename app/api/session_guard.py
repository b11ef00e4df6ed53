"""Keeps pages and sockets to those who are logged in, and every socket event to the client it belongs to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, quote

from nicegui import Client, core
from starlette.responses import JSONResponse, RedirectResponse, Response

from app.services.container import Services
from app.services.snapshot import Snapshot

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "anygpt_session"
SOCKET = "/_nicegui_ws"
PUBLIC = frozenset({"/login", "/setup", "/auth/login", "/auth/logout", "/favicon.ico"})
PUBLIC_FOLDERS = ("/static/", "/_nicegui/", "/api/")


class SessionGuard:
    """A pure ASGI layer in front of pages and management. A NiceGUI client may only be attached to by the session
    that its page was served to; the management API checks for itself."""

    def __init__(self, app: App, services: Services, *, to_login: bool = True) -> None:
        self._app, self._services, self._logs_in = app, services, to_login

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        token = session_token(scope)
        session = self._services.sessions.person_of(token)
        scope.setdefault("state", {})["session"] = session
        if path.startswith(SOCKET):
            if session is None or not _may_attach(scope, session.id):
                await _refuse_socket(scope, receive, send)
                return
        elif session is None and self._logs_in and path not in PUBLIC and not path.startswith(PUBLIC_FOLDERS):
            await self._to_login(scope, path)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _to_login(self, scope: Scope, path: str) -> Response:
        if scope.get("method") not in ("GET", "HEAD"):
            return JSONResponse({"detail": "Log in first."}, 401)
        query = scope["query_string"].decode("latin-1")
        back = quote(path + (f"?{query}" if query else ""), safe="")
        return RedirectResponse("/login" if back == "%2F" else f"/login?next={back}", 303)


def session_token(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"cookie":
            try:
                morsel = SimpleCookie(value.decode("latin-1")).get(COOKIE)
            except CookieError:
                return None
            return morsel.value if morsel is not None else None
    return None


def bind_socket_events() -> None:
    """Events count only for client ids that this socket has joined."""
    for name in ("event", "javascript_response", "ack", "log"):
        original = core.sio.handlers["/"].get(name)
        if original is not None and not getattr(original, "bound_to_room", False):
            core.sio.on(name, _only_own(original))


async def end_lost_sessions(services: Services, snapshot: Snapshot) -> None:
    """Pages of sessions that were ended (log-out elsewhere, disabled person) are sent to the log-in."""
    alive = {session.id for session in snapshot.sessions.values()}
    disabled = {person.id for person in snapshot.people.values() if person.disabled}
    for client in list(Client.instances.values()):
        session = client.request.scope.get("state", {}).get("session") if client.request is not None else None
        if session is not None and (session.id not in alive or session.person.id in disabled):
            client.open("/login")
            asyncio.get_running_loop().call_later(0.5, _delete, client.id)


def _delete(client_id: str) -> None:
    client = Client.instances.get(client_id)
    if client is not None:
        client.delete()


def _only_own(original: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    def bound(sid: str, message: Any) -> Any:
        client_id = message.get("client_id") if isinstance(message, dict) else None
        return original(sid, message) if client_id in core.sio.rooms(sid) else None

    bound.bound_to_room = True  # type: ignore[attr-defined]
    return bound


def _may_attach(scope: Scope, session_id: str) -> bool:
    client_id = parse_qs(scope["query_string"].decode("latin-1")).get("client_id", [""])[0]
    client = Client.instances.get(client_id)
    if client is None or client.request is None:
        return True  # NiceGUI itself answers an unknown client with a reload
    served_to = client.request.scope.get("state", {}).get("session")
    return served_to is not None and served_to.id == session_id


async def _refuse_socket(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 4401})
        return
    await Response(status_code=401)(scope, receive, send)
