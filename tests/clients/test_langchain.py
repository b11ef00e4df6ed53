"""What LangChain reads through AnyGPT is what it reads from the provider itself; and with providers of every format."""

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

CLIENTS = ("openai-chat", "openai-responses", "anthropic-messages")
each_client = pytest.mark.parametrize("client", CLIENTS)


def each_recording(*, ok: bool) -> pytest.MarkDecorator:
    found = [recorded for client in CLIENTS for recorded in recordings(dialect=client, ok=ok)]
    if not found:
        return each(dialect="none")
    return pytest.mark.parametrize("recorded", found, ids=[recorded.name for recorded in found])


def both(recorded: Recording, clients: Clients, sdks: Sdks) -> tuple[Any, Any]:
    """Through AnyGPT, and directly."""
    url = sdks.play(recorded.dialect, recorded.name, model=model_of(recorded))
    direct = url.removesuffix("/v1") if recorded.dialect == "anthropic-messages" else url
    got = clients.ask(recorded.dialect, stream=recorded.stream)
    return got, clients.ask_directly(direct, model_of(recorded), recorded.dialect, stream=recorded.stream)


@each_recording(ok=True)
def test_answers_read_the_same(recorded: Recording, clients: Clients, sdks: Sdks) -> None:
    got, expected = both(recorded, clients, sdks)
    if "error-with-http-200" in recorded.scenario:
        assert got["error"], "an error is one, whatever status it came under"
        return
    if expected["error"]:
        assert got["error"]["type"] == expected["error"]["type"]
    else:
        assert got["error"] is None
    assert got["pieces"] == expected["pieces"]


@each_recording(ok=False)
def test_errors_are_raised_the_same(recorded: Recording, clients: Clients, sdks: Sdks) -> None:
    got, expected = both(recorded, clients, sdks)
    if got["error"]["status"] == recorded.status:
        assert got["error"]["type"] == expected["error"]["type"]
    else:  # a provider's trouble, and its trouble with its key, is not the client's
        assert got["error"]["status"] == 502 or (recorded.status, got["error"]["status"]) == (403, 400)


@each_client
@each_format
@whole_and_stream
def test_tools_are_called_until_the_answer(
    clients: Clients, sdks: Sdks, script: ScriptedUpstream, client: str, format: str, stream: bool
) -> None:
    sdks.point(format, script.base_url(format))
    call = Said(thought="Look outside.", call=("get_weather", {"city": "Bern"}))
    script.line_up(answer(format, call, stream=stream), answer(format, Said(TEXT), stream=stream))
    read = clients.ask(client, "call tools", stream=stream)
    assert read["error"] is None
    first, last = read["pieces"]
    assert [(made["name"], made["args"]) for made in first["tool_calls"]] == [("get_weather", {"city": "Bern"})]
    assert first["usage_metadata"]["output_tokens"] == 6
    assert TEXT in json.dumps(last["content"], ensure_ascii=False)
    assert "17 degrees in Bern" in json.dumps(script.seen[1])


@each_client
@each_format
def test_answers_are_parsed_by_a_schema(
    clients: Clients, sdks: Sdks, script: ScriptedUpstream, client: str, format: str
) -> None:
    sdks.point(format, script.base_url(format))
    script.line_up(answer(format, Said('{"city": "Bern", "degrees": 17}'), stream=False))
    read = clients.ask(client, "parse")
    assert (read["pieces"], read["error"]) == ([{"city": "Bern", "degrees": 17}], None)
    assert "degrees" in json.dumps(script.seen[0]), "the provider is told the schema"
