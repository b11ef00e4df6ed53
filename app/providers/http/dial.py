"""Names to addresses, and addresses to connections."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterable
from functools import cache
from itertools import chain, zip_longest
from typing import Any, NamedTuple

from app.providers.http.connection import Connection
from app.providers.http.faults import Cause, NetworkFault
from app.providers.http.request_head import Origin
from app.providers.private_networks import refuse_private_addresses

_REMEMBER_S = 10.0
_MAX_NAMES = 256
_HEAD_START_S = 0.25  # RFC 8305, 5


@cache
def trusting_the_system() -> ssl.SSLContext:
    """Certificates and host names are verified. Reads files: made before the loop runs."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


class Dialer:
    """Opens connections. Where it is guarded, only to addresses that were found to be public a moment before:
    a name that changes its address after it was checked gains nothing."""

    def __init__(self, *, guarded: bool, tls: ssl.SSLContext | None = None) -> None:
        self.names = Names()
        self._guarded = guarded
        self._tls = tls or trusting_the_system()

    async def connect(self, origin: Origin, make: Callable[[], Connection], within_s: float) -> Connection:
        """Raises NetworkFault, and UpstreamDown for what lies in a private network."""
        try:
            async with asyncio.timeout(within_s):
                addresses = await self.names.addresses(origin.host, origin.port)
                if self._guarded:
                    refuse_private_addresses(origin.host, addresses)
                return await self._first_of(addresses, origin, make)
        except TimeoutError:
            raise NetworkFault(Cause.CONNECT_TIMEOUT) from None
        except ssl.SSLError as error:
            raise NetworkFault(Cause.NO_TRUSTED_TLS) from error
        except OSError as error:
            raise NetworkFault(Cause.REFUSED) from error

    async def aclose(self) -> None:
        await self.names.aclose()

    async def _first_of(self, addresses: list[str], origin: Origin, make: Callable[[], Connection]) -> Connection:
        """The first address that answers; the next one is tried when one fails or takes long (RFC 8305)."""
        if len(addresses) == 1:
            return await self._open(addresses[0], origin, make)
        left = deque(addresses)
        calls: set[asyncio.Task[Connection]] = set()
        pending: set[asyncio.Task[Connection]] = set()
        won: asyncio.Task[Connection] | None = None
        failed: BaseException = OSError("no address")
        try:
            while won is None and (left or pending):
                if left:
                    call = asyncio.create_task(self._open(left.popleft(), origin, make))
                    calls.add(call)
                    pending.add(call)
                done, pending = await asyncio.wait(
                    pending, timeout=_HEAD_START_S if left else None, return_when=asyncio.FIRST_COMPLETED
                )
                for call in done:
                    if (error := call.exception()) is None:
                        won = call
                    else:
                        failed = error
        finally:
            for call in calls - {won}:
                call.cancel()
                call.add_done_callback(_hang_up)
        if won is None:
            raise failed
        return won.result()

    async def _open(self, address: str, origin: Origin, make: Callable[[], Connection]) -> Connection:
        _, connection = await asyncio.get_running_loop().create_connection(
            make,
            address,
            origin.port,
            ssl=self._tls if origin.tls else None,
            server_hostname=origin.host if origin.tls else None,
        )
        return connection


class _Found(NamedTuple):
    until: float
    addresses: list[str]


class Names:
    """The addresses of names, remembered for some seconds. Callers that ask for the same name share the look-up."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int], _Found] = {}
        self._asked: dict[tuple[str, int], asyncio.Task[list[str]]] = {}

    async def addresses(self, host: str, port: int) -> list[str]:
        key = host, port
        found = self._found.get(key)
        if found is not None and found.until > asyncio.get_running_loop().time():
            return found.addresses
        asking = self._asked.get(key)
        if asking is None:
            asking = self._asked[key] = asyncio.create_task(self._look_up(key))
        return await asyncio.shield(asking)

    def remember(self, host: str, port: int, addresses: list[str]) -> None:
        while len(self._found) >= _MAX_NAMES:
            del self._found[next(iter(self._found))]
        self._found[host, port] = _Found(asyncio.get_running_loop().time() + _REMEMBER_S, addresses)

    async def aclose(self) -> None:
        asked = list(self._asked.values())
        for asking in asked:
            asking.cancel()
        await asyncio.gather(*asked, return_exceptions=True)

    async def _look_up(self, key: tuple[str, int]) -> list[str]:
        loop = asyncio.get_running_loop()
        try:
            entries = await loop.getaddrinfo(*key, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:  # UnicodeError: a label of no or too many letters
            raise NetworkFault(Cause.NAME_NOT_FOUND) from error
        finally:
            del self._asked[key]
        addresses = _in_turns(entries)
        self.remember(*key, addresses)
        return addresses


def _in_turns(entries: Iterable[tuple[int, int, int, str, tuple[Any, ...]]]) -> list[str]:
    """Each address once, both families in turns, the system's first choice first."""
    families: dict[int, list[str]] = {}
    for family, _, _, _, place in entries:
        of_family = families.setdefault(family, [])
        if (address := str(place[0])) not in of_family:
            of_family.append(address)
    return [address for address in chain(*zip_longest(*families.values())) if address is not None]


def _hang_up(call: asyncio.Task[Connection]) -> None:
    if not call.cancelled() and call.exception() is None:
        call.result().abort()
