"""The real transport against a real, misbehaving server."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from app.core.errors import UnreadableAnswer, UpstreamDown, UpstreamError, UpstreamTimeout
from app.providers.http.client import HttpTransport
from app.providers.transport import Timeouts, UpstreamAnswer, UpstreamRequest
from tests.upstream import samples
from tests.upstream.fixtures import RunningUpstream

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
QUICK = Timeouts(connect_s=2, first_byte_s=0.2, idle_s=0.2)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    made = HttpTransport()
    yield made
    await made.aclose()


def post(url: str, timeouts: Timeouts = Timeouts()) -> UpstreamRequest:
    headers = {"content-type": "application/json"}
    return UpstreamRequest(method="POST", url=url, headers=headers, body=b"{}", timeouts=timeouts)


def chat(upstream: RunningUpstream, sample: str, *modifiers: str, timeouts: Timeouts = Timeouts()) -> UpstreamRequest:
    return post(upstream.provider_url(sample, *modifiers) + "/chat/completions", timeouts)


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[str]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    if b"content-length: 2" in head.lower():
        head += await reader.readexactly(2)
    return head


async def gather(answer: UpstreamAnswer, into: bytearray) -> None:
    async for chunk in answer.chunks():
        into += chunk


async def test_an_answer_is_read_whole_with_lower_case_headers(
    transport: HttpTransport, upstream: RunningUpstream
) -> None:
    answer = await transport.send(chat(upstream, "openai/text"))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert await answer.read(10_000) == samples.OPENAI["text"].body


async def test_chunks_join_to_the_very_bytes_that_were_sent(
    transport: HttpTransport, upstream: RunningUpstream
) -> None:
    answer = await transport.send(chat(upstream, "openai/stream", "split-7"))
    chunks = [chunk async for chunk in answer.chunks()]
    assert b"".join(chunks) == samples.OPENAI["stream"].body


async def test_a_body_over_the_limit_is_unreadable(transport: HttpTransport, upstream: RunningUpstream) -> None:
    answer = await transport.send(chat(upstream, "openai/text"))
    with pytest.raises(UnreadableAnswer, match="more than 10 bytes"):
        await answer.read(10)


async def test_an_error_status_is_an_answer_like_any_other(transport: HttpTransport, upstream: RunningUpstream) -> None:
    answer = await transport.send(chat(upstream, "openai/text", "status-429"))
    assert (answer.status, answer.headers["retry-after"]) == (429, "1")
    assert b"Misbehaving" in await answer.read(1000)


async def test_a_cut_stream_ends_in_an_error_after_its_bytes(
    transport: HttpTransport, upstream: RunningUpstream
) -> None:
    answer = await transport.send(chat(upstream, "openai/stream", "cut-100"))
    got = bytearray()
    with pytest.raises(UpstreamDown, match="broke off"):
        await gather(answer, got)
    assert bytes(got) == samples.OPENAI["stream"].body[:100]


@pytest.mark.parametrize("modifier", ["hang", "delay-5000"])
async def test_silence_before_the_answer_is_a_timeout(
    modifier: str, transport: HttpTransport, upstream: RunningUpstream
) -> None:
    with pytest.raises(UpstreamTimeout, match="sent nothing for too long"):
        await transport.send(chat(upstream, "openai/text", modifier, timeouts=QUICK))


async def test_silence_inside_the_answer_is_a_timeout(transport: HttpTransport, upstream: RunningUpstream) -> None:
    answer = await transport.send(chat(upstream, "openai/stream", "stall-100", timeouts=QUICK))
    with pytest.raises(UpstreamTimeout):
        await gather(answer, bytearray())


async def test_the_idle_time_is_not_the_time_for_the_first_byte(
    transport: HttpTransport, upstream: RunningUpstream
) -> None:
    patient = Timeouts(first_byte_s=0.1, idle_s=5)
    answer = await transport.send(chat(upstream, "openai/text", "split-150", "pace-150", timeouts=patient))
    assert await answer.read(10_000) == samples.OPENAI["text"].body


async def test_a_dropped_connection_names_the_host(transport: HttpTransport, upstream: RunningUpstream) -> None:
    with pytest.raises(UpstreamDown, match=upstream.url.removeprefix("http://")):
        await transport.send(chat(upstream, "openai/text", "reset"))


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1:9/v1", "127.0.0.1:9 accepts no connections"),
        ("http://no-such-host.invalid/v1", "name of no-such-host.invalid was not found"),
    ],
)
async def test_an_unreachable_host_is_named_with_what_to_check(url: str, says: str, transport: HttpTransport) -> None:
    with pytest.raises(UpstreamDown, match=says.replace(".", r"\.")) as caught:
        await transport.send(post(url))
    assert "check" in caught.value.message
    assert type(caught.value) is UpstreamDown


async def test_https_to_a_plain_http_server_speaks_of_tls(transport: HttpTransport, upstream: RunningUpstream) -> None:
    with pytest.raises(UpstreamDown, match="TLS"):
        await transport.send(post(upstream.url.replace("http", "https", 1)))


async def test_a_server_that_does_not_speak_http_is_unreadable(transport: HttpTransport) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.org ESMTP\r\n")
        await read_request(reader)
        writer.close()

    async with serving(greet) as url:
        with pytest.raises(UnreadableAnswer, match="does not answer in HTTP"):
            await transport.send(post(url))


async def test_closing_an_answer_ends_the_upstream_call_and_may_be_repeated(transport: HttpTransport) -> None:
    ended = asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n")
        await reader.read()  # until the client leaves
        ended.set()
        writer.close()

    async with serving(endless) as url, asyncio.timeout(5):
        answer = await transport.send(post(url))
        stream = answer.chunks()
        assert await anext(stream) == b"hi"
        answer.close()
        answer.close()
        await ended.wait()


async def test_a_cancelled_call_ends_the_upstream_call(transport: HttpTransport) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        begun.set()
        await reader.read()
        ended.set()
        writer.close()

    async with serving(silent) as url, asyncio.timeout(5):
        call = asyncio.create_task(transport.send(post(url)))
        await begun.wait()
        call.cancel()
        await ended.wait()


async def test_a_kept_alive_connection_that_was_closed_is_replaced_without_a_fault(transport: HttpTransport) -> None:
    requests: list[int] = []
    connections = 0

    async def once_each(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        number = connections
        await read_request(reader)
        requests.append(number)
        writer.write(OK)
        if number == 1:
            await read_request(reader)  # a second request on the same connection: closed without an answer
            requests.append(number)
        writer.close()

    async with serving(once_each) as url, asyncio.timeout(5):
        first = await transport.send(post(url))
        assert await first.read(10) == b"ok"
        second = await transport.send(post(url))
        assert await second.read(10) == b"ok"
    assert requests == [1, 1, 2]


async def test_a_fresh_connection_that_is_closed_is_not_asked_twice(transport: HttpTransport) -> None:
    asked = 0

    async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await read_request(reader)
        asked += 1
        writer.close()

    async with serving(closes) as url:
        with pytest.raises(UpstreamDown, match="without an answer"):
            await transport.send(post(url))
    assert asked == 1


async def test_redirects_are_not_followed_and_cookies_not_kept(transport: HttpTransport) -> None:
    heads: list[bytes] = []

    async def moves(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await read_request(reader))
        writer.write(
            b"HTTP/1.1 302 Found\r\nLocation: /v2\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        writer.close()

    async with serving(moves) as url:
        for _ in range(2):
            answer = await transport.send(post(url + "/v1"))
            assert (answer.status, answer.headers["location"]) == (302, "/v2")
            await answer.read(10)
    assert [head.split(b" ", 2)[1] for head in heads] == [b"/v1", b"/v1"]
    assert not any(b"cookie" in head.lower() for head in heads)


async def test_a_compressed_answer_arrives_plain(transport: HttpTransport) -> None:
    async def packed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        body = gzip.compress(b'{"plain": true}')
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        writer.close()

    async with serving(packed) as url:
        assert await (await transport.send(post(url))).read(100) == b'{"plain": true}'


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "localhost"])
async def test_a_guarded_transport_calls_no_private_address(host: str, upstream: RunningUpstream) -> None:
    port = upstream.url.rpartition(":")[2]
    guarded = HttpTransport(block_private_networks=True)
    with pytest.raises(UpstreamError, match="private network"):
        await guarded.send(post(f"http://{host}:{port}/guarded/r/openai/text/v1/chat/completions"))
    await guarded.aclose()
    assert upstream.seen("guarded") == []
