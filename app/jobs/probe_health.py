"""Asks every enabled provider whether it is there: a call that costs nothing, kept as history."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from app.core.errors import UpstreamError
from app.jobs.base import ScheduledJob
from app.services.container import Services
from app.services.snapshot import Provider


async def probe_all(services: Services) -> str:
    providers = [provider for provider in services.state.current.providers.values() if provider.enabled]
    results = await asyncio.gather(*(_probe(services, provider) for provider in providers))
    services.probes.forget(set(services.state.current.providers))
    services.live.note()
    return f"{results.count(True)} of {len(results)} providers answered."


async def _probe(services: Services, provider: Provider) -> bool:
    """One good key is enough. A probe alone never closes the way to a deployment."""
    secrets: list[str | None] = [credential.secret for credential in provider.credentials if credential.secret]
    started = services.clock.monotonic()
    error: UpstreamError | None = None
    for secret in secrets or [None]:
        try:
            await provider.upstream.probe(secret)
            error = None
            break
        except UpstreamError as failure:
            error = failure
    latency = round((services.clock.monotonic() - started) * 1000)
    await services.probes.record(provider.id, error is None, error.message if error else None, latency)
    return error is None


JOB = ScheduledJob(
    name="probe_health",
    about="Asks each enabled provider whether it answers",
    every=lambda services: timedelta(seconds=services.runtime.get("probe_interval_s")),
    first_after=timedelta(seconds=60),
    run=probe_all,
)
