"""Accidents that need more than a cut: packed bodies, comments without end, huge events, an error in the middle."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import Any, Protocol

import brotli
from backports import zstd

COMMENT = b": still waiting\n\n"
FIRST_WORD = "Grüße".encode()


class Packer(Protocol):
    def pack(self, piece: bytes) -> bytes:
        """Packed so that the other side can read the piece at once."""
        ...

    def end(self) -> bytes: ...


def packer(coding: str) -> Packer | None:
    """None for a body that goes out as it is."""
    match coding:
        case "":
            return None
        case "br":
            return _Brotli()
        case "zstd":
            return _Zstd()
        case _:
            return _Zlib(zlib.MAX_WBITS + (16 if coding == "gzip" else 0))


def filled(body: bytes, size: int) -> bytes:
    """The body with this many letters in place of its first word."""
    return body.replace(FIRST_WORD, b"x" * size, 1)


def flooded(body: bytes, size: int) -> Iterator[bytes]:
    """The body in pieces, with the event of its first word repeated for so many bytes."""
    end = b"\r\n\r\n" if b"\r\n\r\n" in body else b"\n\n"
    before, word, after = body.partition(FIRST_WORD if FIRST_WORD in body else b"x" * 100)
    head, mark, start = before.rpartition(end)
    rest, _, last = after.partition(end)
    event = start + word + rest + end
    yield head + mark
    block = event * (65_536 // len(event) + 1)
    for _ in range(size // len(block)):
        yield block
    yield last


def failing(body: bytes) -> bytes:
    """A stream that says its first word and then an error, in the words of its own format."""
    end = b"\r\n\r\n" if b"\r\n\r\n" in body else b"\n\n"
    before, word, after = body.partition(FIRST_WORD)
    error: dict[str, Any] = {"message": "The sample engine stopped.", "type": "server_error", "code": 502}
    if body.lstrip().startswith(b"["):  # Gemini's array
        return before + word + after.split(b"},", 1)[0] + b"}, " + json.dumps({"error": error}).encode() + b"]"
    said = before + word + after.split(end, 1)[0] + end
    match after:
        case _ if b"response.completed" in after:
            value: dict[str, Any] = {"type": "error", "code": "server_error", "message": error["message"]}
        case _ if b"message_stop" in after:
            value = {"type": "error", "error": {"type": "api_error", "message": error["message"]}}
        case _:
            return said + b"data: " + json.dumps({"error": error}).encode() + end
    return said + b"event: error\ndata: " + json.dumps(value).encode() + end


class _Zlib:
    def __init__(self, bits: int) -> None:
        self._inner = zlib.compressobj(wbits=bits)

    def pack(self, piece: bytes) -> bytes:
        return self._inner.compress(piece) + self._inner.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        return self._inner.flush()


class _Brotli:
    def __init__(self) -> None:
        self._inner = brotli.Compressor(quality=1)

    def pack(self, piece: bytes) -> bytes:
        return bytes(self._inner.process(piece) + self._inner.flush())

    def end(self) -> bytes:
        return bytes(self._inner.finish())


class _Zstd:
    def __init__(self) -> None:
        self._inner = zstd.ZstdCompressor()

    def pack(self, piece: bytes) -> bytes:
        return bytes(self._inner.compress(piece, zstd.ZstdCompressor.FLUSH_BLOCK))

    def end(self) -> bytes:
        return bytes(self._inner.flush())
