"""Who answered in place of whom, and what that cost."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from app.core.ids import new_id
from app.db.tables.ledger import AttemptRow, RequestRow
from app.services.container import Services
from app.services.failovers import KEEP_S
from app.services.views import ModelSpec, ProviderSpec
from tests.clock import StillClock

URL = "http://127.0.0.1:9/v1"
PRICE = {"input": "1", "output": "2"}


async def add(services: Services, at: datetime, *, status: int = 200, first: int = 429, **fields: Any) -> None:
    """A request that `lab` failed and `other` answered for 9,000 nano-dollars, 500 of them for the first attempt."""
    lab = services.providers.find("lab")
    answered = {"provider_id": "prov_other", "provider": "other", "model": "dear"}
    request = RequestRow(
        id=new_id("req"), at=at, status=status, attempts=2, cost=9000, input_tokens=1000, output_tokens=500, **answered
    )
    attempts = [
        AttemptRow(
            id=new_id("att"),
            request_id=request.id,
            state="closed",
            status=first,
            error="slow down",
            started_at=at,
            provider_id=lab.id,
            provider="lab",
            model="m",
            cost=500,
        ),
        AttemptRow(
            id=new_id("att"),
            request_id=request.id,
            position=2,
            state="closed",
            status=status,
            started_at=at,
            cost=8500,
            **answered,
        ),
    ]
    await services.db.write(lambda session: session.add_all([request, *attempts]))


async def lab(services: Services, price: dict[str, str] | None = PRICE) -> None:
    models = [ModelSpec("m", price=price)]
    await services.providers.add("test", ProviderSpec("lab", "openai-compatible", URL, models=models))


async def test_requests_that_failed_over_are_counted_from_whom_to_whom(timed: Services, clock: StillClock) -> None:
    await lab(timed)
    await add(timed, clock.now() - timedelta(minutes=5))
    await add(timed, clock.now() - timedelta(minutes=2))
    await add(timed, clock.now() - timedelta(minutes=90))
    hour = await timed.failovers.last_hour()
    (found,) = hour.failovers
    assert (found.from_provider, found.from_model, found.to_provider, found.to_model) == ("lab", "m", "other", "dear")
    assert (found.requests, found.error, found.failed_cost) == (2, "slow down", 1000)
    assert found.dearer == 2 * 8500 - 4_000_000  # there: 1,000 tokens at 1 USD a million and 500 at 2, twice
    assert (hour.requests, hour.saved, hour.failed) == (2, 2, 0)


async def test_what_nobody_answered_is_a_failure_and_the_latest_one_is_named(
    timed: Services, clock: StillClock
) -> None:
    await lab(timed)
    await add(timed, clock.now() - timedelta(minutes=5), status=502, first=503)
    hour = await timed.failovers.last_hour()
    assert (hour.failed, hour.saved, hour.failovers) == (1, 0, ())
    assert hour.last_failure is not None
    assert hour.last_failure.status in (502, 503)


async def test_with_an_unknown_price_nobody_can_say_what_was_dearer(timed: Services, clock: StillClock) -> None:
    await lab(timed, None)
    await add(timed, clock.now())
    (found,) = (await timed.failovers.last_hour()).failovers
    assert found.dearer is None


async def test_the_ledger_is_read_once_for_all_who_ask_within_seconds(timed: Services, clock: StillClock) -> None:
    await lab(timed)
    assert (await timed.failovers.last_hour()).saved == 0
    await add(timed, clock.now())
    assert (await timed.failovers.last_hour()).saved == 0
    clock.skip(KEEP_S)
    assert (await timed.failovers.last_hour()).saved == 1
