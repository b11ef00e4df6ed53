"""Log-in, log-out and set-up in the browser: plain HTML forms and our own session cookie."""

from __future__ import annotations

from datetime import datetime

from fastapi import FastAPI, Request
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.api.address import client_address, headers_of
from app.api.session_guard import COOKIE, session_token
from app.core.errors import AnyGPTError, NotAllowed
from app.services.container import Services
from components.static_pages import dead_link_page, login_page, setup_page

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)


class Web:
    def __init__(self, services: Services) -> None:
        self._services = services

    def register(self, parent: FastAPI) -> None:
        for path, handler, method in (
            ("/login", self.login_form, "GET"),
            ("/auth/login", self.log_in, "POST"),
            ("/auth/logout", self.log_out, "POST"),
            ("/setup", self.setup_form, "GET"),
            ("/setup", self.set_up, "POST"),
        ):
            parent.add_api_route(path, handler, methods=[method], include_in_schema=False, response_model=None)

    async def login_form(self, request: Request) -> Response:
        if request.scope["state"].get("session") is not None:
            return RedirectResponse(_local(request.query_params.get("next")), 303)
        out = request.query_params.get("out") is not None
        return _page(login_page(error=None, next=_local(request.query_params.get("next")), signed_out=out))

    async def log_in(self, request: Request) -> Response:
        _same_site(request)
        form = await request.form()
        email, back = _text(form, "email"), _local(_text(form, "next"))
        remember = bool(_text(form, "remember"))
        try:
            token, expires = await self._services.sessions.log_in(
                email,
                _text(form, "password"),
                address=self._address(request),
                user_agent=request.headers.get("user-agent", ""),
                remember=remember,
            )
        except AnyGPTError as error:
            return _page(login_page(error=error.message, email=email, next=back), error.status)
        return self._logged_in(back, token, expires if remember else None)

    async def log_out(self, request: Request) -> Response:
        _same_site(request)
        token = session_token(request.scope)
        if token is not None:
            await self._services.sessions.log_out(token)
        response = RedirectResponse("/login?out", 303)
        response.delete_cookie(COOKIE, path="/")
        return response

    async def setup_form(self, request: Request) -> Response:
        token = request.query_params.get("token", "")
        if not self._services.people.setup_token_valid(token):
            return _page(dead_link_page(), 404)
        return _page(setup_page(token=token, error=None))

    async def set_up(self, request: Request) -> Response:
        _same_site(request)
        form = await request.form()
        token, email, name = _text(form, "token"), _text(form, "email"), _text(form, "name")
        if not self._services.people.setup_token_valid(token):
            return _page(dead_link_page(), 404)
        try:
            owner = await self._services.people.create_owner(token, email, name, _text(form, "password"))
        except AnyGPTError as error:
            return _page(setup_page(token=token, error=error.message, email=email, name=name), error.status)
        session, _ = await self._services.sessions.open(
            owner, address=self._address(request), user_agent=request.headers.get("user-agent", "")
        )
        return self._logged_in("/", session, None)

    def _logged_in(self, back: str, token: str, expires: datetime | None) -> Response:
        response = RedirectResponse(back, 303)
        response.set_cookie(
            COOKIE,
            token,
            expires=expires,
            path="/",
            secure=self._services.settings.secure_cookies,
            httponly=True,
            samesite="lax",
        )
        return response

    def _address(self, request: Request) -> str:
        return client_address(request.scope, headers_of(request.scope), self._services.settings.proxy_networks)


def _same_site(request: Request) -> None:
    """Forms come from our own pages: another site's are refused (CSRF)."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise NotAllowed("This form was sent from another site. Open the page here and try again.")


def _local(path: str | None) -> str:
    """Only addresses of this server are gone back to."""
    return path if path and path.startswith("/") and not path.startswith(("//", "/\\")) else "/"


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value[:2000] if isinstance(value, str) else ""


def _page(html: str, status: int = 200) -> HTMLResponse:
    headers = {"content-security-policy": POLICY, "cache-control": "no-store", "referrer-policy": "no-referrer"}
    return HTMLResponse(html, status, headers)
