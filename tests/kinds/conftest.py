"""Fixtures of the contract suite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from app.providers.connections import Connections
from tests.kinds.fake import FakeUpstream, serving


@pytest.fixture(scope="session")
def fake() -> Iterator[FakeUpstream]:
    with serving() as upstream:
        yield upstream


@pytest.fixture
async def connections() -> AsyncIterator[Connections]:
    made = Connections(web=httpx.AsyncHTTPTransport(verify=False))  # no certificates to load, 700 times
    yield made
    await made.aclose()
