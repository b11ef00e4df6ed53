"""A network for tests: each call waits for the test, which says the answer piece by piece."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from app.providers.transport import UpstreamRequest


class Script:
    """One answer in OpenAI's format. The test says what comes and when it ends."""

    complete = False

    def __init__(self, request: UpstreamRequest) -> None:
        self.asked: dict[str, Any] = json.loads(request.body)
        self.url = request.url
        self.status = 200
        self.headers = {"content-type": "text/event-stream"}
        self.left = asyncio.Event()
        self._ready = asyncio.Event()
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._body = b""

    def say(self, text: str) -> None:
        self._put({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]})

    def end(self, tokens: tuple[int, int] = (9, 6)) -> None:
        self._put({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        usage = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
        self._put({"choices": [], "usage": usage})
        self._pieces.put_nowait(b"data: [DONE]\n\n")
        self._pieces.put_nowait(None)

    def fail(self, status: int, **headers: str) -> None:
        self.status, self.headers = status, {"content-type": "application/json", **headers}
        self._body = json.dumps({"error": {"message": f"Failing with {status}.", "type": "error"}}).encode()
        self._pieces.put_nowait(self._body)
        self._pieces.put_nowait(None)
        self._ready.set()

    async def ready(self) -> None:
        await self._ready.wait()

    async def read(self, limit: int) -> bytes:
        return b"".join([piece async for piece in self.chunks()])

    async def chunks(self) -> AsyncIterator[bytes]:
        while (piece := await self._pieces.get()) is not None:
            yield piece

    def close(self) -> None:
        self.left.set()

    def _put(self, chunk: dict[str, Any]) -> None:
        whole = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", **chunk}
        self._pieces.put_nowait(b"data: " + json.dumps(whole).encode() + b"\n\n")
        self._ready.set()


class ScriptedNetwork:
    """Hands every call to the test, in the order in which they come."""

    def __init__(self) -> None:
        self._calls: asyncio.Queue[Script] = asyncio.Queue()

    async def next_call(self) -> Script:
        return await asyncio.wait_for(self._calls.get(), 5)

    async def send(self, request: UpstreamRequest) -> Script:
        script = Script(request)
        self._calls.put_nowait(script)
        await script.ready()
        return script

    async def aclose(self) -> None:
        pass
