"""What the tests of the services share: a clock to move, services that follow it, a network that the test plays."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.core.settings import Settings
from app.providers.demo import DemoTransport
from app.services.container import Services
from app.services.startup import open_services
from app.services.views import Person
from tests.clock import StillClock
from tests.conftest import OWNER_EMAIL, OWNER_PASSWORD
from tests.services.scripted import ScriptedNetwork


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh installation with its owner. Each test gets a copy: making one takes ten times as long."""
    folder = tmp_path_factory.mktemp("installation") / "data"

    async def install() -> None:
        made = Settings(data_dir=folder, port=0, admin_email=OWNER_EMAIL, admin_password=OWNER_PASSWORD)  # type: ignore[arg-type]
        async with open_services(made, serving=True):
            pass

    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith("ANYGPT_")]:
            environment.delenv(name)
        thread = threading.Thread(target=lambda: asyncio.run(install()))
        thread.start()
        thread.join()
    return folder


@pytest.fixture
def settings(settings: Settings, installation: Path) -> Settings:
    shutil.copytree(installation, settings.data_dir)
    return settings


@pytest.fixture
def nobody(settings: Settings, tmp_path: Path) -> Settings:
    """Settings of an empty folder that nobody owns yet."""
    return settings.model_copy(update={"data_dir": tmp_path / "empty", "admin_email": "", "admin_password": None})


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
def owner_of_timed(timed: Services) -> Person:
    return timed.people.get(OWNER_EMAIL)


@pytest.fixture
def network() -> ScriptedNetwork:
    return ScriptedNetwork()


@pytest.fixture
async def scripted(settings: Settings, network: ScriptedNetwork) -> AsyncIterator[Services]:
    """Services whose providers answer what the test says, when it says it."""
    async with open_services(settings, serving=True, network=network, demo=DemoTransport(pace=0)) as opened:
        yield opened
