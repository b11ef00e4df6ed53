"""Brings the catalogue up to date from a public list; offline, the last good one stays and says how old it is."""

from __future__ import annotations

from datetime import timedelta

from app.jobs.base import ScheduledJob
from app.services.container import Services


async def refresh(services: Services) -> str:
    refreshed = await services.prices.refresh()
    services.live.note()
    return refreshed.sentence


JOB = ScheduledJob(
    name="refresh_prices",
    about="Brings prices and capabilities up to date from a public list",
    every=lambda services: timedelta(hours=services.runtime.get("prices_refresh_h")),
    first_after=timedelta(minutes=10),
    run=refresh,
)
