"""Request lines and headers as bytes: built once for the calls that share them."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import SplitResult, quote, urlsplit

from app.core.errors import UpstreamDown
from app.providers.addresses import host_of
from app.providers.http.faults import Cause, network_failure

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_BREAKS_OUT = re.compile("[\r\n\0\ud800-\udfff]")  # surrogates have no bytes
_VISIBLE = "".join(map(chr, range(0x21, 0x7F)))
_PORTS = {"http": 80, "https": 443}
_OURS_TO_SAY = frozenset(
    {"connection", "content-length", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
_MAY_BE_EMPTY = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})


class Origin(NamedTuple):
    """Whom a connection is with."""

    tls: bool
    host: str
    port: int


class RequestHead(NamedTuple):
    """Everything before the body except its length. `block` holds secrets: it is never printed."""

    origin: Origin
    block: bytes
    empty_unsaid: bool  # a request without body says no length
    head_only: bool  # its answer has no body, whatever length it says

    def __repr__(self) -> str:
        return f"RequestHead({self.origin})"

    def message(self, body: bytes) -> bytes:
        """The whole request in one piece."""
        if not body and self.empty_unsaid:
            return self.block + b"\r\n"
        return b"%bcontent-length: %d\r\n\r\n%b" % (self.block, len(body), body)

    def announcing(self, length: int | None) -> bytes:
        """The head of a request whose body follows: of a length in bytes, or else in chunks."""
        framing = b"transfer-encoding: chunked" if length is None else b"content-length: %d" % length
        return b"%b%b\r\n\r\n" % (self.block, framing)


def request_head(method: str, url: str, headers: tuple[tuple[str, str], ...]) -> RequestHead:
    """Raises UpstreamDown for an address that is none and for a header that could smuggle in another."""
    try:
        parts = urlsplit(url)
        origin = _origin(parts)
        target = _escaped(parts.path or "/") + ("?" + _escaped(parts.query) if parts.query else "")
    except ValueError:  # UnicodeError is one
        raise network_failure(Cause.NOT_AN_ADDRESS, url) from None
    fields = {
        "host": _authority(origin),
        "user-agent": "AnyGPT",
        "accept": "*/*",
        "accept-encoding": "identity",
    }
    for name, value in headers:
        if _BREAKS_OUT.search(value) or not _TOKEN.fullmatch(name):
            shown = name if _TOKEN.fullmatch(name) else "(unreadable name)"
            raise UpstreamDown(
                f"The header {shown} for {host_of(url)} holds a line break or another control character; "
                "correct the provider's key or headers."
            )
        if (lower := name.lower()) not in _OURS_TO_SAY:
            fields[lower] = value
    if not _TOKEN.fullmatch(method):
        raise network_failure(Cause.NOT_AN_ADDRESS, url)
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), ""]
    block = "\r\n".join(lines).encode()
    return RequestHead(origin, block, method in _MAY_BE_EMPTY, method == "HEAD")


def _origin(parts: SplitResult) -> Origin:
    host = parts.hostname or ""
    if parts.scheme not in _PORTS or not host or parts.username is not None or _BREAKS_OUT.search(parts.netloc):
        raise ValueError("not an address of a server")
    if not host.isascii():
        host = host.encode("idna").decode()
    if any(not "!" <= character <= "~" for character in host):
        raise ValueError("not a host")
    return Origin(parts.scheme == "https", host, parts.port or _PORTS[parts.scheme])


def _escaped(text: str) -> str:
    return quote(text, safe=_VISIBLE)


def _authority(origin: Origin) -> str:
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    return host if origin.port == _PORTS["https" if origin.tls else "http"] else f"{host}:{origin.port}"
