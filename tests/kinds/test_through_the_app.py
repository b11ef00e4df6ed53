"""Every kind behind the real gateway: added, tested, asked by clients of two formats, counted in the ledger."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.formats.registry import FORMATS
from app.providers.kinds import UsagePlace
from app.services.views import ProviderSpec
from tests.app_server import AppServer, running_app
from tests.kinds.answers import INPUT, LISTED, OUTPUT, TEXT
from tests.kinds.cases import CASES, KEY, MODEL, Case, each_case
from tests.kinds.fake import FakeUpstream

SERVED = [case for case in CASES.values() if case.kind.formats[0] in FORMATS]
QUESTION = [{"role": "user", "content": "Hello"}]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, fake: FakeUpstream) -> Iterator[AppServer]:
    """With a provider for each case, which serves one model under the case's name."""
    with running_app(tmp_path_factory.mktemp("kinds")) as server:
        for case in SERVED:
            server.add_provider(
                fake.base_url(case),
                alias=case.id,
                name=case.id.replace("@", "."),
                kind=case.kind.name,
                api_keys=[KEY],
                model={"id": MODEL},
            )
        yield server


@pytest.mark.parametrize("case", SERVED, ids=lambda case: case.id)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_an_openai_client_is_answered_and_the_ledger_counts(app: AppServer, case: Case, stream: bool) -> None:
    async with app.client() as client:
        answer = await client.post(
            "/v1/chat/completions", json={"model": case.id, "messages": QUESTION, "stream": stream}
        )
    assert answer.status_code == 200, answer.text
    assert "Muster" in answer.text if stream else answer.json()["choices"][0]["message"]["content"] == TEXT
    if stream and case.kind.usage is UsagePlace.EXTRA_CHUNK:  # it was the gateway that asked for it
        assert "prompt_tokens" not in answer.text
    row = app.ledger(answer.headers["x-request-id"]).row
    assert (row.input_tokens, row.output_tokens) == (INPUT, OUTPUT)


@pytest.mark.parametrize("case", SERVED, ids=lambda case: case.id)
async def test_an_anthropic_client_is_answered_by_every_kind(app: AppServer, case: Case) -> None:
    async with app.client() as client:
        answer = await client.post(
            "/v1/messages", json={"model": case.id, "messages": QUESTION, "max_tokens": 50, "stream": True}
        )
    assert answer.status_code == 200, answer.text
    assert "message_stop" in answer.text
    row = app.ledger(answer.headers["x-request-id"]).row
    assert (row.input_tokens, row.output_tokens) == (INPUT, OUTPUT)


CALL = {"id": "call_from_elsewhere", "type": "function", "function": {"name": "look", "arguments": "{}"}}
DEMANDING = {
    "messages": [
        {"role": "developer", "content": "Be brief."},
        *QUESTION,
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_from_elsewhere", "content": "nothing"},
    ],
    "max_completion_tokens": 50,
    "seed": 7,
    "user": "ada",
    "stream": True,
    "stream_options": {"include_usage": True},
}


@pytest.mark.parametrize("case", SERVED, ids=lambda case: case.id)
async def test_what_a_kind_refuses_of_openais_chat_is_said_in_its_own_words(app: AppServer, case: Case) -> None:
    async with app.client() as client:
        answer = await client.post("/v1/chat/completions", json={**DEMANDING, "model": case.id})
        again = await client.post("/v1/chat/completions", json={**DEMANDING, "model": case.id})
    if case.kind.formats[0] == "openai-chat":
        assert answer.status_code == 200, answer.text
        assert '"prompt_tokens":' in answer.text
        row = app.ledger(answer.headers["x-request-id"]).row
        assert (row.input_tokens, row.output_tokens) == (INPUT, OUTPUT)
        assert app.ledger(again.headers["x-request-id"]).row.attempts == 1, "what it refuses is remembered"
    else:
        assert answer.status_code in (200, 422), answer.text


@each_case()
def test_a_provider_of_every_kind_passes_its_connection_test(app: AppServer, fake: FakeUpstream, case: Case) -> None:
    spec = ProviderSpec("fresh", case.kind.name, fake.base_url(case), api_keys=[KEY])
    result = app.run(app.services.providers.test(spec))
    assert result.ok, result.sentence
    assert result.models_found == (len(LISTED) if case.kind.models else 0)


def test_a_kind_without_a_list_takes_its_models_from_the_catalogue(app: AppServer, fake: FakeUpstream) -> None:
    spec = ProviderSpec("sonar", "perplexity", fake.base_url(CASES["perplexity@bare"]), api_keys=[KEY])
    view = app.run(app.services.providers.add("test", spec))
    assert "sonar-pro" in {model.id for model in view.models}
