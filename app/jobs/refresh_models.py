"""Asks providers for their models, so that new ones can be used without an admin's hand."""

from __future__ import annotations

from datetime import timedelta

from app.jobs.base import ScheduledJob
from app.services.container import Services


async def refresh_all(services: Services) -> str:
    done, failed = await services.providers.refresh_all("job refresh_models")
    services.live.note()
    return f"{done} providers listed their models." + (f" Not: {' '.join(failed)}" if failed else "")


JOB = ScheduledJob(
    name="refresh_models",
    about="Asks each provider which models it has",
    every=lambda services: timedelta(hours=services.runtime.get("models_refresh_h")),
    first_after=timedelta(minutes=2),
    run=refresh_all,
)
