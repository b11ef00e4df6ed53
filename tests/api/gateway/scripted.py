"""A network on which each provider streams the pieces that a test lines up for its model, each by itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import ClassVar

from app.core.errors import UpstreamDown
from app.providers.transport import UpstreamAnswer, UpstreamRequest

STALLS = b"(stalls)"  # nothing more comes, and the connection stays open
BREAKS = b"(breaks)"


class Scripted:
    """`pieces` by the provider's own name of the model."""

    def __init__(self, **pieces: list[bytes]) -> None:
        self._pieces = pieces

    async def send(self, request: UpstreamRequest) -> UpstreamAnswer:
        assert isinstance(request.body, bytes)
        model = json.loads(request.body).get("model") or request.url.partition("models/")[2].partition(":")[0]
        return _Answer(self._pieces[model])

    async def aclose(self) -> None:
        pass


class _Answer:
    complete = False

    status = 200
    headers: ClassVar[dict[str, str]] = {"content-type": "text/event-stream"}

    def __init__(self, pieces: list[bytes]) -> None:
        self._left = list(pieces)

    async def read(self, limit: int) -> bytes:
        raise NotImplementedError

    async def chunks(self) -> AsyncIterator[bytes]:
        while self._left:
            if self._left[0] == STALLS:
                await asyncio.Event().wait()
            if self._left[0] == BREAKS:
                raise UpstreamDown("The connection broke.")
            yield self._left.pop(0)

    def close(self) -> None:
        self._left.clear()
