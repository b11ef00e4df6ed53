"""The snapshot: replaced as a whole, in step with what other processes write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlmodel import Session, select

from app.core.errors import Conflict
from app.core.settings import Settings
from app.db.engine import Database
from app.db.tables.people import PersonRow
from app.services.container import Services
from app.services.snapshot import Snapshot
from app.services.startup import open_services
from app.services.state import raise_generation
from app.services.takeover import taken_over
from app.services.views import KeySpec, ModelSpec, Person, ProviderSpec
from tests.waiting import until


@asynccontextmanager
async def watching(services: Services) -> AsyncIterator[None]:
    """As the server does."""
    task = asyncio.create_task(services.state.watch())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def rename(session: Session, name: str) -> None:
    row = session.exec(select(PersonRow)).one()
    row.name = name
    session.add(row)


async def test_what_another_process_wrote_is_taken_over_within_a_second(services: Services, owner: Person) -> None:
    other = Database(services.db.url)
    other.start()
    async with watching(services):

        def write(session: Session) -> int:
            rename(session, "Countess")
            return raise_generation(session)

        generation = await other.write(write)
        await until(lambda: services.people.get(owner.id).name == "Countess", seconds=1)
        assert services.state.current.generation == generation
    await other.close()


async def test_a_command_waits_until_the_server_answers_by_what_it_wrote(
    services: Services, settings: Settings
) -> None:
    async with watching(services), open_services(settings, serving=False) as command:
        await command.keys.create("command line", KeySpec(name="ci"))
        assert await taken_over(command)
        assert services.keys.find("ci").name == "ci"


async def test_a_command_says_when_the_server_has_not_taken_over(services: Services, settings: Settings) -> None:
    async with open_services(settings, serving=False) as command:
        await command.keys.create("command line", KeySpec(name="ci"))
        assert not await taken_over(command)


async def test_a_snapshot_is_replaced_as_a_whole(services: Services, owner: Person) -> None:
    spec = ProviderSpec("p", "openai-compatible", "http://127.0.0.1:9/v1", ["sk-1"], models=[ModelSpec("m")])
    await services.providers.add(owner, spec)
    held = services.state.current
    await services.providers.delete(owner, "p")
    await services.people.update(owner, owner.id, name="Countess")
    assert held.resolve("m").deployments[0].provider == "p"
    assert held.people[owner.id].name != "Countess"
    assert services.state.current is not held
    assert services.state.current.generation == held.generation + 2


async def test_a_refused_change_leaves_generation_and_snapshot(services: Services, owner: Person) -> None:
    held = services.state.current
    with pytest.raises(Conflict):
        await services.people.update(owner, owner.id, disabled=True)
    assert services.state.current is held


async def test_changes_at_once_all_come_into_force(services: Services, owner: Person) -> None:
    before = services.state.current.generation
    await asyncio.gather(*(services.keys.create(owner, KeySpec(name=f"k{number}")) for number in range(20)))
    assert services.state.current.generation == before + 20
    assert len(services.state.current.keys_by_id) == 20


async def test_listeners_prepare_before_a_snapshot_is_in_force(services: Services, owner: Person) -> None:
    seen: list[tuple[int, int]] = []

    async def listen(snapshot: Snapshot) -> None:
        seen.append((snapshot.generation, services.state.current.generation))

    services.state.on_change(listen)
    before = services.state.current.generation
    await services.keys.create(owner, KeySpec(name="ci", budgets=[{"usd": "1", "window": "day"}]))
    assert seen == [(before + 1, before)]
    assert services.admission.budgets(services.keys.find("ci")) is not None
