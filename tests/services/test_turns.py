"""An answer being written: for viewers who come and go, through failures, to its end."""

from __future__ import annotations

import pytest

from app.core.errors import BadRequest
from app.services.container import Services
from app.services.turns import Turn
from app.services.views import MessageView, ModelSpec, Person, ProviderSpec
from tests.services.scripted import ScriptedNetwork

PRICE = {"input": "1", "output": "2"}


@pytest.fixture
def person(scripted: Services) -> Person:
    return scripted.people.get("ada@example.org")


@pytest.fixture
async def chat(scripted: Services, person: Person) -> str:
    """A conversation; two providers serve the model "m"."""
    for position, name in enumerate(("first", "second")):
        models = [ModelSpec("m", price=PRICE)]
        spec = ProviderSpec(
            name, "openai-compatible", f"http://127.0.0.1:9/{name}/v1", ["sk-1"], priority=position, models=models
        )
        await scripted.providers.add(person, spec)
    return (await scripted.chats.create(person)).id


async def end(turn: Turn) -> MessageView:
    async for _ in turn.updates():
        pass
    assert turn.answer is not None
    return turn.answer


async def seen(turn: Turn, text: str) -> None:
    async for state in turn.updates():
        if text in state.text:
            return
    raise AssertionError(f"{turn.text!r} ended without {text!r}")


async def test_an_answer_goes_from_waiting_over_writing_to_done(
    scripted: Services, network: ScriptedNetwork, person: Person, chat: str
) -> None:
    turn = await scripted.chats.ask(person, chat, "Hello?", "m")
    call = await network.next_call()
    assert (turn.state, turn.text, turn.over) == ("waiting", "", False)
    call.say("Good")
    await seen(turn, "Good")
    assert (turn.state, turn.provider, turn.model) == ("writing", "first", "m")
    stored = (await scripted.chats.messages(person, chat))[-1]
    assert stored.status == "writing"
    call.say(" day.")
    call.end((9, 6))
    answer = await end(turn)
    assert (turn.state, answer.text, answer.status) == ("done", "Good day.", "done")
    assert (answer.input_tokens, answer.output_tokens, answer.cost) == (9, 6, 21_000)


async def test_a_viewer_who_comes_late_sees_all_that_was_written(
    scripted: Services, network: ScriptedNetwork, person: Person, chat: str
) -> None:
    await scripted.chats.ask(person, chat, "Hello?", "m")
    call = await network.next_call()
    running = scripted.chats.running(chat)
    assert running is not None
    call.say("Good")
    await seen(running, "Good")  # this viewer leaves here
    late = running.updates()
    assert (await anext(late)).text == "Good"
    call.say(" day.")
    call.end()
    assert (await end(running)).text == "Good day."
    async for state in late:
        assert state.text.startswith("Good")
    assert scripted.chats.running(chat) is None


async def test_stopping_lets_go_of_the_provider_and_keeps_the_text(
    scripted: Services, network: ScriptedNetwork, person: Person, chat: str
) -> None:
    turn = await scripted.chats.ask(person, chat, "Hello?", "m")
    call = await network.next_call()
    call.say("Good")
    await seen(turn, "Good")
    turn.stop()
    answer = await end(turn)
    assert (answer.status, answer.text) == ("stopped", "Good")
    assert call.left.is_set()
    turn.stop()  # too late, and no harm
    assert turn.answer == answer


async def test_a_failover_is_noted_under_the_answer(
    scripted: Services, network: ScriptedNetwork, person: Person, chat: str
) -> None:
    turn = await scripted.chats.ask(person, chat, "Hello?", "m")
    (await network.next_call()).fail(503)
    second = await network.next_call()
    assert "/second/" in second.url
    second.say("Good day.")
    second.end()
    answer = await end(turn)
    assert (answer.status, answer.provider) == ("done", "second")
    (note,) = answer.notes
    assert note.startswith("first answered 503, continued with m after ")
    assert answer.notes == turn.notes == (await scripted.chats.messages(person, chat))[-1].notes


async def test_where_nobody_answers_the_message_says_what_each_said(
    scripted: Services, network: ScriptedNetwork, person: Person, chat: str
) -> None:
    turn = await scripted.chats.ask(person, chat, "Hello?", "m")
    (await network.next_call()).fail(500)
    (await network.next_call()).fail(503)
    answer = await end(turn)
    assert (turn.state, answer.status, answer.text) == ("failed", "failed", "")
    assert "first (m)" in str(answer.error)
    assert "second (m)" in str(answer.error)


async def test_the_whole_branch_is_sent_and_no_other(
    scripted: Services, network: ScriptedNetwork, person: Person, chat: str
) -> None:
    turn = await scripted.chats.ask(person, chat, "One?", "m")
    call = await network.next_call()
    call.say("1.")
    call.end()
    first = await end(turn)
    turn = await scripted.chats.regenerate(person, chat, first.id)
    call = await network.next_call()
    assert [message["content"] for message in call.asked["messages"]] == ["One?"]
    call.say("One.")
    call.end()
    await end(turn)
    turn = await scripted.chats.ask(person, chat, "Two?", "m")
    call = await network.next_call()
    assert [(message["role"], message["content"]) for message in call.asked["messages"]] == [
        ("user", "One?"),
        ("assistant", "One."),
        ("user", "Two?"),
    ]
    turn.stop()
    await end(turn)


async def test_only_answers_are_written_again_and_only_questions_edited(
    scripted: Services, network: ScriptedNetwork, person: Person, chat: str
) -> None:
    for number in range(2):
        turn = await scripted.chats.ask(person, chat, f"Question {number}?", "m")
        call = await network.next_call()
        call.say("Answer.")
        call.end()
        await end(turn)
    before = await scripted.chats.messages(person, chat)
    for question in (before[0], before[2]):
        with pytest.raises(BadRequest, match="Only an answer can be written again"):
            await scripted.chats.regenerate(person, chat, question.id)
    with pytest.raises(BadRequest, match="Only a question can be edited"):
        await scripted.chats.edit(person, chat, before[1].id, "Other words.", "m")
    assert await scripted.chats.messages(person, chat) == before
