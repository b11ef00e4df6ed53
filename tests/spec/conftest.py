"""One running AnyGPT for the module, and providers that answer as a test wants."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.app_server import AppServer
from tests.sdk.conftest import running_script, script, sdks, server

__all__ = ["client", "running_script", "script", "sdks", "server"]


@pytest.fixture(scope="module")
def client(server: AppServer) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {server.key}"}
    with httpx.Client(base_url=f"{server.url}/v1", headers=headers, trust_env=False, timeout=20) as made:
        yield made
