"""The gateway's own headers of an answer; the provider's do not pass."""

from __future__ import annotations

from functools import lru_cache

from app.core.money import format_usd
from app.services.gateway.call import Call, Header


def answer_headers(call: Call, now: float, *, with_cost: bool) -> list[Header]:
    """`now` is monotonic seconds."""
    found: list[Header] = [(b"x-request-id", call.id.encode()), (b"x-anygpt-router", call.router.encode())]
    if call.attempts:
        deployment = call.attempts[-1].deployment
        found += _answered_by(deployment.provider, deployment.model, len(call.attempts))
    elif call.cached is not None:
        deployment = call.cached.deployment
        found += _answered_by(deployment.provider, deployment.model, 0)
        found.append((b"x-anygpt-cache", b"hit"))
    if with_cost and (cost := call.cost) is not None:
        found.append((b"x-anygpt-cost-usd", format_usd(cost).encode()))
    if call.limits is not None:
        found += call.limits.headers(now)
    return found


@lru_cache(1024)
def _answered_by(provider: str, model: str, attempts: int) -> tuple[Header, ...]:
    return (
        (b"x-anygpt-provider", provider.encode()),
        (b"x-anygpt-model", model.encode()),
        (b"x-anygpt-attempts", b"%d" % attempts),
    )
