"""Where an answer begins and ends, however its bytes are cut."""

from __future__ import annotations

import asyncio

import pytest

from app.core.errors import UnreadableAnswer, UpstreamDown
from app.providers.http.client import HttpTransport
from app.providers.transport import Timeouts
from tests.providers.http.servers import OK, Scripted, closing, gather, request, serving

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'5;name="value"\r\nhello\r\n1\r\n \r\n6\r\nworld!\r\n0\r\nX-Checksum: abc\r\n\r\n'
)
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
AGAIN = Timeouts(connect_s=2, first_byte_s=5, idle_s=5)


@pytest.mark.parametrize(
    ("answer", "body"),
    [(OK, b"ok"), (CHUNKED, b"hello world!"), (INTERIM + OK, b"ok")],
    ids=["length", "chunks", "interim"],
)
async def test_an_answer_cut_at_every_byte_reads_the_same_and_keeps_its_connection(
    answer: bytes, body: bytes, transport: HttpTransport
) -> None:
    cuts = [[answer[:cut], answer[cut:]] for cut in range(1, len(answer))]
    server = Scripted(*cuts, [bytes([byte]) for byte in answer])
    async with serving(server) as url, asyncio.timeout(20):
        for _ in range(len(cuts) + 1):
            got = await transport.send(request(url))
            assert (got.status, await got.read(100)) == (200, body)
            assert "link" not in got.headers
            assert "x-checksum" not in got.headers
    assert server.connections == 1


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 200\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", b""),
    ],
)
async def test_an_answer_that_ends_with_its_connection_is_whole_and_the_next_call_has_a_new_one(
    answer: bytes, body: bytes, transport: HttpTransport
) -> None:
    server = closing(answer)
    async with serving(server) as url, asyncio.timeout(5):
        assert await (await transport.send(request(url))).read(100) == body
    assert server.connections == 1


@pytest.mark.parametrize("method", ["POST", "HEAD"])
@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_answers_that_have_no_body_are_at_their_end_with_the_headers(
    method: str, status: bytes, transport: HttpTransport
) -> None:
    server = Scripted(b"HTTP/1.1 " + status + b"\r\nContent-Length: 500\r\n\r\n")
    async with serving(server) as url, asyncio.timeout(5):
        assert await (await transport.send(request(url, method=method, body=b""))).read(10) == b""


async def test_a_head_request_waits_for_no_body(transport: HttpTransport) -> None:
    async with serving(Scripted(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")) as url, asyncio.timeout(5):
        answer = await transport.send(request(url, method="HEAD", body=b""))
        assert (answer.headers["content-length"], await answer.read(10)) == ("500", b"")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n9\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n0\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\nnonsense\r\n",
    ],
)
async def test_a_body_that_ends_too_early_is_an_error_after_its_bytes(answer: bytes, transport: HttpTransport) -> None:
    async with serving(closing(answer)) as url, asyncio.timeout(5):
        got = bytearray()
        with pytest.raises(UpstreamDown, match="broke off in the middle"):
            await gather(await transport.send(request(url)), got)
    assert got == b"part"


@pytest.mark.parametrize(
    "answer",
    [
        b"220 mail.example.org ESMTP\r\n",
        b"HTTP/1.1 nonsense\r\n\r\n",
        b"HTTP/2.7 200 OK\r\n\r\n",
        b"HTTP/1.1 099 Too Low\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nokk",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
    ],
)
async def test_what_is_not_http_is_unreadable(answer: bytes, transport: HttpTransport) -> None:
    async with serving(closing(answer)) as url, asyncio.timeout(5):
        with pytest.raises(UnreadableAnswer, match="does not answer in HTTP"):
            await transport.send(request(url))


async def test_a_greeting_before_the_request_is_unreadable(transport: HttpTransport) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.org ESMTP\r\n")
        await reader.read()

    async with serving(greet) as url, asyncio.timeout(5):
        with pytest.raises(UnreadableAnswer, match="does not answer in HTTP"):
            await transport.send(request(url))


@pytest.mark.parametrize(
    "surplus",
    [
        b"H",
        b"garbage",
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged",
        b"HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\nforged",
    ],
)
async def test_bytes_behind_an_answer_belong_to_no_other_answer(surplus: bytes, transport: HttpTransport) -> None:
    server = Scripted(OK + surplus, OK)
    async with serving(server) as url, asyncio.timeout(5):
        assert await (await transport.send(request(url))).read(10) == b"ok"
        assert await (await transport.send(request(url))).read(10) == b"ok"
    assert server.connections == 2


@pytest.mark.parametrize(
    "endless",
    [
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 900_000,
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: a\r\n" % number for number in range(90_000)),
        b"HTTP/1.1 200 " + b"a" * 900_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 40_000,
    ],
    ids=["one-header", "unended-header", "many-headers", "reason", "interim-answers"],
)
async def test_headers_without_end_are_refused(endless: bytes, transport: HttpTransport) -> None:
    async with serving(closing(endless)) as url, asyncio.timeout(10):
        with pytest.raises(UnreadableAnswer, match="more than 64 KiB of headers"):
            await transport.send(request(url))


@pytest.mark.parametrize(
    "framing", [b"0\r\nX: " + b"a" * 900_000, b"2;" + b"x" * 900_000], ids=["trailers", "chunk-extension"]
)
async def test_framing_without_end_is_refused(framing: bytes, transport: HttpTransport) -> None:
    staying = Scripted(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + framing)
    async with serving(staying) as url, asyncio.timeout(5):
        answer = await transport.send(request(url))
        with pytest.raises(UpstreamDown, match="broke off"):
            await answer.read(10)


async def test_many_headers_below_the_limit_are_read(transport: HttpTransport) -> None:
    fields = b"".join(b"X-%d: %b\r\n" % (number, b"a" * 500) for number in range(100))
    async with serving(
        closing(b"HTTP/1.1 200 OK\r\n" + fields + b"Content-Length: 200000\r\n\r\n" + b"b" * 200_000)
    ) as url:
        answer = await transport.send(request(url))
        assert len(answer.headers) == 101
        assert len(await answer.read(200_000)) == 200_000


async def test_silence_after_the_headers_is_a_timeout_only_where_one_is_set(transport: HttpTransport) -> None:
    async with serving(Scripted(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart")) as url, asyncio.timeout(5):
        answer = await transport.send(request(url, timeouts=Timeouts(first_byte_s=None, idle_s=0.05)))
        with pytest.raises(UpstreamDown, match="sent nothing for too long"):
            await answer.read(10)
