"""The test upstream itself: what it promises to others' tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.upstream import samples
from tests.upstream.fixtures import RunningUpstream


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=5) as made:
        yield made


def chat(upstream: RunningUpstream, *modifiers: str, sample: str = "openai/chat") -> str:
    return upstream.provider_url(sample, *modifiers) + "/chat/completions"


@pytest.mark.parametrize("stream", [False, True])
def test_chat_answers_as_it_is_asked(stream: bool, client: httpx.Client, upstream: RunningUpstream) -> None:
    asked = {"model": "m", "stream": stream, "stream_options": {"include_usage": True}}
    answer = client.post(chat(upstream), json=asked)
    assert answer.content == samples.OPENAI["stream" if stream else "text"].body


def test_usage_is_streamed_only_when_asked_for(client: httpx.Client, upstream: RunningUpstream) -> None:
    assert b"usage" not in client.post(chat(upstream), json={"stream": True}).content


@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini"])
def test_every_family_has_text_tools_errors_and_models(
    provider: str, client: httpx.Client, upstream: RunningUpstream
) -> None:
    for name in ("text", "stream", "tools", "stream-tools"):
        assert client.post(upstream.provider_url(f"{provider}/{name}") + "/x", json={}).status_code == 200
    for name in ("error-400", "error-401", "error-404", "error-context"):
        answer = client.post(upstream.provider_url(f"{provider}/{name}") + "/x", json={})
        assert "error" in answer.json()
        assert answer.status_code >= 400
    assert "sample-model" in client.get(upstream.provider_url(f"{provider}/text") + "/models").text


def test_gemini_streams_an_array_or_events(client: httpx.Client, upstream: RunningUpstream) -> None:
    url = upstream.provider_url("gemini/chat") + "/models/m:streamGenerateContent"
    assert isinstance(client.post(url, json={}).json(), list)
    assert client.post(url + "?alt=sse", json={}).text.startswith("data: ")


@pytest.mark.parametrize("code", [429, 500, 529])
def test_status_answers_an_error(code: int, client: httpx.Client, upstream: RunningUpstream) -> None:
    answer = client.post(chat(upstream, f"status-{code}"), json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (code, code)
    assert answer.headers.get("retry-after") == ("1" if code == 429 else None)


def test_garbage_and_web_pages(client: httpx.Client, upstream: RunningUpstream) -> None:
    with pytest.raises(json.JSONDecodeError):
        client.post(chat(upstream, "garbage"), json={}).json()
    page = client.post(chat(upstream, "html", "status-502"), json={})
    assert (page.status_code, page.headers["content-type"]) == (502, "text/html; charset=utf-8")


@pytest.mark.parametrize("modifier", ["reset", "cut-40"])
def test_reset_and_cut_drop_the_connection(modifier: str, client: httpx.Client, upstream: RunningUpstream) -> None:
    with pytest.raises(httpx.HTTPError):
        client.post(chat(upstream, modifier), json={})


@pytest.mark.parametrize("modifier", ["hang", "stall-40"])
def test_hang_and_stall_go_silent_and_notice_who_leaves(
    modifier: str, client: httpx.Client, upstream: RunningUpstream
) -> None:
    mark = f"silent/{modifier}"
    with pytest.raises(httpx.ReadTimeout):
        client.post(chat(upstream, mark), json={}, timeout=0.2)
    (entry,) = upstream.seen(mark)
    assert not entry["done"]


def test_a_key_may_be_demanded(client: httpx.Client, upstream: RunningUpstream) -> None:
    for name, value in (("authorization", "Bearer right"), ("x-api-key", "right"), ("x-goog-api-key", "right")):
        assert client.post(chat(upstream, "key-right"), json={}, headers={name: value}).status_code == 200
    assert client.post(chat(upstream, "key-right"), json={}).status_code == 401


def test_flaky_throws_the_same_dice_for_the_same_seed(client: httpx.Client, upstream: RunningUpstream) -> None:
    def outcome(url: str) -> str:
        try:
            return str(client.post(url, json={}).status_code)
        except httpx.HTTPError:
            return "broken"

    def throws() -> list[str]:
        upstream.forget()
        return [outcome(chat(upstream, "flaky-60", "seed-7")) for _ in range(8)]

    first = throws()
    assert throws() == first
    assert len(set(first)) > 1


def test_what_was_seen_can_be_asked_and_forgotten(client: httpx.Client, upstream: RunningUpstream) -> None:
    upstream.forget()
    client.post(chat(upstream, "split-5"), json={"a": 1}, headers={"X-Test": "yes"})
    (entry,) = upstream.seen("split-5")
    assert (entry["method"], entry["body"], entry["headers"]["x-test"]) == ("POST", {"a": 1}, "yes")
    upstream.forget()
    assert upstream.seen() == []


def test_a_recording_is_answered_byte_for_byte(
    client: httpx.Client, upstream: RunningUpstream, recordings: Path
) -> None:
    name = "openai/openai-chat__error-404__gpt-5-chat-latest__01"
    recorded = json.loads((recordings / f"{name}.json").read_text(encoding="utf-8"))["response"]
    answer = client.post(upstream.provider_url(name) + "/chat/completions", json={})
    assert (answer.status_code, answer.text) == (recorded["status"], recorded["body"])
