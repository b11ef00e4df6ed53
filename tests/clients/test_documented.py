"""The examples of docs/clients.md for these clients run as they stand."""

from __future__ import annotations

import pytest

from tests.app_server import AppServer
from tests.clients.environment import Worker, needed
from tests.sdk.test_documented import ELSEWHERE, blocks, here

needed()


@pytest.mark.parametrize(
    "block", [block for block in blocks("python") if ELSEWHERE in block], ids=lambda block: block.split()[1]
)
def test_the_examples_run(block: str, server: AppServer, worker: Worker) -> None:
    read = worker.ask(do="run", code=here(block, server))
    assert read["error"] is None
    assert "demo model" in read["pieces"][0]


def test_the_models_of_the_file_answer(server: AppServer, worker: Worker) -> None:
    (models,) = blocks("yaml")
    command = next(block for block in blocks("sh") if block.startswith("llm keys"))
    asked = command.splitlines()[1]
    read = worker.ask(do="ask as documented", models=here(models, server), key=server.key, command=asked)
    assert read["error"] is None
    assert "demo model" in read["pieces"][0]
