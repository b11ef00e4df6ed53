"""Cross-origin headers for the gateway's paths, where ANYGPT_CORS_ORIGINS names origins."""

from __future__ import annotations

from app.services.gateway.call import Header

_EXPOSED = (
    b"x-request-id, x-anygpt-router, x-anygpt-provider, x-anygpt-model, x-anygpt-attempts, x-anygpt-cost-usd, "
    b"x-anygpt-cache, "
    b"x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests, "
    b"x-ratelimit-limit-tokens, x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens, retry-after"
)


class Cors:
    def __init__(self, origins: tuple[str, ...]) -> None:
        self._origins = frozenset(origin.encode() for origin in origins)

    def headers(self, request: dict[bytes, bytes]) -> list[Header]:
        """Nothing unless the request's origin is one of those named; credentials are keys, never cookies."""
        origin = request.get(b"origin")
        if not self._origins or origin is None:
            return []
        if b"*" in self._origins:
            return [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", _EXPOSED)]
        if origin not in self._origins:
            return []
        return [
            (b"access-control-allow-origin", origin),
            (b"vary", b"origin"),
            (b"access-control-expose-headers", _EXPOSED),
        ]

    def preflight(self) -> list[Header]:
        return [
            (b"access-control-allow-methods", b"GET, POST, DELETE, OPTIONS"),
            (b"access-control-allow-headers", b"*, authorization"),
            (b"access-control-max-age", b"3600"),
        ]
