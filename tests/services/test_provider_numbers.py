"""The numbers on a provider's card: right from the start, counted from then on, without reading the ledger again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session

from app.core.settings import Settings
from app.db.tables.ledger import AttemptRow, RequestRow
from app.db.types import micros
from app.formats.base import Peek
from app.services.container import Services
from app.services.gateway.call import Call
from app.services.gateway.record import ATTEMPT_COLUMNS, REQUEST_COLUMNS
from app.services.provider_numbers import ProviderNumbers
from app.services.spool import Rows
from app.services.startup import open_services
from app.services.views import ModelSpec, ProviderSpec
from tests.clock import StillClock
from tests.services.scripted import ScriptedNetwork
from tests.statements import reads

HOUR = 3600
EMAIL = "ada@example.org"
ANSWER = 21_000  # nano-dollars of 9 tokens in and 6 out


@pytest.fixture
async def services(settings: Settings, clock: StillClock, network: ScriptedNetwork) -> AsyncIterator[Services]:
    """With one provider. In Berlin it is one in the afternoon."""
    berlin = settings.model_copy(update={"timezone": "Europe/Berlin"})
    async with open_services(berlin, serving=True, clock=clock, network=network) as opened:
        models = [ModelSpec("m", price={"input": "1", "output": "2"})]
        spec = ProviderSpec("p", "openai-compatible", "http://127.0.0.1:9/v1", ["sk-1"], models=models)
        await opened.providers.add(opened.people.get(EMAIL), spec)
        yield opened


async def answered(services: Services, network: ScriptedNetwork) -> None:
    person = services.people.get(EMAIL)
    turn = await services.chats.ask(person, (await services.chats.create(person)).id, "Hello?", "m")
    (await network.next_call()).end((9, 6))
    async for _ in turn.updates():
        pass


async def failed(services: Services, network: ScriptedNetwork) -> None:
    person = services.people.get(EMAIL)
    turn = await services.chats.ask(person, (await services.chats.create(person)).id, "Hello?", "m")
    (await network.next_call()).fail(500)
    async for _ in turn.updates():
        pass


def numbers(services: Services) -> tuple[int, float | None, int]:
    view = services.providers.get("p")
    return view.requests_24h, view.answered_24h, view.spend_today


async def test_a_request_counts_when_it_ends_and_nothing_is_read_for_it(
    services: Services, network: ScriptedNetwork
) -> None:
    assert numbers(services) == (0, None, 0)
    with reads(services.db, "attempt") as attempts, reads(services.db, "request") as requests:
        await answered(services, network)
        assert numbers(services) == (1, 1.0, ANSWER)
        await failed(services, network)
        assert numbers(services) == (2, 0.5, ANSWER)
    assert attempts == requests == []


async def test_at_midnight_the_day_begins_anew_and_a_day_later_all_is_forgotten(
    services: Services, network: ScriptedNetwork, clock: StillClock
) -> None:
    await answered(services, network)
    clock.skip(11 * HOUR)  # midnight in Berlin
    assert numbers(services) == (1, 1.0, 0)
    await answered(services, network)
    assert numbers(services) == (2, 1.0, ANSWER)
    clock.skip(13 * HOUR + HOUR / 4)
    assert numbers(services) == (1, 1.0, ANSWER)
    clock.skip(11 * HOUR)
    assert numbers(services) == (0, None, 0)


async def test_after_a_restart_the_numbers_are_the_same(
    services: Services, network: ScriptedNetwork, clock: StillClock
) -> None:
    settings = services.settings
    await answered(services, network)
    clock.skip(12 * HOUR)
    await failed(services, network)
    await answered(services, network)
    before = numbers(services)
    assert before == (3, 2 / 3, ANSWER)
    services.folder.unlock()  # the second one starts while the first still lies open
    async with open_services(settings, serving=True, clock=clock) as again:
        assert numbers(again) == before


def left_behind(number: int, at: int) -> Rows:
    """An attempt and its request as the spool keeps them."""
    attempt = dict.fromkeys(ATTEMPT_COLUMNS) | {"id": f"att_{number}", "provider_id": "p", "status": 200}
    request = dict.fromkeys(REQUEST_COLUMNS) | {"id": f"req_{number}", "provider_id": "p", "cost": 500, "at": at}
    return [
        ("attempt", f"att_{number}", tuple((attempt | {"started_at": at}).values())),
        ("request", f"req_{number}", tuple(request.values())),
    ]


async def test_what_an_earlier_run_could_not_write_counts_once(timed: Services, clock: StillClock) -> None:
    """Of two requests in the spool, the first had been written already."""
    now = clock.now()

    def write(session: Session) -> None:
        session.add(
            AttemptRow(id="att_1", request_id="req_1", provider_id="p", status=200, started_at=now, state="closed")
        )
        session.add(RequestRow(id="req_1", at=now, provider_id="p", cost=500))

    await timed.db.write(write)
    numbers = ProviderNumbers(timed.db, clock, ZoneInfo("Europe/Berlin"))
    await numbers.load([left_behind(1, micros(now)), left_behind(2, micros(now))])
    assert numbers.of("p") == (2, 2, 1000)


async def test_a_day_is_read_in_slices_and_hours_without_anything_are_passed_over(
    timed: Services, clock: StillClock
) -> None:
    ages = (timedelta(hours=25.5), timedelta(hours=20), timedelta(minutes=45), timedelta())

    def write(session: Session) -> None:
        for number, age in enumerate(ages):
            row = AttemptRow(
                id=f"att_{number}", request_id=f"req_{number}", provider_id="p", started_at=clock.now() - age
            )
            row.state, row.status = "closed", 200
            session.add(row)

    await timed.db.write(write)
    numbers = ProviderNumbers(timed.db, clock, ZoneInfo("Europe/Berlin"))
    with reads(timed.db, "attempt") as seen:
        await numbers.load()
    assert numbers.of("p") == (3, 3, 0)
    sums = [statement for statement, _ in seen if "GROUP BY" in statement]
    assert len(sums) == 3, "an hour each, and the last two are one"


async def test_open_attempts_are_not_counted_yet(timed: Services, clock: StillClock) -> None:
    row = AttemptRow(id="att_1", request_id="req_1", provider_id="p", started_at=clock.now())
    await timed.db.write(lambda session: session.add(row))
    numbers = ProviderNumbers(timed.db, clock, ZoneInfo("Europe/Berlin"))
    await numbers.load()
    assert numbers.of("p") == (0, 0, 0)


async def test_a_request_counts_though_its_client_leaves_while_it_is_written(services: Services) -> None:
    ended: list[str] = []
    services.gateway.on_end(lambda call: ended.append(call.id))
    call = Call("req_1", services.clock.now(), services.clock.monotonic(), Peek(model="m"), status=200)
    committing = asyncio.create_task(services.gateway.commit(call))
    await asyncio.sleep(0)
    committing.cancel()
    await asyncio.gather(committing, return_exceptions=True)
    assert committing.cancelled()
    assert ended == ["req_1"]


async def test_the_times_to_the_first_token_outlive_a_restart(services: Services, clock: StillClock) -> None:
    provider_id = services.providers.find("p").id
    numbers = ProviderNumbers(services.db, clock, ZoneInfo("Europe/Berlin"))

    def write(session: Session) -> None:
        for number, waited in enumerate((300, None, 100, 200)):
            at = clock.now() - timedelta(minutes=10 - number)
            row = RequestRow(id=f"req_{number}", at=at, provider_id=provider_id, first_token_ms=waited)
            session.add(row)

    await services.db.write(write)
    found = await numbers.first_tokens([provider_id, "prov_none"])
    assert found == {provider_id: [300, 100, 200]}
    services.health.recall(provider_id, found[provider_id])
    view = services.providers.get("p")
    assert (view.first_token_p50_ms, view.first_token_run) == (200, (300, 100, 200))
