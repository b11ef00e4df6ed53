"""Writes down what is known of each deployment, so that a restart forgets at most a minute of it."""

from __future__ import annotations

from datetime import timedelta

from app.jobs.base import ScheduledJob
from app.services.container import Services


async def keep(services: Services) -> str:
    count = await services.measurements.save()
    return f"The numbers of {count} {'deployment' if count == 1 else 'deployments'} were written down."


JOB = ScheduledJob(
    name="keep_numbers",
    about="Writes down speed, success and cost of each deployment, for after a restart",
    every=lambda services: timedelta(minutes=1),
    first_after=timedelta(minutes=1),
    run=keep,
)
