"""/api/logs: the ledger, a page at a time, one request with its decision, and sums."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Query

from app.api.management import shapes
from app.api.management.access import SIGNED_IN, ActorOf, Endpoints, ServicesOf
from app.core.errors import BadRequest
from app.services.views import LogFilter

ROUTER = Endpoints(prefix="/api/logs", tags=["logs"])
STATUSES = ("all", "ok", "failed", "failed_over")


def wanted(
    since: datetime | None = None,
    until: datetime | None = None,
    status: str = "all",
    provider: str | None = None,
    key: str | None = None,
    model: str | None = None,
    user: str | None = None,
    search: str | None = None,
) -> LogFilter:
    if status not in STATUSES:
        raise BadRequest(f'status: "{status}" is not one of {", ".join(STATUSES)}.', field="status")
    for name, moment in (("since", since), ("until", until)):
        if moment is not None and moment.tzinfo is None:
            raise BadRequest(f"{name}: add the time zone, such as 2026-11-20T12:00:00Z.", field=name)
    return LogFilter(since, until, status, provider, key, model, user, search)


Wanted = Annotated[LogFilter, Depends(wanted)]


@ROUTER.on("GET", "", needs=SIGNED_IN)
async def list_logs(
    services: ServicesOf,
    actor: ActorOf,
    filter: Wanted,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> dict[str, Any]:
    """Newest first. Members see their own requests."""
    found = await services.ledger.requests(services.ledger.visible_to(actor, filter), limit, cursor)
    return shapes.page([shapes.log_item(row) for row in found.items], found.next_cursor, found.total)


@ROUTER.on("GET", "/summary", needs=SIGNED_IN)
async def summary(services: ServicesOf, actor: ActorOf, filter: Wanted) -> dict[str, Any]:
    """Sums over the same filter; the last 24 hours where `since` is left out."""
    sums = await services.ledger.summary(services.ledger.visible_to(actor, filter))
    return {
        "requests": sums.requests,
        "failed": sums.failed,
        "failed_over": sums.failed_over,
        "cost_usd": shapes.money(sums.cost),
        "cost_unknown": sums.cost_unknown,
        "p50_ms": sums.p50_ms,
        "p95_ms": sums.p95_ms,
    }


@ROUTER.on("GET", "/{id}", needs=SIGNED_IN)
async def get_log(id: str, services: ServicesOf, actor: ActorOf) -> dict[str, Any]:
    return shapes.log_detail(await services.ledger.request(id, actor))
