"""Every kind of provider is complete, and answers to what its row says."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.core.errors import BadCredential, BadRequest, UnreadableAnswer, UpstreamDown, UpstreamError
from app.formats.base import UpstreamCall
from app.providers.catalog import Catalog
from app.providers.connections import Connections
from app.providers.failures import read_any_error
from app.providers.kinds import Auth, Kind, kind_named, kinds
from tests.upstream.fixtures import RunningUpstream

KINDS = list(kinds().values())
REMOTE = [kind for kind in KINDS if not kind.in_process]
SECRET = "sk-test-0123456789abcdef"
TOKENS = Path(__file__).parents[3] / "shared" / "look" / "tokens.css"

PATHS = {
    "openai-chat": "/chat/completions",
    "anthropic-messages": "/messages",
    "gemini": "/models/sample-model:generateContent",
}
SEEN_AT = {
    "openai-chat": "/v1/chat/completions",
    "anthropic-messages": "/v1/messages",
    "gemini": "/v1beta/models/sample-model:generateContent",
}


@pytest.fixture
async def connections() -> AsyncIterator[Connections]:
    made = Connections(demo=None)
    yield made
    await made.aclose()


def sample_of(kind: Kind, name: str = "chat") -> str:
    """Where the test upstream speaks like this kind."""
    family = {"anthropic-messages": "anthropic", "gemini": "gemini"}.get(kind.formats[0], kind.name)
    return f"{family}/{name}"


def test_all_promised_kinds_are_there() -> None:
    assert set(kinds()) == {
        "openai", "anthropic", "gemini", "openrouter", "groq", "mistral", "deepseek", "xai", "together", "fireworks",
        "cerebras", "ollama", "openai-compatible", "anthropic-compatible", "gemini-compatible", "demo",
    }  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_row_is_complete(kind: Kind) -> None:
    assert re.fullmatch(r"[A-Z]{2}", kind.monogram)
    assert kind.formats
    assert set(kind.formats) <= set(PATHS)
    assert kind.base_url is not None or kind.name.endswith("-compatible")
    assert kind.models.path.startswith("/")
    assert kind.probe.startswith("/")
    assert kind.key_env is None or kind.key_env.endswith("_API_KEY")
    assert not kind.key_required or kind.auth is not Auth.NONE


def test_monograms_and_key_variables_tell_kinds_apart() -> None:
    assert len({kind.monogram for kind in KINDS}) == len(KINDS)
    variables = [kind.key_env for kind in KINDS if kind.key_env]
    assert len(set(variables)) == len(variables)


@pytest.mark.skipif(not TOKENS.is_file(), reason="the visual language is not at ../shared/look")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_accent_is_a_colour_of_the_visual_language(kind: Kind) -> None:
    assert f"--pv-{kind.accent}:" in TOKENS.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.catalogue], ids=lambda kind: kind.name)
def test_the_catalogue_knows_the_kind(kind: Kind) -> None:
    assert Catalog().providers()[str(kind.catalogue)] > 0


def test_an_unknown_kind_is_refused_with_the_choices() -> None:
    with pytest.raises(BadRequest, match="openai, anthropic"):
        kind_named("skynet")


@pytest.mark.parametrize("kind", REMOTE, ids=lambda kind: kind.name)
async def test_a_call_goes_to_the_right_address_with_the_key_in_the_right_header(
    kind: Kind, upstream: RunningUpstream, connections: Connections
) -> None:
    mark = f"split-100000/delay-0/{kind.name}-call"
    provider = connections.upstream("mine", kind, upstream.provider_url(sample_of(kind), mark))
    format_name = kind.formats[0]
    call = UpstreamCall(path=PATHS[format_name], body=b'{"n": 12345678901234567890}')

    answer = await provider.call(format_name, call, SECRET, read_any_error)
    body = await answer.read(100_000)

    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert "Muster" in body.decode()
    (seen,) = upstream.seen(mark)
    assert seen["path"].endswith(SEEN_AT[format_name])
    assert seen["raw"] == '{"n": 12345678901234567890}'
    assert seen["headers"]["content-type"] == "application/json"
    shown = {name: seen["headers"].get(name) for name in ("authorization", "x-api-key", "x-goog-api-key")}
    expected = {"bearer": ("authorization", f"Bearer {SECRET}")}.get(kind.auth, (str(kind.auth), SECRET))
    assert {name: value for name, value in shown.items() if value} == dict([expected])
    for name, value in kind.headers.items():
        assert seen["headers"][name] == value


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_models_are_listed_page_after_page(
    kind: Kind, upstream: RunningUpstream, connections: Connections
) -> None:
    provider = connections.upstream("mine", kind, upstream.provider_url(sample_of(kind)))
    found = {model.id for model in await provider.list_models(SECRET)}
    expected = {
        "anthropic": {"sample-model", "sample-small", "sample-large"},
        "gemini": {"sample-model", "sample-small"},
        "demo": {"demo/chat", "demo/echo", "demo/slow", "demo/failing"},
    }
    family = kind.name if kind.in_process else sample_of(kind).partition("/")[0]
    assert found == expected.get(family, {"sample-model", "sample-small", "sample-embedding"})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_a_probe_passes_with_the_right_key(
    kind: Kind, upstream: RunningUpstream, connections: Connections
) -> None:
    provider = connections.upstream("mine", kind, upstream.provider_url(sample_of(kind), f"key-{SECRET}"))
    await provider.probe(SECRET)


@pytest.mark.parametrize("kind", REMOTE, ids=lambda kind: kind.name)
async def test_a_wrong_key_is_named_as_the_fault(
    kind: Kind, upstream: RunningUpstream, connections: Connections
) -> None:
    provider = connections.upstream("mine", kind, upstream.provider_url(sample_of(kind), "key-the-right-one"))
    for attempt in (provider.probe, provider.list_models):
        with pytest.raises(BadCredential, match="check the API key of mine") as caught:
            await attempt(SECRET)
        assert SECRET not in caught.value.message


@pytest.mark.parametrize("kind", [kind for kind in REMOTE if kind.key_required], ids=lambda kind: kind.name)
async def test_a_missing_key_is_said_before_anyone_is_asked(kind: Kind, connections: Connections) -> None:
    with pytest.raises(BadCredential, match="mine has no API key"):
        await connections.upstream("mine", kind).probe(None)


@pytest.mark.parametrize("kind", REMOTE, ids=lambda kind: kind.name)
async def test_a_web_page_instead_of_an_api_points_at_the_base_url(
    kind: Kind, upstream: RunningUpstream, connections: Connections
) -> None:
    provider = connections.upstream("mine", kind, upstream.provider_url(sample_of(kind), "html"))
    for attempt in (provider.probe, provider.list_models):
        with pytest.raises(UnreadableAnswer, match="check base_url"):
            await attempt(SECRET)


@pytest.mark.parametrize("kind", REMOTE, ids=lambda kind: kind.name)
async def test_a_server_that_is_not_there_is_named(kind: Kind, connections: Connections) -> None:
    provider = connections.upstream("mine", kind, "http://127.0.0.1:9/v1")
    for attempt in (provider.probe, provider.list_models):
        with pytest.raises(UpstreamDown, match=r"127\.0\.0\.1:9 accepts no connections; check base_url"):
            await attempt(SECRET)
    with pytest.raises(UpstreamDown, match=r"127\.0\.0\.1:9 accepts no connections; check base_url"):
        await provider.call(kind.formats[0], UpstreamCall(path="/x", body=b"{}"), SECRET, read_any_error)


@pytest.mark.parametrize("misbehaviour", ["status-500", "status-302", "reset", "garbage", "status-404", "status-429"])
async def test_every_misbehaviour_of_a_list_is_an_upstream_error(
    misbehaviour: str, upstream: RunningUpstream, connections: Connections
) -> None:
    provider = connections.upstream("mine", kind_named("openai"), upstream.provider_url("openai/chat", misbehaviour))
    for attempt in (provider.probe, provider.list_models):
        with pytest.raises(UpstreamError) as caught:
            await attempt(SECRET)
        assert SECRET not in str(caught.value)
