"""The whole application in a folder of its own, and people who look at it through the session guard."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from nicegui import ElementFilter, ui
from nicegui.functions.download import download
from nicegui.functions.navigate import Navigate
from nicegui.functions.notify import notify
from nicegui.testing.general import nicegui_reset_globals
from nicegui.testing.user import User
from nicegui.testing.user_interaction import UserInteraction

from app.core.settings import load_settings
from app.main import Application
from app.services.container import Services
from app.services.startup import open_services
from components.fragment import Fragment

OWNER, PASSWORD = "ada@example.org", "correct horse battery"
LogIn = Callable[[str], Awaitable[User]]


@pytest.fixture
async def application(tmp_path: Path) -> AsyncIterator[Application]:
    """Served from memory: guard, parent app, lifespan and all."""
    before = os.environ.get("NICEGUI_USER_SIMULATION")
    with nicegui_reset_globals():
        os.environ["NICEGUI_USER_SIMULATION"] = "true"
        try:
            settings = load_settings(data_dir=tmp_path, admin_email=OWNER, admin_password=PASSWORD)
            async with open_services(settings, serving=True) as services:
                made = Application(services)
                async with made.parent.router.lifespan_context(made.parent):
                    yield made
        finally:
            os.environ.pop("NICEGUI_USER_SIMULATION")
            if before is not None:
                os.environ["NICEGUI_USER_SIMULATION"] = before
            ui.navigate, ui.notify, ui.download = Navigate(), notify, download


@pytest.fixture
def services(application: Application) -> Services:
    return application.services


@pytest.fixture
async def log_in(application: Application) -> AsyncIterator[LogIn]:
    """Logs a person in as the browser does, with the form."""
    clients: list[httpx.AsyncClient] = []

    async def enter(email: str = OWNER) -> User:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://test")
        clients.append(client)
        answer = await client.post("/auth/login", data={"email": email, "password": PASSWORD, "next": "/"})
        assert answer.status_code == 303, answer.text
        return User(client)

    yield enter
    for client in clients:
        await client.aclose()


@pytest.fixture
async def owner(log_in: LogIn) -> User:
    return await log_in(OWNER)


async def eventually(check: Callable[[], Awaitable[bool] | bool]) -> None:
    """Wait until something is so, for a few seconds."""
    for _ in range(200):
        found = check()
        if found if isinstance(found, bool) else await found:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come to be")


async def press(user: User, name: str, value: str = "") -> None:
    """What a click or a key inside a fragment sends: the name of the action and its value. Where several parts of the
    page know the action, the newest is meant."""

    def places() -> list[Fragment]:
        with user:
            return [part for part in ElementFilter(kind=Fragment) if name in part.actions]

    await eventually(lambda: bool(places()))
    newest = max(places(), key=lambda part: part.id)
    UserInteraction(user, {newest}, None).trigger("act", {"name": name, "value": value})
