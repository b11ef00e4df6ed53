"""What the `llm` command line prints through AnyGPT is what it prints of the provider's own answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.clients.conftest import Clients
from tests.clients.environment import needed
from tests.recordings import Recording, each, recordings
from tests.sdk.answers import Said, answer
from tests.sdk.conftest import Sdks
from tests.sdk.reading import model_of
from tests.sdk.scripted import ScriptedUpstream
from tests.sdk.test_translated_openai import TEXT, each_format, whole_and_stream

needed()

FORMAT = "openai-chat"


def both(recorded: Recording, clients: Clients, sdks: Sdks) -> tuple[Any, Any]:
    """Through AnyGPT, and directly."""
    url = sdks.play(FORMAT, recorded.name, model=model_of(recorded))
    got = clients.ask(FORMAT, "command", stream=recorded.stream)
    return got, clients.ask_directly(url, model_of(recorded), FORMAT, "command", stream=recorded.stream)


@each(dialect=FORMAT, ok=True)
def test_the_same_is_printed(recorded: Recording, clients: Clients, sdks: Sdks) -> None:
    got, expected = both(recorded, clients, sdks)
    if "error-with-http-200" in recorded.scenario:
        assert got["error"], "an error is one, whatever status it came under"
    else:
        assert got == expected


def refusals() -> pytest.MarkDecorator:
    """Those after which it gives up: after others it waits, as long as a minute, and asks again."""
    found = [recorded for recorded in recordings(dialect=FORMAT, ok=False) if recorded.status in (400, 404, 422)]
    if not found:
        return each(dialect="none")
    return pytest.mark.parametrize("recorded", found, ids=[recorded.name for recorded in found])


@refusals()
def test_a_refusal_ends_it(recorded: Recording, clients: Clients, sdks: Sdks) -> None:
    got, expected = both(recorded, clients, sdks)
    assert expected["error"]
    assert got["error"]["type"] == expected["error"]["type"]
    assert got["pieces"][0].startswith("Error:")


@each_format
@whole_and_stream
def test_providers_of_every_format_are_read(
    clients: Clients, sdks: Sdks, script: ScriptedUpstream, format: str, stream: bool
) -> None:
    sdks.point(format, script.base_url(format))
    script.line_up(answer(format, Said(TEXT, thought="Look outside."), stream=stream))
    read = clients.ask(FORMAT, "command", stream=stream)
    assert (read["pieces"], read["error"]) == ([f"{TEXT}\n"], None)


@each_format
def test_a_schema_and_the_use_of_tokens(clients: Clients, sdks: Sdks, script: ScriptedUpstream, format: str) -> None:
    sdks.point(format, script.base_url(format))
    script.line_up(answer(format, Said('{"degrees": 17}'), stream=False))
    read = clients.ask(FORMAT, "command", more=("--schema", "degrees int", "--usage"))
    assert read["error"] is None
    assert set(read["pieces"][0].splitlines()) == {"Token usage: 9 input, 6 output", '{"degrees": 17}'}
    assert "degrees" in json.dumps(script.seen[0])
