"""The real transport: one pool of connections for all providers."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterable
from functools import lru_cache, partial

from app.providers.http.answer import HttpAnswer
from app.providers.http.connection import Connection
from app.providers.http.dial import Dialer
from app.providers.http.faults import Cause, NetworkFault, network_failure
from app.providers.http.pool import Pool
from app.providers.http.request_head import RequestHead, request_head
from app.providers.http.upload import send_pieces
from app.providers.transport import UpstreamRequest

_HEADS = 256  # as many (address, headers) are remembered as bytes


class HttpTransport:
    """Redirects are not followed, cookies not kept, proxies not read from the environment; certificates are verified.
    `tls` stands for other certificates than the system trusts."""

    def __init__(
        self, *, block_private_networks: bool = False, tls: ssl.SSLContext | None = None, pool: Pool | None = None
    ) -> None:
        self._pool = pool or Pool()
        self._dialer = Dialer(guarded=block_private_networks, tls=tls)
        self._head = lru_cache(maxsize=_HEADS)(request_head)

    async def send(self, request: UpstreamRequest) -> HttpAnswer:
        head = self._head(request.method, request.url, tuple(request.headers.items()))
        body = request.body
        if not isinstance(body, bytes):  # cannot be repeated, so it trusts no kept-alive connection
            return await self._upload(request, head, body)
        message = head.message(body)
        first_byte_s = request.timeouts.first_byte_s
        connection = self._pool.take(head.origin)
        if connection is not None:
            answer = HttpAnswer(connection, request.url, request.timeouts.idle_s)
            connection.ask(message, answer, head_only=head.head_only)
            if await answer.begun(first_byte_s):
                return answer
            if not (connection.stale and answer.hung_up):
                raise answer.failure()
        # A kept-alive connection was closed before any answer byte: a fresh one is no new attempt.
        connection = await self._dial(request, head)
        answer = HttpAnswer(connection, request.url, request.timeouts.idle_s)
        connection.ask(message, answer, head_only=head.head_only)
        if await answer.begun(first_byte_s):
            return answer
        if answer.hung_up:
            self._pool.forget(head.origin)
        raise answer.failure()

    async def aclose(self) -> None:
        await self._dialer.aclose()
        await self._pool.aclose()

    async def _upload(self, request: UpstreamRequest, head: RequestHead, body: AsyncIterable[bytes]) -> HttpAnswer:
        connection = await self._dial(request, head)
        answer = HttpAnswer(connection, request.url, request.timeouts.idle_s)
        connection.ask(head.announcing(request.content_length), answer, head_only=head.head_only)
        if connection.usable:
            connection.upload = asyncio.create_task(send_pieces(body, request.content_length, connection))
            connection.upload.add_done_callback(partial(_uploaded, connection, answer))
        if await answer.begun(request.timeouts.first_byte_s):
            return answer
        raise answer.failure()

    async def _dial(self, request: UpstreamRequest, head: RequestHead) -> Connection:
        try:
            return await self._dialer.connect(
                head.origin, partial(Connection, self._pool, head.origin), request.timeouts.connect_s
            )
        except NetworkFault as fault:
            raise network_failure(fault.cause, request.url) from fault


def _uploaded(connection: Connection, answer: HttpAnswer, upload: asyncio.Task[None]) -> None:
    connection.upload = None
    if upload.cancelled():
        if answer.status:  # by us, when the answer came before the upload's end
            return
        answer.fail(Cause.CLOSED_HERE)
    elif (error := upload.exception()) is not None:
        answer.fail(error)
    else:
        return
    connection.let_go(answer)
