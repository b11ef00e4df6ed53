"""The seam through which every relayed call leaves, and its real implementation on aiohttp."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextvars import ContextVar
from functools import lru_cache
from typing import ClassVar, Protocol
from weakref import WeakSet

import aiohttp
import msgspec
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from app.core.errors import UnreadableAnswer, UpstreamDown, UpstreamError, UpstreamTimeout
from app.providers.addresses import host_of
from app.providers.private_networks import GuardedResolver, refuse_private_host

_NETWORK_FAULTS = (aiohttp.ClientError, OSError)  # TimeoutError is an OSError
_CLOSED_BY_PROVIDER = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionError)


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds to wait for a connection, then for the answer's headers, then between two pieces of its body."""

    connect_s: float = 10.0
    first_byte_s: float | None = 60.0  # None: whoever calls keeps the time
    idle_s: float | None = 60.0


class UpstreamRequest(msgspec.Struct, kw_only=True):
    method: str
    url: str
    headers: dict[str, str] = {}
    body: bytes = b""
    timeouts: Timeouts = Timeouts()


class UpstreamAnswer(Protocol):
    """An answer whose headers have come. Whoever gets one reads it to its end or closes it."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> dict[str, str]:
        """Names in lower case."""
        ...

    async def read(self, limit: int) -> bytes:
        """The whole body. Raises UnreadableAnswer when it is longer than `limit`."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body in pieces as they arrive. Raises UpstreamError subclasses."""
        ...

    def close(self) -> None:
        """Ends the upstream call at once; harmless when it has ended."""
        ...


class Transport(Protocol):
    async def send(self, request: UpstreamRequest) -> UpstreamAnswer: ...

    async def aclose(self) -> None: ...


class AiohttpTransport:
    """One pool of kept-alive connections for all providers. Redirects are not followed, cookies not kept,
    proxies not read from the environment; certificates are verified."""

    def __init__(self, *, block_private_networks: bool = False) -> None:
        self._guarded = block_private_networks
        self._pool: aiohttp.ClientSession | None = None
        self._fresh: aiohttp.ClientSession | None = None

    async def send(self, request: UpstreamRequest) -> UpstreamAnswer:
        if self._guarded:
            refuse_private_host(request.url)
        try:
            return await self._once(self._pooled_session(), request)
        except _NETWORK_FAULTS as error:
            if not (_reused.get() and isinstance(error, _CLOSED_BY_PROVIDER)):
                raise network_failure(error, request.url) from error
        # A kept-alive connection was closed before any answer byte: a fresh one is no new attempt.
        try:
            return await self._once(self._fresh_session(), request)
        except _NETWORK_FAULTS as error:
            raise network_failure(error, request.url) from error

    async def aclose(self) -> None:
        for session in (self._pool, self._fresh):
            if session is not None:
                await session.close()
        self._pool = self._fresh = None

    async def _once(self, session: aiohttp.ClientSession, request: UpstreamRequest) -> UpstreamAnswer:
        waits = request.timeouts
        sending = session.request(
            request.method,
            request.url,
            headers=request.headers,
            data=request.body or None,
            allow_redirects=False,
            timeout=_client_timeout(waits),
        )
        if waits.first_byte_s is None:
            return _AiohttpAnswer(await sending, request.url)
        async with asyncio.timeout(waits.connect_s + waits.first_byte_s):
            response = await sending
        connection = response.connection
        if connection is not None and connection.protocol is not None:
            connection.protocol.read_timeout = waits.idle_s
            connection.protocol.start_timeout()  # the timer that waited for the first byte still runs
        return _AiohttpAnswer(response, request.url)

    # Sessions belong to the loop that serves: they are made at the first call, not with the transport.
    def _pooled_session(self) -> aiohttp.ClientSession:
        if self._pool is None:
            self._pool = self._session(force_close=False)
        return self._pool

    def _fresh_session(self) -> aiohttp.ClientSession:
        if self._fresh is None:
            self._fresh = self._session(force_close=True)
        return self._fresh

    def _session(self, *, force_close: bool) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=_Connector(
                limit=0, force_close=force_close, resolver=GuardedResolver() if self._guarded else None
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"user-agent": "AnyGPT"},
            trust_env=False,
            raise_for_status=False,
        )


def network_failure(error: BaseException, url: str) -> UpstreamError:
    """What went wrong on the way, as a sentence that names the host and what to check."""
    host = host_of(url)
    match error:
        case aiohttp.ConnectionTimeoutError():
            return UpstreamTimeout(
                f"{host} accepted no connection in time; check that it runs and can be reached from here."
            )
        case TimeoutError():
            return UpstreamTimeout(f"{host} sent nothing for too long; try again, or raise the time-outs.")
        case aiohttp.ClientConnectorDNSError():
            return UpstreamDown(
                f"The name of {host} was not found; check the spelling of base_url and this machine's DNS."
            )
        case aiohttp.ClientSSLError():
            return UpstreamDown(
                f"No trusted TLS connection to {host}; check its certificate, or whether base_url should be http."
            )
        case aiohttp.ClientConnectorError():
            return UpstreamDown(f"{host} accepts no connections; check base_url and that the server runs.")
        case aiohttp.ClientPayloadError():
            return UpstreamDown(f"{host} broke off in the middle of its answer.")
        case aiohttp.ClientResponseError():
            return UnreadableAnswer(f"{host} does not answer in HTTP; check scheme and port of base_url.")
        case aiohttp.InvalidURL():
            return UpstreamDown(f"{host} is not a valid address; check base_url.")
        case _:
            return UpstreamDown(f"{host} closed the connection without an answer; check that the service is healthy.")


class _AiohttpAnswer:
    def __init__(self, response: aiohttp.ClientResponse, url: str) -> None:
        self.status = response.status
        self._response = response
        self._url = url

    @property
    def headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self._response.headers.items()}

    async def read(self, limit: int) -> bytes:
        pieces: list[bytes] = []
        size = 0
        async for chunk in self.chunks():
            size += len(chunk)
            if size > limit:
                self.close()
                raise UnreadableAnswer(f"{host_of(self._url)} answered with more than {limit} bytes.")
            pieces.append(chunk)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def chunks(self) -> AsyncIterator[bytes]:
        readany = self._response.content.readany
        try:
            while chunk := await readany():
                yield chunk
        except _NETWORK_FAULTS as error:
            raise network_failure(error, self._url) from error

    def close(self) -> None:
        self._response.close()


_reused: ContextVar[bool] = ContextVar("reused", default=False)
"""Whether the connection of this task's latest call had served another call before."""


class _Connector(aiohttp.TCPConnector):
    """Notes whether a connection is a kept-alive one (aiohttp's tracing says the same for 16 µs a request)."""

    _known: ClassVar[WeakSet[ResponseHandler]] = WeakSet()

    async def connect(self, req: ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout) -> Connection:
        _reused.set(False)
        connection = await super().connect(req, traces, timeout)
        protocol = connection.protocol
        if protocol is not None:
            _reused.set(protocol in self._known)
            self._known.add(protocol)
        return connection


@lru_cache(maxsize=64)
def _client_timeout(waits: Timeouts) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=waits.connect_s, sock_read=waits.first_byte_s)
