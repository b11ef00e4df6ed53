"""Chat, as a person uses it."""

import asyncio

from nicegui.testing.user import User

from app.services.container import Services
from app.services.views import ConversationInfo, Person
from components.chat.composer import Composer
from components.markdown import ChatMarkdown
from tests.pages.conftest import OWNER, eventually, press

SOON = 80  # looks, a tenth of a second each: the demo writes as a model would


def _me(services: Services) -> Person:
    return services.people.get(OWNER)


async def _conversations(services: Services) -> list[ConversationInfo]:
    return list(await services.chats.list(_me(services)))


def _say(user: User, text: str) -> None:
    user.find(kind=Composer).trigger("send", text)


async def _asked(services: Services, model: str = "demo/echo", text: str = "Count to three") -> ConversationInfo:
    """A conversation with one question and its answer."""
    made = await services.chats.create(_me(services), model)
    turn = await services.chats.ask(_me(services), made.id, text, model)
    async for _ in turn.updates():
        pass
    return made


async def test_a_first_question_opens_a_conversation_and_is_answered_with_its_facts(
    owner: User, services: Services
) -> None:
    await owner.open("/chat?model=demo%2Fecho")
    await owner.should_see("What do you want to know?")
    await owner.should_see(kind=Composer)
    _say(owner, "A sentence to say back")
    await owner.should_see(kind=ChatMarkdown, content="A sentence to say back", retries=SOON)
    await owner.should_see("first token", retries=SOON)
    await owner.should_see("demo/echo")
    await owner.should_see("$0.00")
    assert [each.title for each in await _conversations(services)] == ["A sentence to say back"]


async def test_a_failed_answer_says_what_failed_and_offers_the_next_step(owner: User, services: Services) -> None:
    conversation = await _asked(services, "demo/failing")
    await owner.open(f"/chat/{conversation.id}")
    await owner.should_see("Every attempt failed", retries=SOON)
    await owner.should_see("Try again")
    await owner.should_see("Decision")


async def test_an_answer_goes_on_while_nobody_looks_and_is_found_again(owner: User, services: Services) -> None:
    made = await services.chats.create(_me(services), "demo/slow")
    turn = await services.chats.ask(_me(services), made.id, "Slowly, please", "demo/slow")
    await owner.open("/")
    assert services.chats.running(made.id) is turn
    await owner.open(f"/chat/{made.id}")
    await owner.should_see(kind=ChatMarkdown, retries=SOON)
    owner.find(kind=Composer).trigger("stop")
    await owner.should_see("stopped", retries=SOON)
    assert services.chats.running(made.id) is None


async def test_an_answer_can_be_given_again(owner: User, services: Services) -> None:
    conversation = await _asked(services)
    first = (await services.chats.messages(_me(services), conversation.id))[-1]
    await owner.open(f"/chat/{conversation.id}")
    await owner.should_see("Answer again")
    await press(owner, "again", first.id)

    async def answered_anew() -> bool:
        latest = (await services.chats.messages(_me(services), conversation.id))[-1]
        return latest.id != first.id and latest.status == "done"

    await eventually(answered_anew)
    await owner.should_see("Answer again", retries=SOON)


async def test_a_question_can_be_edited_and_what_followed_is_replaced(owner: User, services: Services) -> None:
    conversation = await _asked(services)
    await owner.open(f"/chat/{conversation.id}")
    await press(owner, "edit")
    await owner.should_see("What followed is replaced.")
    owner.find(marker="edit-question").clear().type("Count to four")
    owner.find("Send again").click()
    await owner.should_see(kind=ChatMarkdown, content="Count to four", retries=SOON)
    await owner.should_see("first token", retries=SOON)
    assert [message.role for message in await services.chats.messages(_me(services), conversation.id)] == [
        "user",
        "assistant",
    ]


async def test_a_conversation_can_be_starred_and_renamed(owner: User, services: Services) -> None:
    conversation = await _asked(services)
    await owner.open(f"/chat/{conversation.id}")
    await press(owner, "star", conversation.id)
    await owner.should_see("Starred")
    await press(owner, "rename", conversation.id)
    await owner.should_see("New title")
    await press(owner, "renamed", "Numbers")
    await owner.should_see("Numbers")
    (kept,) = await _conversations(services)
    assert (kept.title, kept.starred) == ("Numbers", True)


async def test_a_deleted_conversation_comes_back_with_undo(owner: User, services: Services) -> None:
    conversation = await _asked(services)
    await owner.open("/chat")
    await press(owner, "delete", conversation.id)
    await owner.should_see("deleted")
    assert await _conversations(services) == []
    owner.find("Undo").click()
    await owner.should_see(f"/chat/{conversation.id}", retries=SOON)
    assert len(await _conversations(services)) == 1


async def test_a_long_conversation_begins_with_its_end(owner: User, services: Services) -> None:
    conversation = await _asked(services, text="Question 0")
    for number in range(1, 10):
        turn = await services.chats.ask(_me(services), conversation.id, f"Question {number}", "demo/echo")
        async for _ in turn.updates():
            pass
    await owner.open(f"/chat/{conversation.id}")
    await owner.should_see("Show 4 earlier messages")
    await owner.should_not_see(kind=ChatMarkdown, content="Question 0")
    owner.find("Show 4 earlier messages").click()
    await owner.should_see(kind=ChatMarkdown, content="Question 0")


async def test_a_conversation_of_someone_else_is_not_there(owner: User) -> None:
    await owner.open("/chat/conv_of_someone_else")
    await owner.should_see("No conversation here")


async def test_growing_text_is_sent_piece_by_piece_and_never_as_a_whole(owner: User) -> None:
    client = await owner.open("/")
    with client:
        shown = ChatMarkdown(writing=True)
    await owner.should_see(kind=ChatMarkdown)
    await asyncio.sleep(0.1)
    before = len(client.outbox.message_history)
    with client:
        shown.append("one ")
        shown.grow_to("one two")
    await eventually(lambda: len(client.outbox.message_history) >= before + 2)
    sent = [str(message) for message in client.outbox.message_history][before:]
    assert not any("'update'" in message for message in sent)
    assert "one " in sent[0]
    assert "one " not in sent[1]
    assert "two" in sent[1]
    assert shown.text == "one two"
