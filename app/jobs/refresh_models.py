"""Asks providers for their models, so that new ones can be used without an admin's hand."""

from __future__ import annotations

from datetime import timedelta

from app.core.errors import UpstreamError
from app.jobs.base import ScheduledJob
from app.services.container import Services


async def refresh_all(services: Services) -> str:
    done, failed = 0, []
    for provider in list(services.state.current.providers.values()):
        if not provider.enabled or provider.models_listed or provider.kind.models is None:
            continue
        try:
            await services.providers.refresh_models("job refresh_models", provider.id)
            done += 1
        except UpstreamError as error:
            failed.append(f"{provider.name}: {error.message}")
    services.live.note()
    return f"{done} providers listed their models." + (f" Not: {' '.join(failed)}" if failed else "")


JOB = ScheduledJob(
    name="refresh_models",
    about="Asks each provider which models it has",
    every=lambda services: timedelta(hours=services.runtime.get("models_refresh_h")),
    first_after=timedelta(minutes=2),
    run=refresh_all,
)
