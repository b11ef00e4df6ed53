"""Brings the catalogue up to date from a public list; offline, the last good one stays and says how old it is."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx

from app.core.errors import UpstreamDown
from app.jobs.base import ScheduledJob
from app.providers.price_sources import MODELS_DEV, models_dev_rows
from app.services.container import Services

LARGEST = 64 * 2**20


async def refresh(services: Services) -> str:
    catalog = services.catalog
    body = await _fetch(services.connections.web, catalog.made_at)
    rows = await asyncio.to_thread(models_dev_rows, body)
    catalog.replace(rows, "models.dev", services.clock.now().date().isoformat())
    await services.state.load()
    return f"{catalog.size} models from {catalog.source}."


async def _fetch(web: httpx.AsyncBaseTransport, present: str) -> bytes:
    kept = f"The prices of {present} are kept."
    client = httpx.AsyncClient(transport=web, timeout=30, follow_redirects=False, trust_env=False)
    # the transport is shared: closing the client would close it for all
    try:
        async with client.stream("GET", MODELS_DEV, headers={"user-agent": "AnyGPT"}) as response:
            if response.status_code != 200:
                raise UpstreamDown(f"The list of models answered {response.status_code}. {kept}")
            pieces, size = [], 0
            async for piece in response.aiter_bytes():
                pieces.append(piece)
                size += len(piece)
                if size > LARGEST:
                    raise UpstreamDown(f"The list of models is larger than {LARGEST // 2**20} MB. {kept}")
            return b"".join(pieces)
    except (httpx.HTTPError, OSError) as error:
        raise UpstreamDown(f"The list of models could not be fetched ({type(error).__name__}). {kept}") from None


JOB = ScheduledJob(
    name="refresh_prices",
    about="Brings prices and capabilities up to date from a public list",
    every=lambda services: timedelta(hours=services.runtime.get("prices_refresh_h")),
    first_after=timedelta(minutes=10),
    run=refresh,
)
