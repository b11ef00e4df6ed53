"""The clients in their own environment, and a running AnyGPT for them to ask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients import environment
from tests.clients.environment import Worker
from tests.sdk.conftest import MODEL, Sdks, running_script, script, sdks, server

__all__ = ["Clients", "clients", "running_script", "script", "sdks", "server", "worker"]


@pytest.fixture(scope="session")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with Worker(environment.python(), tmp_path_factory.mktemp("clients")) as started:
        yield started


class Clients:
    """Asks AnyGPT, and a provider directly, with the same client."""

    def __init__(self, worker: Worker, sdks: Sdks) -> None:
        self._worker, self._sdks = worker, sdks

    def ask(self, client: str, do: str = "answer", *, stream: bool = False, more: tuple[str, ...] = ()) -> Any:
        url = self._sdks.server.url + ("" if client == "anthropic-messages" else "/v1")
        return self._ask(client, do, stream, more, url=url, key=self._sdks.server.key, model=MODEL)

    def ask_directly(self, url: str, model: str, client: str, do: str = "answer", *, stream: bool = False) -> Any:
        return self._ask(client, do, stream, (), url=url, key="sk-test", model=model)

    def _ask(self, client: str, do: str, stream: bool, more: tuple[str, ...], **place: str) -> Any:
        return self._worker.ask(client=client, do=do, stream=stream, more=more, **place)


@pytest.fixture(scope="module")
def clients(worker: Worker, sdks: Sdks) -> Clients:
    return Clients(worker, sdks)
