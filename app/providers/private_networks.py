"""The guard against private networks: addresses that users supply must lie on the public internet."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from urllib.parse import urlsplit

import httpx

from app.core.errors import BadRequest, UpstreamDown

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


async def check_public(url: str, field: str = "base_url") -> None:
    """Resolves a user's address. Raises BadRequest when any of its addresses is not public, or none is found."""
    host = _host(url)
    try:
        addresses = await _resolve(host)
    except OSError:
        raise BadRequest(f"{field}: the name {host} was not found; check its spelling.", field=field) from None
    if not all(is_public(address) for address in addresses):
        raise BadRequest(
            f"{field}: {host} lies in a private network, and this installation blocks those; "
            "give a public address, or set ANYGPT_BLOCK_PRIVATE_NETWORKS=false.",
            field=field,
        )


def is_public(address: str) -> bool:
    """Whether an IP address is reachable on the public internet; loopback, link-local and metadata are not."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if inner is None and found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            found = inner
    return found.is_global and not found.is_multicast


def refuse_private_addresses(host: str, addresses: list[str]) -> None:
    """For a connection about to be made to one of `addresses`, however the host was spelt (127.1, 2130706433)."""
    if not all(is_public(address) for address in addresses):
        raise _refused(host)


class GuardedWeb(httpx.AsyncBaseTransport):
    """The same for httpx: resolves first, then connects to the very address that was judged."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        try:
            addresses = await _resolve(host)
        except OSError as error:
            raise httpx.ConnectError("name not found", request=request) from error
        refuse_private_addresses(host, addresses)
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=addresses[0])
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


async def _resolve(host: str) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def _refused(host: str) -> UpstreamDown:
    return UpstreamDown(
        f"{host} lies in a private network, and this installation blocks those; give the provider a public base_url."
    )
