"""Keeps what a person looks at up to date, and leaves alone what nobody sees."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from nicegui import Client

from app.core.errors import AnyGPTError
from app.services.live import Live


async def keep_up(
    live: Live, changed: asyncio.Event, present: asyncio.Event, refresh: Callable[[], Awaitable[None]]
) -> None:
    """For ever: one refresh for all changes since the last, as long as somebody is there. What changes meanwhile is
    shown as soon as they are back."""
    while True:
        await changed.wait()
        await present.wait()
        async with live.turn():
            if not present.is_set():  # left while others had their turn
                continue
            changed.clear()
            with suppress(AnyGPTError):  # the next change tries again; the page keeps what it shows
                await refresh()


def follow_socket(client: Client, present: asyncio.Event) -> Callable[[], None]:
    """Sets `present` while the browser is connected, until the returned function is called. NiceGUI keeps the page of
    a browser that is gone for a while, since it may come back."""

    def came() -> None:
        present.set()

    def went() -> None:
        if not client.has_socket_connection:
            present.clear()

    if client.has_socket_connection:
        present.set()
    client.on_connect(came)
    client.on_disconnect(went)
    # what NiceGUI made of the two functions: a client outlives many pages, and has no way to take them off
    added = client.connect_handlers[-1], client.disconnect_handlers[-1]

    def stop() -> None:
        client.connect_handlers.remove(added[0])
        client.disconnect_handlers.remove(added[1])

    return stop
