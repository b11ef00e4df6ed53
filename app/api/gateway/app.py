"""The gateway's ASGI app: finds the endpoint, the key and the format; turns errors into the client's own shape."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import orjson

from app.api.address import client_address, headers_of
from app.api.gateway.bodies import PACE, ClientGone, Form, Pace, check_json, read_body, read_form, take_body
from app.api.gateway.client_side import KEEP_ALIVE_S, ArrayClient, AsgiClient, KeepingClient, Receive, Send
from app.api.gateway.cors import Cors
from app.api.gateway.error_log import ErrorLog
from app.api.gateway.info import Info, Query
from app.api.gateway.routes import GEMINI, HEALTH, MESSAGES, PREFIXES, Does, Route, Routes
from app.api.http_protocol import ANSWER, GatewayAnswer
from app.core.clock import rfc3339
from app.core.errors import AnyGPTError, RequestRefused
from app.core.ids import new_id
from app.formats.base import ClientFormat
from app.services.container import Services
from app.services.gateway.alarm import running
from app.services.gateway.call import Call, Header
from app.services.gateway.tags import read_tags
from app.services.snapshot import Key

Scope = Mapping[str, Any]

PASSED = (b"anthropic-beta", b"anthropic-version")  # all that goes on of a client's headers


class GatewayApp:
    """No framework on this way: a table from path to route."""

    def __init__(self, services: Services, version: str, keep_alive_s: float = KEEP_ALIVE_S, pace: Pace = PACE) -> None:
        self._services, self._keep_alive_s, self._pace = services, keep_alive_s, pace
        self._errors = ErrorLog(services.folder.logs / "api-error.jsonl")
        self._cors = Cors(services.settings.origins)
        self._networks = services.settings.proxy_networks
        self._info = Info(services, version)
        self._routes = Routes(services.settings)

    def owns(self, path: str) -> bool:
        return path.startswith(PREFIXES) or path in HEALTH

    def close(self) -> None:
        self._errors.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        headers = headers_of(scope)
        extra = self._cors.headers(headers)
        if method == "OPTIONS" and extra:
            await _respond(send, 204, b"", [*extra, *self._cors.preflight()])
            return
        route = self._routes.posts.get(path) if method == "POST" else None
        if route is None:
            try:
                route = self._routes.find(method, path, _query(scope).get("alt"))
            except AnyGPTError as error:
                format = self._routes.format_at(path)
                await self._refuse(scope, headers, send, format, error, new_id("req"), extra, None, None)
                return
        if route.does is Does.ASK:
            await self._ask(scope, headers, receive, send, route, extra)
        else:
            await self._tell(scope, headers, receive, send, route, extra)

    async def _ask(
        self,
        scope: Scope,
        headers: dict[bytes, bytes],
        receive: Receive,
        send: Send,
        route: Route,
        extra: list[Header],
    ) -> None:
        """A call that goes on to a provider."""
        clock, format = self._services.clock, route.format
        request_id, started, at = new_id("req"), clock.monotonic(), clock.now()
        call: Call | None = None
        client: AsgiClient | None = None
        watch = Watch(scope)
        key: Key | None = None
        form: Form | None = None
        try:
            key = self._key(scope, headers, route)
            limit = self._services.state.current.runtime.max_body_bytes
            if route.form:
                form = await read_form(receive, headers, limit, self._services.folder.uploads, self._pace)
                body = form.as_json()
            else:
                check_json(headers)
                taken = take_body(scope, limit)  # an empty body is one, too
                body = taken if taken is not None else await read_body(receive, headers, limit, self._pace)
            peek = format.peek(body, route.model, route.stream)
            call = Call(
                id=request_id,
                at=at,
                started=started,
                peek=peek,
                format=format,
                body=body,
                upload=form,
                key=key,
                person=key.person,
                tags=read_tags(peek.metadata, headers.get(b"x-anygpt-tags")),
                wants_metadata=headers.get(b"x-anygpt-metadata") == b"enabled",
                wants_cache=headers.get(b"x-anygpt-cache") == b"enabled",
                stores=route.kept,
                session=peek.session or _session(headers),
                passed=_passed(headers),
                path_model=route.model,
                path_stream=route.stream,
            )
            client = self._client(call, route, send, extra)
            if route.kept:
                await self._services.responses.before(call)
            call.task = watch.call
            await self._services.gateway.run(call, client)
        except AnyGPTError as error:
            watch.close()
            await self._refuse(scope, headers, send, format, error, request_id, extra, call, key)
        except asyncio.CancelledError:
            if not watch.left:
                raise
        except ClientGone:
            return
        finally:
            watch.close()
            if client is not None:
                client.close()
                if client.given_up and watch.answer is not None:
                    watch.answer.abort()
            if form is not None:
                form.close()

    def _client(self, call: Call, route: Route, send: Send, extra: list[Header]) -> AsgiClient:
        given = (call, route.format, send, extra, self._keep_alive_s)
        if route.kept:
            return KeepingClient(self._services.responses.keep, *given)
        return ArrayClient(*given) if route.array else AsgiClient(*given)

    async def _tell(
        self,
        scope: Scope,
        headers: dict[bytes, bytes],
        receive: Receive,
        send: Send,
        route: Route,
        extra: list[Header],
    ) -> None:
        """What is answered here."""
        request_id, method = new_id("req"), scope["method"]
        if scope["path"].startswith("/v1/models") and (told := _maker(headers)) is not None:
            route = replace(route, format=told)
        key: Key | None = None
        try:
            key = self._key(scope, headers, route) if route.scope is not None else None
            body = b""
            if route.does is Does.COUNT:
                check_json(headers)
                limit = self._services.state.current.runtime.max_body_bytes
                body = await read_body(receive, headers, limit, self._pace)
            status, value = await self._info.answer(Query(route, method, key, body, _query(scope), _passed(headers)))
        except AnyGPTError as error:
            await self._refuse(scope, headers, send, route.format, error, request_id, extra, None, key)
            return
        except ClientGone:
            return
        answer = value if isinstance(value, bytes) else orjson.dumps(value)
        head = [(b"content-type", b"application/json"), (b"x-request-id", request_id.encode()), *extra]
        await _respond(send, status, b"" if method == "HEAD" else answer, head)

    def _key(self, scope: Scope, headers: dict[bytes, bytes], route: Route) -> Key:
        admission, snapshot = self._services.admission, self._services.state.current
        address = client_address(scope, headers, self._networks)
        referrer = headers.get(b"origin") or headers.get(b"referer")
        token = _token(headers) or (_query(scope).get("key") if route.google else None)
        key = admission.key_of(snapshot, token, address, referrer.decode("latin-1") if referrer else None)
        if route.scope:
            admission.check_scope(key, route.scope)
        return key

    async def _refuse(
        self,
        scope: Scope,
        headers: dict[bytes, bytes],
        send: Send,
        format: ClientFormat,
        error: AnyGPTError,
        request_id: str,
        extra: list[Header],
        call: Call | None,
        key: Key | None,
    ) -> None:
        self._errors.write(
            at=rfc3339(self._services.clock.now()),
            request_id=request_id,
            method=scope["method"],
            path=scope["path"],
            status=error.status,
            code=error.code,
            message=error.message,
            key=key.name if key is not None else None,
            address=client_address(scope, headers, self._networks),
        )
        known: list[Header] = [(b"content-type", b"application/json"), (b"x-request-id", request_id.encode())]
        if call is not None:
            known.append((b"x-anygpt-router", call.router.encode()))
            if call.attempts:
                known.append((b"x-anygpt-attempts", str(len(call.attempts)).encode()))
        if key is not None and (limits := self._services.admission.limits(key)) is not None:
            known += limits.headers(self._services.clock.monotonic())
        if error.status in (429, 503):
            known.append((b"retry-after", str(max(math.ceil(error.retry_after or 1), 1)).encode()))
        await _respond(send, error.status, _error_body(format, error, call), [*known, *extra])


class Watch:
    """Cancels the task that makes it when the client leaves: `send` says nothing then."""

    __slots__ = ("_open", "answer", "call", "left")

    def __init__(self, scope: Scope) -> None:
        self.call = running()
        self.left = False
        self._open = True
        self.answer: GatewayAnswer | None = scope.get(ANSWER)
        if self.answer is not None:
            self.answer.on_leave(self._leave)

    def close(self) -> None:
        self._open = False

    def _leave(self) -> None:
        if self._open:
            self.left = True
            self.call.cancel()


def _session(headers: dict[bytes, bytes]) -> str | None:
    session = headers.get(b"x-session-id")
    return session[:200].decode("latin-1") if session else None


def _passed(headers: dict[bytes, bytes]) -> dict[str, str]:
    return {name.decode(): headers[name].decode("latin-1") for name in PASSED if name in headers}


def _maker(headers: dict[bytes, bytes]) -> ClientFormat | None:
    """Whose SDK asks where an address without a prefix may be anyone's; None is OpenAI's."""
    if b"anthropic-version" in headers:
        return MESSAGES
    return GEMINI if b"x-goog-api-client" in headers else None


def _query(scope: Scope) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()}


def _error_body(format: ClientFormat, error: AnyGPTError, call: Call | None) -> bytes:
    """A provider's refusal passes as it came where the provider speaks the client's format."""
    if not isinstance(error, RequestRefused) or error.body.lstrip()[:1] != b"{":
        return format.encode_error(error)
    if call is not None and call.attempts and format.name in call.attempts[-1].deployment.formats:
        try:
            orjson.loads(error.body)
        except orjson.JSONDecodeError:
            return format.encode_error(error)
        return error.body
    return format.encode_error(error)


def _token(headers: dict[bytes, bytes]) -> str | None:
    """The key, wherever the client's SDK puts it."""
    authorization = headers.get(b"authorization", b"")
    if authorization[:7].lower() == b"bearer ":
        return authorization[7:].strip().decode("latin-1")
    token = headers.get(b"x-api-key") or headers.get(b"x-goog-api-key")
    return token.strip().decode("latin-1") if token else None


async def _respond(send: Send, status: int, body: bytes, headers: list[Header]) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [*headers, (b"content-length", str(len(body)).encode())],
        }
    )
    await send({"type": "http.response.body", "body": body})
