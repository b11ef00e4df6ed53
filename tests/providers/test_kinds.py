"""Every row of the kinds is complete; what rows claim is tested in tests/kinds."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.core.errors import BadCredential, BadRequest, UnreadableAnswer, UpstreamDown, UpstreamError
from app.formats.base import UpstreamCall
from app.formats.counting import COUNTERS
from app.formats.registry import FORMATS, OPERATIONS
from app.providers.catalog import Catalog
from app.providers.connections import Connections
from app.providers.failures import read_any_error
from app.providers.kinds import Auth, Group, Kind, UsagePlace, kind_named, kinds
from app.providers.model_lists import SHAPES
from tests.upstream.fixtures import RunningUpstream

KINDS = list(kinds().values())
REMOTE = [kind for kind in KINDS if not kind.in_process]
SECRET = "sk-test-0123456789abcdef"
STATIC = Path(__file__).parents[2] / "components" / "static"
CHAT = {"openai-chat", "openai-responses", "anthropic-messages", "gemini", "ollama", "cohere-chat"}
OTHERS = {
    "openai-completions", "openai-embeddings", "openai-images", "openai-speech", "openai-transcriptions",
    "openai-moderations", "gemini-embeddings", "cohere-embeddings", "ollama-embeddings", "anthropic-count",
    "gemini-count",
}  # fmt: skip

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
each_remote = pytest.mark.parametrize("kind", REMOTE, ids=lambda kind: kind.name)


@pytest.fixture
async def connections() -> AsyncIterator[Connections]:
    made = Connections(demo=None)
    yield made
    await made.aclose()


def test_all_promised_kinds_are_there() -> None:
    assert set(kinds()) == {
        "openai", "azure-openai", "anthropic", "gemini", "vertex", "openrouter", "groq", "mistral", "deepseek", "xai",
        "together", "fireworks", "cerebras", "perplexity", "cohere", "ollama", "huggingface", "sambanova", "nebius",
        "novita", "hyperbolic", "zai", "moonshot", "github-models", "vercel-gateway", "nvidia", "portkey",
        "featherless", "chutes", "litellm", "vllm", "lmstudio", "llamacpp", "openai-compatible",
        "anthropic-compatible", "gemini-compatible", "demo",
    }  # fmt: skip


@each_kind
def test_a_row_is_complete(kind: Kind) -> None:
    assert re.fullmatch(r"[A-Z]{2}", kind.monogram)
    assert kind.base_url is not None or kind.group is Group.COMPATIBLE or kind.adds is not None
    assert kind.models is None or (kind.models.path.startswith("/") and kind.models.shape in SHAPES)
    assert kind.models is not None or kind.catalogue is not None
    assert kind.probe.startswith("/")
    assert kind.key_env is None or re.fullmatch(r"[A-Z_]+_(API_KEY|TOKEN)", kind.key_env)
    assert not kind.key_required or (kind.auth is not Auth.NONE and kind.key_env is not None)
    assert (kind.usage is UsagePlace.FORMAT) == (kind.formats[0] != "openai-chat")


@each_kind
@pytest.mark.parametrize("place", [None, 0, 1])
def test_a_row_speaks_formats_that_exist(kind: Kind, place: int | None) -> None:
    at = kind if place is None else kind.at[place] if place < len(kind.at) else None
    assert at is None or set(at.formats or ()) <= CHAT
    assert at is None or set(at.operations or ()) <= OTHERS
    assert at is None or len(set(at.formats or ())) == len(at.formats or ())


@pytest.mark.parametrize("name", sorted({name for kind in KINDS for name in (*kind.formats, *kind.operations)}))
def test_what_rows_name_is_a_format_of_this_anygpt(name: str) -> None:
    assert name in {*FORMATS, *OPERATIONS, *COUNTERS}


def test_monograms_and_key_variables_tell_kinds_apart() -> None:
    assert len({kind.monogram for kind in KINDS}) == len(KINDS)
    variables = [kind.key_env for kind in KINDS if kind.key_env]
    assert len(set(variables)) == len(variables)


@each_kind
def test_a_kind_has_an_accent_in_both_modes_and_an_icon(kind: Kind) -> None:
    tokens = (STATIC / "tokens.css").read_text(encoding="utf-8")
    for part in ("", "-2", "-text", "-tint"):
        assert len(re.findall(rf"--pv-{kind.accent}{part}: #[0-9a-f]{{6}};", tokens)) == 2
    assert f'[data-provider="{kind.accent}"]' in tokens
    assert f'id="{kind.icon}"' in (STATIC / "icons.svg").read_text(encoding="utf-8")


@each_remote
def test_no_two_kinds_but_the_compatible_ones_share_an_accent(kind: Kind) -> None:
    same = [other.name for other in REMOTE if other.accent == kind.accent]
    assert same == [kind.name] or kind.group is Group.COMPATIBLE


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.catalogue], ids=lambda kind: kind.name)
def test_the_catalogue_knows_the_kind(kind: Kind) -> None:
    assert Catalog().providers()[str(kind.catalogue)] > 0


def test_an_unknown_kind_is_refused_with_the_choices() -> None:
    with pytest.raises(BadRequest, match="openai, azure-openai, anthropic"):
        kind_named("skynet")


def test_ollama_speaks_its_own_format_unless_the_address_says_v1() -> None:
    ollama = kind_named("ollama")
    assert ollama.located("http://127.0.0.1:11434").formats == ("ollama",)
    assert ollama.located("http://127.0.0.1:11434/v1").formats == ("openai-chat",)
    assert ollama.located("http://127.0.0.1:11434/v1").ask_usage
    assert ollama.located("http://127.0.0.1:11434/v1").operations == ("openai-completions", "openai-embeddings")
    assert ollama.located("http://127.0.0.1:11434/v10").formats == ("ollama",)


def test_an_azure_deployments_address_speaks_chat_only_and_names_a_version() -> None:
    azure = kind_named("azure-openai")
    assert azure.located("https://n.openai.azure.com/openai/v1") is azure
    old = azure.located("https://n.openai.azure.com/openai/deployments/prod")
    assert (old.formats, old.query) == (("openai-chat",), "api-version=2024-10-21")


@each_remote
async def test_own_headers_and_bytes_go_out_as_they_are(
    kind: Kind, upstream: RunningUpstream, connections: Connections
) -> None:
    mark = f"split-100000/delay-0/{kind.name}-call"
    provider = connections.upstream("mine", kind, upstream.provider_url("openai/chat", mark))
    call = UpstreamCall(path="/chat/completions", body=b'{"n": 12345678901234567890}')
    await (await provider.call(kind.formats[0], call, SECRET, read_any_error)).read(100_000)
    (seen,) = upstream.seen(mark)
    assert seen["raw"] == '{"n": 12345678901234567890}'
    assert seen["headers"]["content-type"] == "application/json"
    header, value = ("authorization", f"Bearer {SECRET}") if kind.auth is Auth.BEARER else (str(kind.auth), SECRET)
    assert [name for name, said in seen["headers"].items() if SECRET in said] == [header]
    assert seen["headers"][header] == value


@pytest.mark.parametrize("kind", [kind for kind in REMOTE if kind.key_required], ids=lambda kind: kind.name)
async def test_a_missing_key_is_said_before_anyone_is_asked(kind: Kind, connections: Connections) -> None:
    with pytest.raises(BadCredential, match="mine has no API key"):
        await connections.upstream("mine", kind, "http://127.0.0.1:9/v1").probe(None)


@each_remote
async def test_a_web_page_instead_of_an_api_points_at_the_base_url(
    kind: Kind, upstream: RunningUpstream, connections: Connections
) -> None:
    provider = connections.upstream("mine", kind, upstream.provider_url("openai/chat", "html"))
    for attempt in (provider.probe, provider.list_models) if kind.models else (provider.probe,):
        with pytest.raises(UnreadableAnswer, match="check base_url"):
            await attempt(SECRET)


@each_remote
async def test_a_server_that_is_not_there_is_named(kind: Kind, connections: Connections) -> None:
    provider = connections.upstream("mine", kind, "http://127.0.0.1:9/v1")
    for attempt in (provider.probe, provider.list_models) if kind.models else (provider.probe,):
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


async def test_the_demo_lists_its_models_and_answers_a_probe(connections: Connections) -> None:
    demo = connections.upstream("demo", kind_named("demo"))
    await demo.probe(None)
    assert {model.id for model in await demo.list_models(None)} == {
        "demo/chat", "demo/echo", "demo/slow", "demo/failing",
    }  # fmt: skip


async def test_a_kind_without_a_list_says_where_its_models_come_from(connections: Connections) -> None:
    with pytest.raises(UpstreamError, match="Perplexity has no list of models; name them, or leave it to the"):
        await connections.upstream("mine", kind_named("perplexity")).list_models(SECRET)
