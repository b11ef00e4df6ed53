"""One conversation as it is read and written: messages, the answer that is being written, the composer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from nicegui import ui

from app.core.money import show_usd
from app.services.views import ConversationInfo, MessageView, ModelView
from components.chat.composer import Composer
from components.chat.message import Answer, Question
from components.chat.scroller import Scroller
from components.format import plural, tokens
from components.fragment import Fragment
from components.markup import h
from components.model_choice import choose_model, pick_default
from components.notify import guarded
from components.page import PageContext, PageRoot

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from app.services.chats import Turn

FIRST_SHOWN = 16  # messages at the first paint; earlier ones come on request
STEP = 30


class Thread:
    """Belongs to one part of the page (`root`), which ends its tasks. The turn itself goes on in the service."""

    def __init__(
        self,
        context: PageContext,
        root: PageRoot,
        conversation: ConversationInfo | None,
        *,
        wanted_model: str | None = None,
        changed: Callable[[], Awaitable[None]],
    ) -> None:
        self._context = context
        self._root = root
        self._chats = context.services.chats
        self._conversation = conversation
        self._changed = changed
        self._turn: Turn | None = None
        self._shown: list[Question | Answer] = []
        self._earlier: list[MessageView] = []
        self._draft = ""
        self._welcome_text: Fragment | None = None
        self._models: Sequence[ModelView] = context.services.providers.models()
        remembered = str(context.person.preferences.get("model") or "")
        of_conversation = conversation.model if conversation else None
        self.model = wanted_model or of_conversation or pick_default(self._models, remembered)

    async def build(self) -> None:
        """Put everything into the element that is open now."""
        messages: list[MessageView] = []
        if self._conversation is not None:
            messages = await self._messages(self._conversation.id)
        self._scroller = Scroller()
        self._composer = Composer(
            self._conversation.id if self._conversation else "new",
            send=self._send,
            stop=self._stop,
            pick=self._pick,
            draft=self._estimate,
        )
        self._show_model()
        with self._scroller:
            await self._show(messages)

    async def _messages(self, conversation_id: str) -> list[MessageView]:
        """The stored messages, and the turn that is being written; it may end while they are read."""
        self._turn = self._chats.running(conversation_id)
        messages = await self._chats.messages(self._context.person, conversation_id)
        if self._turn is None and any(message.status == "writing" for message in messages):
            self._turn = self._chats.running(conversation_id)
            if self._turn is None:
                messages = await self._chats.messages(self._context.person, conversation_id)
        return list(messages)

    async def _show(self, messages: list[MessageView]) -> None:
        turn = self._turn
        if turn is not None:
            messages = [message for message in messages if message.id != turn.message_id]
            if all(message.id != turn.question.id for message in messages):
                messages.append(turn.question)
        self._earlier, shown = messages[:-FIRST_SHOWN], messages[-FIRST_SHOWN:]
        self._earlier_button = ui.element("div").classes("a-earlier")
        with self._earlier_button:
            self._earlier_text = ui.button("", on_click=self._show_earlier).props("flat dense")
        self._label_earlier()
        self._list = ui.element("div").classes("a-messages")
        with self._list:
            if not messages:
                self._welcome_text = Fragment(self._welcome())
            for message in shown:
                self._shown.append(self._one(message))
        self._mark_last()
        if turn is not None:
            self._follow(turn)

    def _welcome(self) -> str:
        ready = bool(self._models)
        return h(
            "div.a-welcome",
            h("h2", "What do you want to know?" if ready else "No model to ask yet"),
            h(
                "p.a-t2",
                "The answer names its provider, its tokens and what it cost."
                if ready
                else "An admin adds a provider, or the demo is switched on; then this works at once.",
            ),
        )

    def _one(self, message: MessageView) -> Question | Answer:
        if message.role == "user":
            question = Question(message, self._context.person, self._context.zone)
            question.resend = lambda text: self._root.spawn(self._edit(message.id, text), "edit")
            return question
        return Answer(self._context.zone, message, **self._answer_actions())

    def _answer_actions(self) -> dict[str, Callable[[str], object]]:
        return {"again": self._again, "again_with": self._again_with}

    def _label_earlier(self) -> None:
        self._earlier_button.set_visibility(bool(self._earlier))
        self._earlier_text.set_text(f"Show {plural(min(STEP, len(self._earlier)), 'earlier message')}")

    def _show_earlier(self) -> None:
        """More of what was said before; what is read stays where it is."""
        self._scroller.keep_place()
        self._earlier, more = self._earlier[:-STEP], self._earlier[-STEP:]
        with self._list:
            parts = [self._one(message) for message in more]
        for place, part in enumerate(parts):
            part.root.move(self._list, target_index=place)
        self._shown = parts + self._shown
        self._label_earlier()

    def _mark_last(self) -> None:
        for part in self._shown:
            if isinstance(part, Answer):
                part.mark_last(part is self._shown[-1] and self._turn is None)

    def _follow(self, turn: Turn) -> None:
        self._turn = turn
        self._mark_last()
        with self._list:
            answer = Answer(self._context.zone, **self._answer_actions())
        self._shown.append(answer)
        self._composer.set_busy(True)
        self._scroller.to_end()
        self._root.spawn(self._until_done(turn, answer), "answer")

    async def _until_done(self, turn: Turn, answer: Answer) -> None:
        await answer.follow(turn)
        if self._turn is turn:
            self._turn = None
            self._composer.set_busy(False)
            self._mark_last()
        await self._changed()

    async def _send(self, text: str) -> None:
        if not text or self._turn is not None:
            return
        person = self._context.person
        if self._conversation is None:
            conversation = await self._chats.create(person, self.model)
            await self._chats.ask(person, conversation.id, text, self.model)
            await self._changed()
            ui.navigate.to(f"/chat/{quote(conversation.id)}")
            return
        turn = await self._chats.ask(person, self._conversation.id, text, self.model)
        if self._welcome_text is not None:
            self._welcome_text.delete()
            self._welcome_text = None
        with self._list:
            self._shown.append(self._one(turn.question))
        self._composer.set_estimate("")
        self._follow(turn)
        await self._changed()

    def _stop(self) -> None:
        if self._turn is not None:
            self._turn.stop()

    async def _again(self, message_id: str) -> None:
        await self._answer_again(message_id, self.model)

    def _again_with(self, message_id: str) -> None:
        async def chosen(alias: str) -> None:
            await self._use(alias)
            await self._answer_again(message_id, alias)

        choose_model(
            self._context.palette, self._models, self.model, chosen, placeholder="Answer again with which model"
        )

    async def _answer_again(self, message_id: str, model: str) -> None:
        if self._conversation is None or self._turn is not None:
            return
        turn = await self._chats.regenerate(self._context.person, self._conversation.id, message_id, model)
        self._cut_from(message_id)
        self._follow(turn)

    async def _edit(self, message_id: str, text: str) -> None:
        if self._conversation is None:
            return

        async def send() -> None:
            if self._turn is not None:
                await _ended(self._turn)
            turn = await self._chats.edit(self._context.person, self._conversation.id, message_id, text, self.model)
            self._cut_from(message_id)
            with self._list:
                self._shown.append(self._one(turn.question))
            self._follow(turn)

        await guarded(send)()

    def _cut_from(self, message_id: str) -> None:
        """Take away a message and all that follows it."""
        for place, part in enumerate(self._shown):
            if part.message is not None and part.message.id == message_id:
                for gone in self._shown[place:]:
                    gone.root.delete()
                del self._shown[place:]
                return

    def _pick(self) -> None:
        self._models = self._context.services.providers.models()
        choose_model(self._context.palette, self._models, self.model, self._use)

    async def _use(self, alias: str) -> None:
        self.model = alias
        self._show_model()
        self._composer.focus()
        await self._context.prefer(model=alias)
        await self._estimate(self._draft)

    def _show_model(self) -> None:
        found = next((model for model in self._models if model.alias == self.model), None)
        self._composer.set_model(found, self.model)

    async def _estimate(self, text: str) -> None:
        """What sending this would take: «3.1k in, about $0.0021»."""
        self._draft = text
        if not text.strip() or not self.model:
            self._composer.set_estimate("")
            return
        conversation_id = self._conversation.id if self._conversation else None
        guess = await self._chats.estimate(self._context.person, conversation_id, text, self.model)
        cost = "price unknown" if guess.cost is None else f"about {show_usd(guess.cost)}"
        self._composer.set_estimate(f"{tokens(guess.tokens)} in, {cost}")


async def _ended(turn: Turn) -> None:
    """Stop it and wait until what was written is stored."""
    turn.stop()
    async for _ in turn.updates():
        continue
