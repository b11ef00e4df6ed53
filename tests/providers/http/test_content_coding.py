"""Compressed answers: read plain in whatever pieces they come, bounded, and broken ones told apart."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest
from backports import zstd

from app.core.errors import UnreadableAnswer, UpstreamDown
from app.providers.http.client import HttpTransport
from app.providers.http.content_coding import STEP, decoder_for
from tests.providers.http.servers import closing, gather, request, serving

PLAIN = b'{"plain": true}' * 100


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


CODINGS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("x-gzip", gzip.compress),
    ("GZIP", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
    ("br", brotli.compress),
    ("zstd", zstd.compress),
]


def answer(coding: str, body: bytes) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize(("coding", "pack"), CODINGS)
async def test_a_packed_answer_in_pieces_of_one_byte_arrives_plain(
    coding: str, pack: Callable[[bytes], bytes], transport: HttpTransport
) -> None:
    whole = answer(coding, pack(PLAIN))
    async with serving(closing([bytes([byte]) for byte in whole])) as url, asyncio.timeout(10):
        got = await transport.send(request(url))
        assert "content-encoding" not in got.headers
        assert "content-length" not in got.headers
        assert await got.read(10_000) == PLAIN


@pytest.mark.parametrize(("coding", "pack"), CODINGS)
async def test_a_packed_answer_that_stops_before_its_end_has_broken_off(
    coding: str, pack: Callable[[bytes], bytes], transport: HttpTransport
) -> None:
    async with serving(closing(answer(coding, pack(PLAIN)[:-3]))) as url, asyncio.timeout(5):
        with pytest.raises(UpstreamDown, match="broke off"):
            await gather(await transport.send(request(url)), bytearray())


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "compress", "gzip, br"])
async def test_an_answer_in_another_coding_than_it_says_is_unreadable(coding: str, transport: HttpTransport) -> None:
    async with serving(closing(answer(coding, b"\xff\xfe" + PLAIN))) as url, asyncio.timeout(5):
        with pytest.raises(UnreadableAnswer, match="compression that cannot be read"):
            await (await transport.send(request(url))).read(10_000)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "identity"])
async def test_an_empty_answer_needs_no_unpacking(coding: str, transport: HttpTransport) -> None:
    async with serving(closing(answer(coding, b""))) as url, asyncio.timeout(5):
        assert await (await transport.send(request(url))).read(10) == b""


async def test_an_event_is_handed_on_before_the_packed_stream_ends(transport: HttpTransport) -> None:
    packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    event = packer.compress(b"data: first\n\n") + packer.flush(zlib.Z_SYNC_FLUSH)
    read = asyncio.Event()

    async def streams(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + event)
        await read.wait()
        writer.write(packer.flush())

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        await streams(reader, writer)

    async with serving(answers) as url, asyncio.timeout(5):
        chunks = (await transport.send(request(url))).chunks()
        assert await anext(chunks) == b"data: first\n\n"
        read.set()
        assert [chunk async for chunk in chunks] == []


def test_members_after_the_first_are_read_and_padding_is_not() -> None:
    decoder = decoder_for("gzip")
    assert decoder is not None
    packed = gzip.compress(b"one ") + gzip.compress(b"two") + b"\0" * 20
    assert b"".join(plain for byte in packed for plain in decoder.decode(bytes([byte]))) == b"one two"
    assert decoder.finished


@pytest.mark.parametrize(("coding", "pack"), [coding for coding in CODINGS if coding[0] != "GZIP"])
def test_a_small_answer_that_unpacks_to_much_comes_in_bounded_pieces(
    coding: str, pack: Callable[[bytes], bytes]
) -> None:
    size = 64 * 1024 * 1024
    packed = pack(b"\0" * size)
    decoder = decoder_for(coding)
    assert decoder is not None
    tracemalloc.start()
    try:
        got = 0
        for plain in decoder.decode(packed):
            assert len(plain) <= 2 * STEP
            got += len(plain)
        assert tracemalloc.get_traced_memory()[1] < size / 4
    finally:
        tracemalloc.stop()
    assert (got, decoder.finished) == (size, True)


async def test_a_packed_answer_over_the_limit_is_refused_before_it_is_unpacked(transport: HttpTransport) -> None:
    async with serving(closing(answer("gzip", gzip.compress(b"\0" * 50_000_000)))) as url, asyncio.timeout(5):
        with pytest.raises(UnreadableAnswer, match="more than 1000 bytes"):
            await (await transport.send(request(url))).read(1000)
