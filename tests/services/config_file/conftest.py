"""Services over an empty data folder, whose providers list two models."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.core.settings import Settings
from app.services.container import Services
from app.services.startup import open_services


def lists_two_models(request: httpx.Request) -> httpx.Response:
    if request.url.host == "down.example":
        raise httpx.ConnectError("refused", request=request)
    return httpx.Response(200, json={"object": "list", "data": [{"id": "found-1"}, {"id": "found-2"}]})


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    settings = Settings(data_dir=tmp_path / "data", timezone="Europe/Berlin")
    async with open_services(settings, serving=False, web=httpx.MockTransport(lists_two_models)) as opened:
        yield opened
