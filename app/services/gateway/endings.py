"""What follows the end of a provider's answer: read on for a moment, so that the connection can be used again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from app.core.errors import UpstreamError
from app.providers.transport import UpstreamAnswer
from app.services.gateway.readers import Reader

DRAIN_S = 1.0
AFTER_END_S = 0.05  # what follows an end comes in the same packet or the next one; no client notices such a wait
AFTER_END_BYTES = 64 * 1024


async def hear_out(rest: AsyncIterator[bytes], reader: Reader) -> None:
    """Reads what a relayed body says behind its end: `[DONE]` after the terminal event of another format. It stays
    with the reader, as the end does."""
    if reader.end(None).rstrip().endswith(b"[DONE]"):
        return
    size = 0
    try:
        async with asyncio.timeout(AFTER_END_S):
            async for chunk in rest:
                reader.feed(chunk)
                if (size := size + len(chunk)) > AFTER_END_BYTES:
                    return
        reader.close()
    except (TimeoutError, UpstreamError):  # the answer itself is whole
        return


async def drain(answer: UpstreamAnswer) -> None:
    """Reads on to the end of the body, so that the connection can be used again; not for long."""
    try:
        async with asyncio.timeout(DRAIN_S):
            async for _ in answer.chunks():
                pass
    except (TimeoutError, UpstreamError):
        answer.close()
