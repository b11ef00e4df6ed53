"""The ways out that all upstreams share: the network, and the demo inside this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import httpx

from app.core.errors import UpstreamTimeout
from app.providers.demo import DemoTransport
from app.providers.http.client import HttpTransport
from app.providers.kinds import Kind
from app.providers.private_networks import GuardedWeb
from app.providers.transport import Transport, UpstreamAnswer, UpstreamRequest
from app.providers.upstream import Upstream

# probes come minutes apart: providers have hung up by then, and httpx would hold the closed sockets until it is asked
NONE_KEPT = httpx.Limits(max_keepalive_connections=0)


class Connections:
    """Made once for the process (it loads certificates: not on the event loop), closed at shutdown."""

    def __init__(
        self,
        *,
        block_private_networks: bool = False,
        network: Transport | None = None,
        web: httpx.AsyncBaseTransport | None = None,
        demo: Transport | None = None,
    ) -> None:
        self._network = network or HttpTransport(block_private_networks=block_private_networks)
        plain = web or httpx.AsyncHTTPTransport(trust_env=False, limits=NONE_KEPT)
        self.web: httpx.AsyncBaseTransport = GuardedWeb(plain) if block_private_networks else plain
        self._demo = demo or DemoTransport()

    def upstream(
        self, name: str, kind: Kind, base_url: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Upstream:
        if kind.in_process:
            return Upstream(name, kind, None, self._demo, WebThrough(self._demo), headers)
        return Upstream(name, kind, base_url, self._network, self.web, headers)

    async def aclose(self) -> None:
        await self._network.aclose()
        await self._demo.aclose()
        await self.web.aclose()


class WebThrough(httpx.AsyncBaseTransport):
    """httpx over our own seam."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            answer = await self._transport.send(
                UpstreamRequest(
                    method=request.method,
                    url=str(request.url),
                    headers=dict(request.headers),
                    body=await request.aread(),
                )
            )
        except UpstreamTimeout as error:
            raise httpx.ReadTimeout(error.message, request=request) from error
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer), request=request)


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: UpstreamAnswer) -> None:
        self._answer = answer

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._answer.chunks()

    async def aclose(self) -> None:
        self._answer.close()
