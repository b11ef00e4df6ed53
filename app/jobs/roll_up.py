"""Sums the ledger by the hour, so that long spans are read quickly."""

from __future__ import annotations

from datetime import timedelta

from app.jobs.base import ScheduledJob
from app.services.container import Services
from app.services.roll_up import RollUp


async def roll_up(services: Services) -> str:
    done = await RollUp(services.db, services.clock).run()
    new = f"{done.hours} {'hour' if done.hours == 1 else 'hours'} summed"
    again = f", {done.again} again for requests that came late" if done.again else ""
    return f"{new}{again}; all up to {done.until:%d %B, %H:%M} UTC are."


JOB = ScheduledJob(
    name="roll_up",
    about="Sums requests, tokens and cost of each finished hour",
    every=lambda services: timedelta(minutes=15),
    first_after=timedelta(minutes=5),
    run=roll_up,
)
