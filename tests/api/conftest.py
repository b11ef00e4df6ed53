"""One running server for a module; each test adds the providers and keys that it needs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.app_server import AppServer, running_app


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    with running_app(tmp_path_factory.mktemp("app")) as started:
        yield started
