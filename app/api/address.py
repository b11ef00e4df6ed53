"""Where a request comes from: the connection's address, or a trusted proxy's word for it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


def headers_of(scope: Mapping[str, Any]) -> dict[bytes, bytes]:
    """Names in lower case; the last one of a name counts."""
    return dict(scope["headers"])


def client_address(scope: Mapping[str, Any], headers: Mapping[bytes, bytes], trusted: Networks) -> str:
    """The client's address. X-Forwarded-For is read from its end, past proxies that are trusted, and no further."""
    client = scope.get("client")
    address = str(client[0]) if client else ""
    forwarded = headers.get(b"x-forwarded-for")
    if not trusted or not forwarded or not _inside(address, trusted):
        return address
    for hop in reversed(forwarded.decode("latin-1").split(",")):
        address = hop.strip()
        if not _inside(address, trusted):
            break
    return address


def _inside(address: str, networks: Networks) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(ip in network for network in networks)
