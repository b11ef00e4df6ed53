"""Conversations: asked, stopped, answered again, edited, watched by two, and kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from app.core.errors import BadRequest, Conflict, NotAllowed, NotFound
from app.core.settings import Settings
from app.providers.demo import DemoTransport
from app.services.container import Services
from app.services.startup import open_services
from app.services.turns import Turn
from app.services.views import MessageView, Person


@pytest.fixture
async def services(settings: Settings) -> AsyncIterator[Services]:
    """The demo writes 400 words a second: an answer takes long enough to be watched."""
    async with open_services(settings, serving=True, demo=DemoTransport(pace=0.1)) as opened:
        yield opened


@pytest.fixture
async def conversation(services: Services, owner: Person) -> str:
    return (await services.chats.create(owner, "demo/echo")).id


async def end(turn: Turn) -> MessageView:
    async for _ in turn.updates():
        pass
    assert turn.answer is not None
    return turn.answer


async def begun(turn: Turn) -> None:
    async for state in turn.updates():
        if state.text:
            return


async def test_a_question_is_answered_and_kept_with_what_it_cost(
    services: Services, owner: Person, conversation: str
) -> None:
    answer = await end(await services.chats.ask(owner, conversation, "Say this.", "demo/echo"))
    assert (answer.text, answer.status, answer.model, answer.provider) == ("Say this.", "done", "demo/echo", "demo")
    assert answer.request_id is not None
    row = (await services.ledger.request(answer.request_id)).row
    assert (row.user, row.format, row.status, row.key) == (owner.email, "chat", 200, None)
    question, stored = await services.chats.messages(owner, conversation)
    assert (question.text, stored) == ("Say this.", answer)
    info = await services.chats.get(owner, conversation)
    assert (info.title, info.model) == ("Say this.", "demo/echo")
    assert services.chats.running(conversation) is None


async def test_what_was_said_before_goes_along(services: Services, owner: Person, conversation: str) -> None:
    await end(await services.chats.ask(owner, conversation, "First.", "demo/echo"))
    await end(await services.chats.ask(owner, conversation, "Second.", "demo/echo"))
    assert [message.text for message in await services.chats.messages(owner, conversation)] == [
        "First.",
        "First.",
        "Second.",
        "Second.",
    ]


async def test_a_stopped_answer_stays_as_far_as_it_got(services: Services, owner: Person, conversation: str) -> None:
    turn = await services.chats.ask(owner, conversation, "What can you do?", "demo/chat")
    await begun(turn)
    turn.stop()
    turn.stop()  # twice is once
    answer = await end(turn)
    assert (answer.status, answer.error) == ("stopped", None)
    assert answer.text
    assert (await services.chats.messages(owner, conversation))[-1].text == answer.text
    assert answer.request_id is not None
    assert (await services.ledger.request(answer.request_id)).row.status == 499
    again = await end(await services.chats.ask(owner, conversation, "And now?", "demo/echo"))
    assert again.text == "And now?"


async def test_an_answer_is_written_again_beside_the_first(
    services: Services, owner: Person, conversation: str
) -> None:
    first = await end(await services.chats.ask(owner, conversation, "Say this.", "demo/echo"))
    second = await end(await services.chats.regenerate(owner, conversation, first.id, "demo/chat"))
    shown = await services.chats.messages(owner, conversation)
    assert [message.id for message in shown][1:] == [second.id]
    assert second.id != first.id
    assert second.model == "demo/chat"
    with pytest.raises(BadRequest, match="Only an answer"):
        await services.chats.regenerate(owner, conversation, shown[0].id)


async def test_a_question_is_asked_in_other_words(services: Services, owner: Person, conversation: str) -> None:
    await end(await services.chats.ask(owner, conversation, "One.", "demo/echo"))
    await end(await services.chats.ask(owner, conversation, "Two.", "demo/echo"))
    second_question = (await services.chats.messages(owner, conversation))[2]
    await end(await services.chats.edit(owner, conversation, second_question.id, "Three.", "demo/echo"))
    texts = [message.text for message in await services.chats.messages(owner, conversation)]
    assert texts == ["One.", "One.", "Three.", "Three."]


async def test_two_viewers_see_the_same_answer_grow(services: Services, owner: Person, conversation: str) -> None:
    turn = await services.chats.ask(owner, conversation, "What can you do?", "demo/chat")

    async def watch() -> list[str]:
        running = services.chats.running(conversation)
        assert running is turn
        return [state.text async for state in running.updates()]

    one, two = await asyncio.gather(watch(), watch())
    for seen in (one, two):
        assert all(later.startswith(earlier) for earlier, later in pairwise(seen)), "text only grows"
    assert one[-1] == two[-1] == turn.text
    assert len(one) > 2


async def test_one_answer_at_a_time_in_a_conversation(services: Services, owner: Person, conversation: str) -> None:
    asking = [services.chats.ask(owner, conversation, "What can you do?", "demo/chat") for _ in range(5)]
    found = await asyncio.gather(*asking, return_exceptions=True)
    turns = [turn for turn in found if isinstance(turn, Turn)]
    assert len(turns) == 1
    assert [type(other) for other in found if other is not turns[0]] == [Conflict] * 4
    await end(turns[0])
    assert len(await services.chats.messages(owner, conversation)) == 2


async def test_a_failure_is_told_and_can_be_tried_again(services: Services, owner: Person, conversation: str) -> None:
    answer = await end(await services.chats.ask(owner, conversation, "Hello.", "demo/failing"))
    assert answer.status == "failed"
    assert "503" in str(answer.error)
    again = await end(await services.chats.regenerate(owner, conversation, answer.id, "demo/echo"))
    assert again.text == "Hello."
    unknown = await end(await services.chats.ask(owner, conversation, "Hello.", "no-such-model"))
    assert "no-such-model" in str(unknown.error)


async def test_a_stop_of_the_server_keeps_what_was_written(settings: Settings) -> None:
    async with open_services(settings, serving=True, demo=DemoTransport(pace=0.5)) as services:
        person = services.people.get("ada@example.org")
        chat = (await services.chats.create(person)).id
        turn = await services.chats.ask(person, chat, "What can you do?", "demo/chat")
        await begun(turn)
    async with open_services(settings, serving=True) as services:
        message = (await services.chats.messages(person, chat))[-1]
        assert (message.status, bool(message.text)) == ("interrupted", True)
        assert message.request_id is not None
        assert (await services.ledger.request(message.request_id)).row.status == 499


async def test_conversations_are_listed_renamed_starred_deleted_and_brought_back(
    services: Services, owner: Person, conversation: str
) -> None:
    chats = services.chats
    other = await chats.create(owner, title="  Ideas  ")
    assert [info.title for info in await chats.list(owner)] == ["Ideas", ""]
    assert (await chats.rename(owner, conversation, "Plans")).title == "Plans"
    assert (await chats.star(owner, other.id, True)).starred
    with pytest.raises(BadRequest):
        await chats.rename(owner, conversation, " ")
    await chats.delete(owner, conversation)
    assert [info.id for info in await chats.list(owner)] == [other.id]
    with pytest.raises(NotFound):
        await chats.get(owner, conversation)
    await chats.restore(owner, conversation)
    assert len(await chats.list(owner)) == 2


async def test_nobody_reads_or_writes_in_anothers_conversation(
    services: Services, owner: Person, conversation: str
) -> None:
    bob = await services.people.add("test", "bob@example.org", "", "admin", None)
    for work in (
        services.chats.get(bob, conversation),
        services.chats.messages(bob, conversation),
        services.chats.ask(bob, conversation, "Hello.", "demo/echo"),
        services.chats.delete(bob, conversation),
    ):
        with pytest.raises(NotFound):
            await work
    viewer = await services.people.add("test", "eve@example.org", "", "viewer", None)
    with pytest.raises(NotAllowed):
        await services.chats.create(viewer)


@pytest.mark.parametrize("text", ["", "  \n", "x" * 400_001])
async def test_nothing_and_far_too_much_are_not_asked(
    services: Services, owner: Person, conversation: str, text: str
) -> None:
    with pytest.raises(BadRequest, match="message"):
        await services.chats.ask(owner, conversation, text, "demo/echo")
    assert await services.chats.messages(owner, conversation) == []
