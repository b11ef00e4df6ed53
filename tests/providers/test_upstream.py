"""A configured provider: what it sends, and what it makes of refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from app.core.errors import (
    BadCredential,
    BadRequest,
    ContextTooLong,
    RequestRefused,
    Throttled,
    UpstreamDown,
    UpstreamError,
    UpstreamTimeout,
)
from app.formats.base import UpstreamCall
from app.providers.connections import Connections
from app.providers.failures import read_any_error
from app.providers.kinds import kind_named
from app.providers.transport import Timeouts, UpstreamAnswer, UpstreamRequest
from tests.upstream import samples
from tests.upstream.fixtures import RunningUpstream

SECRET = "my-very-own-secret-0123456789"
CHAT = UpstreamCall(path="/chat/completions", body=b'{"model": "m"}')


class Canned:
    """A transport whose every answer is the same, and that remembers what was asked."""

    complete = False

    def __init__(self, status: int, *pieces: bytes) -> None:
        self.status = status
        self.headers: dict[str, str] = {}
        self.pieces = pieces
        self.asked: list[UpstreamRequest] = []
        self.closed = False
        self.given = 0

    async def send(self, request: UpstreamRequest) -> UpstreamAnswer:
        self.asked.append(request)
        return self

    async def aclose(self) -> None:
        pass

    async def read(self, limit: int) -> bytes:
        return b"".join(self.pieces)

    async def chunks(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            self.given += 1
            yield piece

    def close(self) -> None:
        self.closed = True


@pytest.fixture
async def connections() -> AsyncIterator[Connections]:
    made = Connections()
    yield made
    await made.aclose()


@pytest.mark.parametrize(
    ("sample", "modifier", "kind"),
    [
        ("error-400", "split-9", RequestRefused),
        ("error-401", "split-9", BadCredential),
        ("error-404", "split-9", RequestRefused),
        ("error-context", "split-9", ContextTooLong),
        ("text", "status-429", Throttled),
        ("text", "status-500", UpstreamDown),
        ("text", "status-529", UpstreamDown),
        ("text", "status-504", UpstreamTimeout),
        ("text", "status-302", UpstreamDown),
        ("text", "reset", UpstreamDown),
        ("text", "hang", UpstreamTimeout),
    ],
)
@pytest.mark.parametrize("family", ["openai", "anthropic", "gemini"])
async def test_every_failure_has_its_place_in_the_tree(
    family: str,
    sample: str,
    modifier: str,
    kind: type[UpstreamError],
    upstream: RunningUpstream,
    connections: Connections,
) -> None:
    row = kind_named(family)
    provider = connections.upstream("mine", row, upstream.provider_url(f"{family}/{sample}", modifier))
    with pytest.raises(UpstreamError) as caught:
        await provider.call(row.formats[0], CHAT, SECRET, read_any_error, Timeouts(first_byte_s=0.2))
    assert type(caught.value) is kind


async def test_a_stream_comes_through_byte_for_byte(upstream: RunningUpstream, connections: Connections) -> None:
    provider = connections.upstream(
        "mine", kind_named("openai"), upstream.provider_url("openai/stream-tools", "split-11")
    )
    answer = await provider.call("openai-chat", CHAT, SECRET, read_any_error)
    assert b"".join([chunk async for chunk in answer.chunks()]) == samples.OPENAI["stream-tools"].body


async def test_the_key_cannot_be_replaced_and_own_headers_are_sent() -> None:
    transport = Canned(200, b"{}")
    made = Connections(network=transport)
    provider = made.upstream("mine", kind_named("anthropic"), headers={"Anthropic-Beta": "x", "X-Api-Key": "other"})
    call = UpstreamCall(path="/messages", body=b"{}", headers={"anthropic-version": "2031-01-01", "x-api-key": "third"})
    await provider.call("anthropic-messages", call, SECRET, read_any_error)
    (asked,) = transport.asked
    assert asked.url == "https://api.anthropic.com/v1/messages"
    assert asked.headers == {
        "content-type": "application/json",
        "anthropic-version": "2031-01-01",
        "anthropic-beta": "x",
        "x-api-key": SECRET,
    }


class Pieces:
    """A body too large for memory, as it were."""

    length = 5

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in (b"ab", b"cde"):
            yield piece


async def test_an_upload_goes_out_in_pieces_with_its_length_and_type() -> None:
    transport = Canned(200, b"{}")
    headers = {"content-type": "multipart/form-data; boundary=x"}
    call = UpstreamCall(path="/audio/transcriptions", body=b"", upload=Pieces(), headers=headers)
    await (
        Connections(network=transport)
        .upstream("mine", kind_named("openai"))
        .call("openai-transcriptions", call, SECRET, read_any_error)
    )
    (asked,) = transport.asked
    assert asked.headers["content-type"] == "multipart/form-data; boundary=x"
    assert asked.content_length == 5
    assert not isinstance(asked.body, bytes)
    assert [piece async for piece in asked.body] == [b"ab", b"cde"]


async def test_a_key_that_the_provider_repeats_is_taken_out() -> None:
    made = Connections(network=Canned(401, b'{"error": {"message": "No such key: ' + SECRET.encode() + b'"}}'))
    with pytest.raises(BadCredential) as caught:
        await made.upstream("mine", kind_named("openai")).call("openai-chat", CHAT, SECRET, read_any_error)
    assert caught.value.message == "The provider refused its key (401): No such key: [key]"
    assert SECRET.encode() not in caught.value.body


async def test_an_endless_error_body_is_read_to_64_kib_and_left() -> None:
    transport = Canned(500, *[b"x" * 1024] * 1000)
    made = Connections(network=transport)
    with pytest.raises(UpstreamDown) as caught:
        await made.upstream("mine", kind_named("openai")).call("openai-chat", CHAT, SECRET, read_any_error)
    assert transport.given == 64
    assert transport.closed
    assert len(caught.value.body) == 64 * 1024


async def test_a_bad_base_url_is_refused_when_the_provider_is_made(connections: Connections) -> None:
    with pytest.raises(BadRequest, match="base_url"):
        connections.upstream("mine", kind_named("openai"), "api.openai.com")


async def test_looking_up_models_follows_no_redirect_and_keeps_the_key_from_other_hosts() -> None:
    asked: list[str] = []

    def redirect(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(302, headers={"location": "https://elsewhere.example/v1/models"})

    made = Connections(web=httpx.MockTransport(redirect))
    with pytest.raises(UpstreamDown, match=r"redirects \(302\) to https://elsewhere\.example.*check base_url"):
        await made.upstream("mine", kind_named("openai")).list_models(SECRET)
    assert asked == ["https://api.openai.com/v1/models"]


async def test_a_list_that_never_ends_is_left_and_ids_are_listed_once() -> None:
    pages = 0

    def another(request: httpx.Request) -> httpx.Response:
        nonlocal pages
        pages += 1
        rows = [{"id": "same"}, {"id": f"model-{pages}"}]
        return httpx.Response(200, json={"data": rows, "has_more": True, "last_id": f"model-{pages}"})

    made = Connections(web=httpx.MockTransport(another))
    found = [model.id for model in await made.upstream("mine", kind_named("anthropic")).list_models(SECRET)]
    assert pages == 20
    assert found.count("same") == 1
    assert len(found) == 21


async def test_blocked_networks_are_blocked_for_lookups_and_calls_alike(upstream: RunningUpstream) -> None:
    made = Connections(block_private_networks=True)
    provider = made.upstream("mine", kind_named("openai"), upstream.provider_url("openai/chat", "blocked"))
    with pytest.raises(UpstreamDown, match="private network"):
        await provider.list_models(SECRET)
    with pytest.raises(UpstreamDown, match="private network"):
        await provider.call("openai-chat", CHAT, SECRET, read_any_error)
    await made.aclose()
    assert upstream.seen("blocked") == []
