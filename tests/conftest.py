"""Fixtures that every test may use."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.core.settings import Settings
from app.providers.demo import DemoTransport
from app.services.container import Services
from app.services.startup import open_services
from app.services.views import Person
from tests.upstream.fixtures import recordings, upstream

__all__ = ["data_dir", "owner", "recordings", "services", "settings", "upstream"]

OWNER_EMAIL, OWNER_PASSWORD = "ada@example.org", "correct horse"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def settings(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of an empty installation with an owner, whatever this machine's environment says."""
    for name in list(os.environ):
        if name.startswith("ANYGPT_") or name.endswith("_API_KEY"):
            monkeypatch.delenv(name)
    return Settings(data_dir=data_dir, port=0, admin_email=OWNER_EMAIL, admin_password=OWNER_PASSWORD)  # type: ignore[arg-type]


@pytest.fixture
async def services(settings: Settings) -> AsyncIterator[Services]:
    """All services over an empty folder, the demo at full speed, real connections otherwise."""
    async with open_services(settings, serving=True, demo=DemoTransport(pace=0)) as opened:
        yield opened


@pytest.fixture
def owner(services: Services) -> Person:
    return services.people.get(OWNER_EMAIL)
