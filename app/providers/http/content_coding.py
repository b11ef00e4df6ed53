"""Compressed bodies, unpacked piece by piece and never more than a bounded amount at once."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import brotli

try:  # not everywhere: nobody is asked for zstd, and few send it unasked
    from backports import zstd
except ImportError:
    zstd = None  # type: ignore[assignment]

STEP = 256 * 1024
"""Bytes that a decoder yields at most at once, however small what it was given (brotli up to twice that)."""


class BadCoding(Exception):
    """The bytes are not in the coding that the headers name."""


class Decoder(Protocol):
    @property
    def finished(self) -> bool:
        """Whether the packed body has come to its own end (or never begun)."""
        ...

    def decode(self, data: bytes) -> Iterator[bytes]:
        """What `data` adds, in bounded pieces. Raises BadCoding."""
        ...


def decoder_for(coding: str) -> Decoder | None:
    """None for a body that is not packed. Raises BadCoding for a coding that is not known here."""
    coding = coding.strip().lower()
    if coding in ("", "identity"):
        return None
    make = _DECODERS.get(coding)
    if make is None:
        raise BadCoding(coding)
    return make()


class _Zlib:
    """gzip (RFC 1952, also of several members) and deflate (with its zlib header, or without as many send it)."""

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._inner = zlib.decompressobj(bits)
        self._begun = False

    @property
    def finished(self) -> bool:
        return self._inner.eof or not self._begun

    def decode(self, data: bytes) -> Iterator[bytes]:
        if data and not self._begun:
            self._begun = True
            if self._bits == zlib.MAX_WBITS and data[0] & 0x0F != zlib.DEFLATED:
                self._inner = zlib.decompressobj(-zlib.MAX_WBITS)
        more = bool(data)
        while more:
            if self._inner.eof:
                if data[:1] != _GZIP_BEGINS:
                    return  # padding after the last member
                self._inner = zlib.decompressobj(self._bits)
            try:
                plain = self._inner.decompress(data, STEP)
            except zlib.error as error:
                raise BadCoding("zlib") from error
            if plain:
                yield plain
            data = self._inner.unused_data if self._inner.eof else self._inner.unconsumed_tail
            more = bool(data) or (len(plain) == STEP and not self._inner.eof)


class _Brotli:
    def __init__(self) -> None:
        self._inner = brotli.Decompressor()
        self._begun = False

    @property
    def finished(self) -> bool:
        return not self._begun or bool(self._inner.is_finished())

    def decode(self, data: bytes) -> Iterator[bytes]:
        self._begun = self._begun or bool(data)
        more = bool(data)
        while more and not self._inner.is_finished():
            try:
                plain: bytes = self._inner.process(data, output_buffer_limit=STEP)
            except brotli.error as error:
                raise BadCoding("br") from error
            if plain:
                yield plain
            data = b""
            more = bool(plain) or not self._inner.can_accept_more_data()


class _Zstd:
    """RFC 8878, frame after frame."""

    def __init__(self) -> None:
        self._inner = zstd.ZstdDecompressor()
        self._begun = False

    @property
    def finished(self) -> bool:
        return self._inner.eof or not self._begun

    def decode(self, data: bytes) -> Iterator[bytes]:
        self._begun = self._begun or bool(data)
        while data or not (self._inner.needs_input or self._inner.eof):
            if self._inner.eof:
                self._inner = zstd.ZstdDecompressor()
            try:
                plain: bytes = self._inner.decompress(data, STEP)
            except zstd.ZstdError as error:
                raise BadCoding("zstd") from error
            data = self._inner.unused_data if self._inner.eof else b""
            if plain:
                yield plain


_GZIP_BEGINS = b"\x1f"
_DECODERS: dict[str, Callable[[], Decoder]] = {
    "gzip": lambda: _Zlib(16 + zlib.MAX_WBITS),
    "x-gzip": lambda: _Zlib(16 + zlib.MAX_WBITS),
    "deflate": lambda: _Zlib(zlib.MAX_WBITS),
    "br": _Brotli,
}
if zstd is not None:
    _DECODERS["zstd"] = _Zstd
