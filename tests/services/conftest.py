"""What the tests of the services share: a clock to move, services that follow it, a network that the test plays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from app.core.settings import Settings
from app.providers.demo import DemoTransport
from app.services.container import Services
from app.services.startup import open_services
from app.services.views import Person
from tests.clock import StillClock
from tests.conftest import OWNER_EMAIL
from tests.services.scripted import ScriptedNetwork


@pytest.fixture
def clock() -> StillClock:
    """Friday, 20 November 2026, noon UTC."""
    return StillClock(datetime(2026, 11, 20, 12, 0, tzinfo=UTC))


@pytest.fixture
async def timed(settings: Settings, clock: StillClock) -> AsyncIterator[Services]:
    """Services by the still clock, for a team in Berlin."""
    berlin = settings.model_copy(update={"timezone": "Europe/Berlin"})
    async with open_services(berlin, serving=True, clock=clock, demo=DemoTransport(pace=0)) as opened:
        yield opened


@pytest.fixture
def network() -> ScriptedNetwork:
    return ScriptedNetwork()


@pytest.fixture
async def scripted(settings: Settings, network: ScriptedNetwork) -> AsyncIterator[Services]:
    """Services whose providers answer what the test says, when it says it."""
    async with open_services(settings, serving=True, network=network, demo=DemoTransport(pace=0)) as opened:
        yield opened


@pytest.fixture
def owner_of_timed(timed: Services) -> Person:
    return timed.people.get(OWNER_EMAIL)
