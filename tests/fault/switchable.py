"""A provider that can be taken down and brought back, and that remembers when it was asked."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType

from aiohttp import web

ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
}


class Switchable:
    """Answers after `delay_s`. While it is `down`, connections are dropped without a word."""

    def __init__(self, delay_s: float = 0.02) -> None:
        self.down = False
        self.asked: list[float] = []  # monotonic seconds
        self._delay_s = delay_s

    async def __aenter__(self) -> Switchable:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._models)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _chat(self, request: web.Request) -> web.Response:
        self.asked.append(time.monotonic())
        if not self.down:
            await asyncio.sleep(self._delay_s)
        if self.down and request.transport is not None:
            request.transport.abort()
        return web.json_response(ANSWER)

    async def _models(self, request: web.Request) -> web.Response:
        if self.down and request.transport is not None:
            request.transport.abort()
        return web.json_response({"object": "list", "data": [{"id": "gpt-4o", "object": "model"}]})
