"""A person at the browser, without one: opens the model browser and the logs in turn, and clicks and types there.

Like a browser it fetches what a page names once, joins the page's socket, sends what was clicked and takes the live
updates. Arguments: AnyGPT's URL, a session's token, seconds. Prints how much it did."""

from __future__ import annotations

import asyncio
import html
import os
import re
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import httpx
import orjson
import socketio

from app.api.session_guard import COOKIE, SOCKET

STEP_S = 0.3  # between two things that a person does
PATIENCE_S = 10.0  # for what is to be clicked
_ELEMENTS = re.compile(r"String\.raw`(\{.*?\})`", re.DOTALL)
_CLIENT = re.compile(r"'client_id': '([^']+)'")
_FILES = re.compile(r"""["'](/(?:_nicegui|static)/[^"'\s]+\.(?:js|css|svg|woff2))["']""")


class Page:
    """What is on the screen: elements by number, as the page brought them and as the socket changed them."""

    def __init__(self, client: str, elements: dict[str, Any], socket: socketio.AsyncClient) -> None:
        self._client, self._elements, self._socket = client, elements, socket
        socket.on("update", self._update)

    async def act(self, name: str, value: str, inside: str = "") -> None:
        """Click `data-act` or type into `data-input` in markup that holds `inside`, as soon as it is there, and wait
        a little. Raises RuntimeError where it does not come."""
        end = time.monotonic() + PATIENCE_S
        while (sent := self._event(name, inside)) is None:
            if time.monotonic() > end:
                raise RuntimeError(f'the page has nothing called "{name}"')
            await asyncio.sleep(0.05)
        arguments = [orjson.dumps({"name": name, "value": value}).decode()]
        await self._socket.emit("event", {**sent, "client_id": self._client, "args": arguments})
        await asyncio.sleep(STEP_S)

    def _event(self, name: str, inside: str) -> dict[str, Any] | None:
        for number, element in self._elements.items():
            markup = str((element.get("props") or {}).get("innerHTML", ""))
            if inside in markup and re.search(f'data-(?:act|input)="{name}"', markup):
                for event in element.get("events") or ():
                    if event["type"] == "act":
                        return {"id": int(number), "listener_id": event["listener_id"]}
        return None

    def first(self, pattern: str) -> str:
        """What the group finds in what is shown."""
        for element in self._elements.values():
            if found := re.search(pattern, str((element.get("props") or {}).get("innerHTML", ""))):
                return found[1]
        return ""

    def _update(self, changed: dict[str, Any]) -> None:
        for number, element in changed.items():
            if isinstance(element, dict):
                self._elements[number] = {**self._elements.get(number, {}), **element}


class Visitor:
    def __init__(self, url: str, session: str) -> None:
        self._url, self._cookies = url, {COOKIE: session}
        self._web = httpx.AsyncClient(base_url=url, cookies=self._cookies, timeout=60, trust_env=False)
        self._fetched: set[str] = set()
        self.pages = self.actions = 0

    async def browse(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            async with self._open("/logs") as page:
                await self._do(page, "text", "ben")
                await self._do(page, "clear", "")
                await self._do(page, "open", page.first(r'data-act="open" data-value="([^"]+)"'))
                await self._do(page, "more", "")
            async with self._open("/models") as page:
                for typed in ("m", "mo", "model-2", ""):
                    await self._do(page, "text", typed, "Search ")
        await self._web.aclose()

    async def _do(self, page: Page, name: str, value: str, inside: str = "") -> None:
        await page.act(name, value, inside)
        self.actions += 1

    @asynccontextmanager
    async def _open(self, path: str) -> AsyncIterator[Page]:
        text = (await self._web.get(path)).raise_for_status().text
        await self._fetch(text)
        elements, client = _ELEMENTS.search(text), _CLIENT.search(text)
        if elements is None or client is None:
            raise RuntimeError(f"{path} is not built as expected")
        socket = socketio.AsyncClient(reconnection=False)
        page = Page(client[1], orjson.loads(html.unescape(elements[1])), socket)
        ids = {name: str(uuid.uuid4()) for name in ("document_id", "tab_id")}
        query = urlencode({"client_id": client[1], "next_message_id": 0, "implicit_handshake": "true", **ids})
        cookie = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        await socket.connect(
            f"{self._url}?{query}",
            headers={"cookie": cookie},
            transports=["websocket"],
            socketio_path=f"{SOCKET}/socket.io",
        )
        self.pages += 1
        try:
            await asyncio.sleep(STEP_S)
            yield page
        finally:
            await socket.disconnect()

    async def _fetch(self, text: str) -> None:
        """Scripts and styles that are not here yet."""
        wanted = set(_FILES.findall(text)) - self._fetched
        self._fetched |= wanted
        await asyncio.gather(*(self._web.get(path) for path in wanted))


if __name__ == "__main__":
    os.nice(19)  # the client that measures runs on the same core and goes first
    visitor = Visitor(sys.argv[1], sys.argv[2])
    asyncio.run(visitor.browse(float(sys.argv[3])))
    print(f"{visitor.pages} pages opened, {visitor.actions} things done there")
