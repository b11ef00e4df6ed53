"""Open pages follow what happens; those whose browser is gone do not."""

from __future__ import annotations

import asyncio

from nicegui import ElementFilter
from nicegui.testing.user import User

from app.services.container import Services
from components.page import PageRoot
from tests.pages.conftest import OWNER, eventually
from tests.statements import reads


async def _request(services: Services) -> None:
    person = services.people.get(OWNER)
    made = await services.chats.create(person, "demo/echo")
    turn = await services.chats.ask(person, made.id, "Say something", "demo/echo")
    async for _ in turn.updates():
        pass


async def _told(services: Services) -> None:
    """Until everyone who follows has been told of the last change, and has had a turn."""
    heard = asyncio.Event()
    unsubscribe = services.live.subscribe(heard.set)
    services.live.note()
    await asyncio.wait_for(heard.wait(), 5)
    unsubscribe()
    for _ in range(3):
        await asyncio.sleep(0)
        async with services.live.turn():
            pass


async def test_the_log_follows_and_stops_with_the_socket_until_it_is_back(owner: User, services: Services) -> None:
    await owner.open("/logs")
    await owner.should_see("No requests in the last 24 hours")
    await _request(services)
    await owner.should_see("demo/echo", retries=100)
    client = owner.client
    assert client is not None
    (socket,) = client._socket_to_document_id
    document = client._socket_to_document_id[socket]
    tab = client.tab_id
    assert tab is not None
    client.handle_disconnect(socket)
    with reads(services.db, "request") as seen:
        await _request(services)
        await _told(services)
        assert seen == []
        await client.handle_handshake("again", tab, None, document, None)
        await eventually(lambda: bool(seen))
    await owner.should_see("2 requests", retries=100)


async def test_a_page_that_is_gone_leaves_nothing_at_its_browser(owner: User, services: Services) -> None:
    await owner.open("/logs")
    client = owner.client
    assert client is not None
    before = len(client.connect_handlers), len(client.disconnect_handlers)
    with owner:
        (root,) = ElementFilter(kind=PageRoot)
        root.delete()
    assert (len(client.connect_handlers), len(client.disconnect_handlers)) == (before[0] - 1, before[1] - 1)
    with reads(services.db, "request") as seen:
        await _request(services)
        await _told(services)
    assert seen == []
