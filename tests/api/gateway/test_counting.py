"""Counting tokens: at the provider where it counts, else estimated; and how far the estimate is off."""

from __future__ import annotations

import json
import statistics
from typing import Any

import anthropic
import pytest

from app.core.chat import Usage
from app.core.errors import AnyGPTError
from app.formats.base import ClientFormat
from app.formats.estimate import family_of, input_tokens, read_question
from app.formats.registry import CLIENT_FORMATS
from app.providers.tokens import count_tokens
from tests.api.gateway.asking import MESSAGES, QUESTION
from tests.api.gateway.test_errors import check
from tests.api.gateway.test_gemini import KINDS, at
from tests.api.gateway.test_gemini import check as check_gemini
from tests.app_server import AppServer
from tests.recordings import Recording, needs_recordings, recordings
from tests.upstream.fixtures import RunningUpstream

PATH = "/v1/messages/count_tokens"
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "Say hello."}]}]}
# of a messages request; the second half belongs to asking, and count_tokens refuses it
COUNTED = {
    "system": "Be brief.",
    "tools": [{"name": "t", "description": "A tool.", "input_schema": {"type": "object"}}],
    "tool_choice": {"type": "auto"},
    "thinking": {"type": "enabled", "budget_tokens": 2000},
}
NOT_COUNTED = {
    "max_tokens": 5000,
    "stream": True,
    "temperature": 1.0,
    "top_p": 0.9,
    "stop_sequences": ["#"],
    "metadata": {"user_id": "u"},
    "service_tier": "auto",
}


def provide(server: AppServer, upstream: RunningUpstream, provider: str, *modifiers: str) -> str:
    return server.provide(upstream, f"{provider}/chat", *modifiers, kind=KINDS[provider])


@pytest.mark.parametrize("prefix", ["", "/anthropic"])
async def test_anthropic_counts_what_it_would_read_and_sees_nothing_else(
    server: AppServer, upstream: RunningUpstream, prefix: str
) -> None:
    model = provide(server, upstream, "anthropic", "split-9993")
    asked = {"model": model, "messages": QUESTION, **COUNTED, **NOT_COUNTED}
    headers = {"anthropic-beta": "context-1", "anthropic-version": "2023-06-01"}
    async with server.client(**headers) as client:
        answer = await client.post(prefix + PATH, json=asked)
    assert (answer.status_code, answer.json()) == (200, {"input_tokens": 9})
    seen = upstream.seen("split-9993")[-1]
    assert seen["path"].endswith("/v1/messages/count_tokens")
    assert set(seen["body"]) == {"model", "messages", *COUNTED}
    assert (seen["body"]["model"], seen["body"]["system"]) == ("upstream-model", "Be brief.")
    assert seen["headers"]["anthropic-beta"] == "context-1"
    assert seen["headers"]["x-api-key"] == "sk-test"


async def test_the_tokens_of_a_question_alone_can_be_counted(server: AppServer, upstream: RunningUpstream) -> None:
    model = provide(server, upstream, "anthropic", "split-9992")
    async with server.client() as client:
        answer = await client.post(PATH, json={"model": model, "messages": QUESTION})
    assert answer.json() == {"input_tokens": 9}
    assert set(upstream.seen("split-9992")[-1]["body"]) == {"model", "messages"}


@pytest.mark.parametrize("whole", [False, True], ids=["contents", "generateContentRequest"])
@pytest.mark.parametrize("prefix", ["", "/gemini"])
async def test_gemini_counts_what_it_would_read(
    server: AppServer, upstream: RunningUpstream, prefix: str, whole: bool
) -> None:
    model = provide(server, upstream, "gemini", "split-9991")
    more = {"systemInstruction": {"parts": [{"text": "Be brief."}]}}
    asked = {"generateContentRequest": {"model": f"models/{model}", **CONTENTS, **more}} if whole else CONTENTS
    async with server.client() as client:
        answer = await client.post(prefix + at(model, "countTokens"), json=asked)
    assert (answer.status_code, answer.json()) == (200, {"totalTokens": 9})
    seen = upstream.seen("split-9991")[-1]
    assert seen["path"].endswith("/v1beta/models/upstream-model:countTokens")
    request = seen["body"]["generateContentRequest"]
    assert request["model"] == "models/upstream-model"
    assert request["contents"] == CONTENTS["contents"]
    assert ("systemInstruction" in request) == whole


async def test_a_question_may_be_counted_by_the_other_makers_counter(
    server: AppServer, upstream: RunningUpstream
) -> None:
    gemini, claude = provide(server, upstream, "gemini", "split-9990"), provide(server, upstream, "anthropic")
    async with server.client(**{"anthropic-beta": "context-1"}) as client:
        answer = await client.post(PATH, json={"model": gemini, "messages": QUESTION})
        assert answer.json() == {"input_tokens": 9}
        assert (await client.post(at(claude, "countTokens"), json=CONTENTS)).json() == {"totalTokens": 9}
    assert "anthropic-beta" not in upstream.seen("split-9990")[-1]["headers"]


async def test_elsewhere_the_tokens_are_estimated_without_asking_anybody(
    server: AppServer, upstream: RunningUpstream
) -> None:
    model = provide(server, upstream, "openai", "delay-9")
    question = [{"role": "user", "content": "The quick brown fox jumps over the lazy dog. " * 100}]
    async with server.client() as client:
        answer = await client.post(PATH, json={"model": model, "messages": question})
        said = (await client.post(at(model, "countTokens"), json=CONTENTS)).json()
        longer = await client.post(PATH, json={"model": model, "messages": question, **COUNTED})
    assert 950 <= answer.json()["input_tokens"] <= 1150
    assert 3 <= said["totalTokens"] <= 15
    assert longer.json()["input_tokens"] > answer.json()["input_tokens"]
    assert not upstream.seen("delay-9")


@pytest.mark.parametrize("modifier", ["status-404", "status-500", "status-401", "reset", "garbage", "html"])
async def test_where_a_provider_fails_to_count_the_tokens_are_estimated(
    server: AppServer, upstream: RunningUpstream, modifier: str
) -> None:
    model = provide(server, upstream, "anthropic", modifier)
    async with server.client() as client:
        answer = await client.post(PATH, json={"model": model, "messages": QUESTION})
        assert answer.status_code == 200, answer.text
        assert 3 <= answer.json()["input_tokens"] <= 20
        again = await client.post(PATH, json={"model": model, "messages": QUESTION})
    assert again.status_code == 200, "a count says nothing about a deployment's health"


async def test_what_is_wrong_with_a_question_is_told(server: AppServer, upstream: RunningUpstream) -> None:
    refusing = server.provide(upstream, "anthropic/error-400")
    model = provide(server, upstream, "openai")
    async with server.client() as client:
        check(await client.post(PATH, json={"model": refusing, "messages": QUESTION}), MESSAGES, 400, "colour")
        check(await client.post(PATH, json={"model": "nothing", "messages": QUESTION}), MESSAGES, 404, "nothing")
        check(await client.post(PATH, json={"model": model, "messages": "text"}), MESSAGES, 400, "messages")
        check(await client.post(PATH, content=b"{"), MESSAGES, 400)
        check_gemini(await client.post(at("nothing", "countTokens"), json=CONTENTS), 404, "nothing")
        check_gemini(await client.post(at(model, "countTokens"), json={}), 400, "contents")
    async with server.client(server.add_key(scopes=["models"])) as client:
        check(await client.post(PATH, json={"model": model, "messages": QUESTION}), MESSAGES, 403, '"chat"')
    async with server.stranger() as client:
        check(await client.post(PATH, json={"model": model, "messages": QUESTION}), MESSAGES, 401)


async def test_a_count_costs_nothing_and_is_no_request_of_the_ledger(
    server: AppServer, upstream: RunningUpstream
) -> None:
    model = provide(server, upstream, "anthropic")
    secret = server.add_key(budgets=[{"usd": "1", "window": "total"}], limits={"concurrent": 1})
    async with server.client(secret) as client:
        for _ in range(3):
            answer = await client.post(PATH, json={"model": model, "messages": QUESTION})
            assert answer.status_code == 200, "its place is given back"
        [budget] = (await client.get("/v1/key")).json()["budgets"]
        found = await client.get("/v1/generation", params={"id": answer.headers["x-request-id"]})
    assert (budget["spent_usd"], budget["reserved_usd"]) == ("0.00", "0.00")
    assert found.status_code == 404


async def test_the_official_sdk_counts(server: AppServer, upstream: RunningUpstream) -> None:
    async with anthropic.AsyncAnthropic(api_key=server.key, base_url=server.url, max_retries=0) as client:
        for provider in KINDS:
            model = provide(server, upstream, provider)
            counted: Any = await client.messages.count_tokens(model=model, messages=QUESTION)
            assert counted.input_tokens > 0


# --- how good the estimate is ------------------------------------------------------------------------------------

_MORE_THAN_TEXT = {
    "tools",
    "mcp_servers",
    "thinking",
    "output_config",
    "response_format",
    "plugins",
    "web_search_options",
}


@needs_recordings
@pytest.mark.parametrize("dialect", ["openai-chat", "anthropic-messages", "gemini"])
def test_the_estimate_is_near_what_the_providers_said(dialect: str) -> None:
    shares = sorted(share for each in recordings(dialect=dialect, ok=True) if (share := _share(each)))
    assert len(shares) >= 10
    off = statistics.median(abs(share - 1) for share in shares)
    print(f"{dialect}: {len(shares)} questions, off by {off:.1%} (median), {shares[0]:.2f} to {shares[-1]:.2f}")
    assert off <= 0.15


def _share(recorded: Recording) -> float | None:
    """The estimate over what the provider said, for questions of text alone."""
    asked, format = recorded.request, CLIENT_FORMATS[recorded.dialect]
    if not isinstance(asked, dict) or not ({"messages", "contents"} & set(asked)) or _MORE_THAN_TEXT & set(asked):
        return None
    model = asked.get("model") or recorded.path.rpartition("/")[2].partition(":")[0]
    try:
        request = format.decode_request(json.dumps(asked).encode(), model, recorded.stream)
        said = _usage(format, recorded)
    except AnyGPTError:  # what the gateway refuses has no estimate
        return None
    reading = read_question(request)
    if said is None or not said.input or reading.media or (request.output is not None):
        return None
    return input_tokens(reading, count_tokens(reading.text), family_of(model)) / said.input


def _usage(format: ClientFormat, recorded: Recording) -> Usage | None:
    if not recorded.stream:
        return format.result_usage(recorded.body)[0]
    tap = format.tap(strip_usage=False)
    tap.feed(recorded.body)
    tap.close()
    return tap.usage
