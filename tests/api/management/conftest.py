"""The management API in this process: no NiceGUI, no port; people of every role with a token each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from app.core.settings import Settings
from app.main import Application
from app.providers.demo import DemoTransport
from app.security.permissions import Role
from app.services.container import Services
from app.services.startup import open_services
from app.services.views import KeySpec, Person
from tests.clock import MovedClock

Api = httpx.AsyncClient
As = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
async def services(settings: Settings, clock: MovedClock) -> AsyncIterator[Services]:
    settings = settings.model_copy(update={"enable_ui_routes": False})
    async with open_services(settings, serving=True, clock=clock, demo=DemoTransport(pace=0)) as opened:
        yield opened


@pytest.fixture
async def application(services: Services) -> AsyncIterator[Application]:
    made = Application(services)
    yield made
    made.gateway.close()


@pytest.fixture
async def client(application: Application) -> AsyncIterator[Callable[..., httpx.AsyncClient]]:
    """Makes clients with the headers that are given."""
    made: list[httpx.AsyncClient] = []

    def make(address: str = "127.0.0.1", **headers: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(application, client=(address, 5000))
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        made.append(httpx.AsyncClient(transport=transport, base_url="http://test", headers=named))
        return made[-1]

    yield make
    for each in made:
        await each.aclose()


@pytest.fixture
async def people(services: Services, owner: Person) -> dict[str, Person]:
    """One person of each role."""
    found = {"owner": owner}
    for role in (Role.ADMIN, Role.MEMBER, Role.VIEWER):
        found[role] = await services.people.add("test", f"{role}@example.org", role.title(), role, None)
    return found


@pytest.fixture
async def api_as(services: Services, people: dict[str, Person], client: Callable[..., Api]) -> As:
    """A client with a log-in's token of a person of that role."""

    async def enter(role: str) -> httpx.AsyncClient:
        token, _ = await services.sessions.open(people[role], address="127.0.0.1", user_agent="test")
        return client(authorization=f"Bearer {token}")

    return enter


@pytest.fixture
async def api(api_as: As) -> httpx.AsyncClient:
    """The owner's client."""
    return await api_as("owner")


@pytest.fixture
def add_key(services: Services) -> Callable[..., Awaitable[str]]:
    async def add(name: str, **fields: Any) -> str:
        return (await services.keys.create("test", KeySpec(name=name, **fields)))[1]

    return add


def problem(answer: httpx.Response, status: int, words: str = "") -> dict[str, Any]:
    """The RFC 9457 document of an error."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    value: dict[str, Any] = answer.json()
    assert (value["status"], value["type"]) == (status, "about:blank")
    assert value["title"]
    assert words in value["detail"]
    return value
