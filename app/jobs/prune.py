"""Forgets stored responses that are older than ANYGPT_RETENTION_DAYS."""

from __future__ import annotations

from datetime import timedelta

from app.jobs.base import ScheduledJob
from app.services.container import Services


async def prune(services: Services) -> str:
    gone = await services.responses.prune()
    return f"{gone} stored responses were past their time."


JOB = ScheduledJob(
    name="prune",
    about="Deletes stored responses after ANYGPT_RETENTION_DAYS",
    every=lambda services: timedelta(hours=6),
    first_after=timedelta(minutes=20),
    run=prune,
)
