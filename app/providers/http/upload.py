"""Request bodies that pass through piece by piece, at the provider's pace."""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import Protocol

from app.core.errors import BadRequest


class Sink(Protocol):
    def write(self, data: bytes) -> None: ...

    async def drained(self) -> None: ...


async def send_pieces(body: AsyncIterable[bytes], length: int | None, sink: Sink) -> None:
    """Of an announced length in bytes, or in chunks. Raises BadRequest when the pieces are more or fewer than
    announced, and whatever the body itself raises."""
    sent = 0
    async for piece in body:
        if not piece:
            continue
        sent += len(piece)
        if length is None:
            sink.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        elif sent > length:
            raise _wrong_length(sent, length)
        else:
            sink.write(piece)
        await sink.drained()
    if length is None:
        sink.write(b"0\r\n\r\n")
    elif sent < length:
        raise _wrong_length(sent, length)


def _wrong_length(sent: int, length: int) -> BadRequest:
    more = "more than " if sent > length else f"{sent} of "
    return BadRequest(f"The upload had {more}{length} announced bytes; send the body whole, and its true length.")
