"""Replays of routers, and /api/jobs: long work that is followed by its id."""

from __future__ import annotations

from typing import Any

from app.api.management.access import ActorOf, Endpoints, ServicesOf
from app.api.management.shapes import Body
from app.security.permissions import Permission
from app.services.replays import ReplayStatus

MANAGE = Permission.MANAGE_GATEWAY
ROUTER = Endpoints(prefix="/api", tags=["routers"])


class ReplayBody(Body):
    days: int = 7
    sample: int | None = None


@ROUTER.on("POST", "/routers/{id}/replay", needs=MANAGE, status=202)
async def replay(id: str, body: ReplayBody, services: ServicesOf, actor: ActorOf) -> dict[str, str]:
    """Past requests through the draft and the live version: cost, times, failures and shares of both."""
    return {"job_id": await services.replay.start(actor, id, body.days, body.sample)}


@ROUTER.on("GET", "/jobs/{job_id}", needs=MANAGE)
async def get_job(job_id: str, services: ServicesOf) -> dict[str, Any]:
    return _shape(services.replay.status(job_id))


@ROUTER.on("DELETE", "/jobs/{job_id}", needs=MANAGE)
async def cancel_job(job_id: str, services: ServicesOf) -> dict[str, Any]:
    return _shape(services.replay.cancel(job_id))


def _shape(status: ReplayStatus) -> dict[str, Any]:
    return {
        "id": status.id,
        "router": status.router,
        "state": status.state,
        "progress": status.progress,
        "sentence": status.sentence,
        "result": status.result,
    }
