"""One message of a thread: who, what, and under an answer what it took."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from typing import TYPE_CHECKING

from nicegui import ui

from app.core.money import show_usd
from app.services.views import MessageView, Person
from components.badges import badge, note
from components.format import clock, duration, exact, speed, tokens
from components.fragment import Action, Fragment
from components.markdown import ChatMarkdown
from components.markup import Child, Html, h, icon, icon_button, join, menu, menu_item

if TYPE_CHECKING:
    from app.services.chats import Turn


class Question:
    """What a person asked. It can be edited and sent again; what followed is then replaced."""

    def __init__(self, message: MessageView, person: Person, zone: tzinfo, **actions: Action) -> None:
        self.message = message
        self._zone = zone
        self._person = person
        self.root = ui.element("div").classes("a-msg a-question")
        with self.root:
            self._shown = Fragment(self._markup(), edit=lambda _: self._edit(), **actions).classes("a-contents")
        self.resend: Callable[[str], object] | None = None

    def _markup(self) -> Html:
        message = self.message
        own = message.author is None or message.author == self._person.name
        name = message.author or self._person.name or self._person.email
        return join(
            h("span.a-avatar", _initials(name), class_="me" if own else "", aria_hidden="true"),
            h(
                "div.a-col",
                h(
                    "div.by",
                    name,
                    h("span", h("time", clock(message.created_at, self._zone), title=exact(message.created_at))),
                    h("span.a-grow"),
                    h(
                        "span.a-msg-acts",
                        icon_button("edit", "Edit and send again", data_act="edit"),
                        icon_button("copy", "Copy question", data_copy=message.text),
                    ),
                ),
                h("div.a-prose.a-pre", message.text),
                [
                    h("img.a-picture", src=source, alt="Picture in the question", loading="lazy")
                    for source in message.images
                ],
            ),
        )

    def _edit(self) -> None:
        self._shown.set_visibility(False)
        with self.root, ui.element("div").classes("a-edit") as form:

            def close() -> None:
                form.delete()
                self._shown.set_visibility(True)

            def send() -> None:
                text = str(field.value or "").strip()
                if text and self.resend is not None:
                    close()
                    self.resend(text)

            field = (
                ui.textarea(value=self.message.text)
                .props('autogrow autofocus aria-label="Edit the question"')
                .mark("edit-question")
            )
            field.on("keydown.esc", close)
            field.on("keydown.ctrl.enter", send)
            with ui.element("div").classes("a-row a-wrap"):
                ui.label("What followed is replaced.").classes("a-f12 a-t3 a-grow")
                ui.button("Cancel", on_click=close).props("flat")
                ui.button("Send again", on_click=send)


class Answer:
    """What a model answered, or is answering: `follow` writes it as it comes."""

    def __init__(self, zone: tzinfo, message: MessageView | None = None, **actions: Action) -> None:
        self.message = message
        self._zone = zone
        self._last = False
        self._reasoning: ChatMarkdown | None = None
        self._summary: Fragment | None = None
        self.root = ui.element("div").classes("a-msg")
        with self.root:
            self._head = Fragment(Html(), **actions).classes("a-contents")
            self._text = ChatMarkdown(message.text if message else "", writing=message is None).classes("a-answer")
            self._foot = Fragment(Html(), **actions).classes("a-msg-foot")
        if message is not None:
            self._settle(message)

    def mark_last(self, last: bool) -> None:
        """Only the last answer can be given again."""
        if last != self._last:
            self._last = last
            if self.message is not None:
                self._foot.show(_foot(self.message, last))

    async def follow(self, turn: Turn) -> None:
        """Show the turn until it ends. The turn lives in the service: leaving the page does not end it."""
        self._progress(turn)
        async for now in turn.updates():
            self._progress(now)
        if turn.answer is not None:
            self.message = turn.answer
            if turn.answer.text != self._text.text:
                self._text.grow_to(turn.answer.text)
            self._text.finish()
            self._settle(turn.answer)

    def _progress(self, turn: Turn) -> None:
        doing = "waiting for the first word" if turn.state == "waiting" else "writing"
        if turn.state == "writing" and turn.tokens_per_second:
            doing += f", {speed(turn.tokens_per_second)}"
        if turn.reasoning and not turn.text:
            doing = "thinking"
        model = turn.model or "Choosing"
        via = f"via {turn.provider} · {doing}" if turn.provider else doing
        self._head.show(_head(model, turn.monogram, turn.accent, via, turn.notes, None))
        self._think(turn.reasoning, writing=not turn.text)
        self._text.grow_to(turn.text)

    def _settle(self, message: MessageView) -> None:
        at = h("time", clock(message.created_at, self._zone), title=exact(message.created_at))
        via = join(f"via {message.provider} · " if message.provider else "", at)
        self._head.show(
            _head(message.model or "No model", message.monogram, message.accent, via, message.notes, message.request_id)
        )
        self._think(message.reasoning, writing=False)
        self._foot.show(_foot(message, self._last))

    def _think(self, reasoning: str, *, writing: bool) -> None:
        if not reasoning:
            return
        if self._reasoning is None:
            with self.root, ui.element("details").classes("a-reasoning") as details:
                with ui.element("summary"):
                    self._summary = Fragment(_thought(writing), tag="span")
                self._reasoning = ChatMarkdown(writing=writing)
            details.move(self.root, target_index=1)
        if self._summary is not None:
            self._summary.show(_thought(writing))
        self._reasoning.grow_to(reasoning)
        if not writing:
            self._reasoning.finish()


def _thought(writing: bool) -> Html:
    return h("span", "Thinking" if writing else "How it thought")


def _head(model: str, monogram: str, accent: str, via: Child, notes: tuple[str, ...], request_id: str | None) -> Html:
    return join(
        badge(monogram or "…", accent, "a-pv-msg"),
        h(
            "div.a-col",
            h("div.by", h("b.a-cut", model, title=model), h("span.a-cut", via)),
            [
                note(
                    "wa",
                    icon("swap"),
                    h("div.a-grow", text),
                    h("a.a-f12", "Why", href=f"/logs?id={request_id}") if request_id else None,
                )
                for text in notes
            ],
        ),
    )


def _foot(message: MessageView, last: bool) -> Html:
    return join(_fate(message), _numbers(message, last))


def _fate(message: MessageView) -> Html | None:
    """What went wrong with the answer, and the next step."""
    if message.status == "failed":
        return note(
            "er",
            icon("warn"),
            h("div.a-grow", message.error or "The answer failed."),
            h("button.a-btn.is-sm", icon("redo"), "Try again", type="button", data_act="again", data_value=message.id),
            h("a.a-f12", "Decision", href=f"/logs?id={message.request_id}") if message.request_id else None,
        )
    if message.status == "interrupted":
        return note(
            "wa",
            icon("warn"),
            h("div.a-grow", message.error or "The answer broke off. What had arrived is kept."),
            h("button.a-btn.is-sm", icon("redo"), "Try again", type="button", data_act="again", data_value=message.id),
        )
    return None


def _numbers(message: MessageView, last: bool) -> Html:
    return h(
        "div.a-meta",
        h("span.a-row", badge(message.monogram, message.accent, "is-sm"), h("b", message.provider))
        if message.provider
        else None,
        h("span", h("b", message.model)) if message.model and message.provider else None,
        h("span", h("b", tokens(message.input_tokens)), " in · ", h("b", tokens(message.output_tokens)), " out")
        if message.input_tokens is not None
        else None,
        _cost(message) if message.model else None,
        h(
            "span",
            h("b", duration(message.latency_ms)),
            f", first token {duration(message.first_token_ms)}" if message.first_token_ms is not None else "",
        )
        if message.latency_ms is not None
        else None,
        h("span.a-tag", "stopped") if message.status == "stopped" else None,
        h("span.a-grow"),
        h(
            "span.a-row.a-msg-acts",
            icon_button("copy", "Copy answer", data_copy_answer=True) if message.text else None,
            icon_button("redo", "Answer again", data_act="again", data_value=message.id) if last else None,
            menu(
                "More for this answer",
                None,
                menu_item("Answer with another model", icon_name="cube", data_act="again_with", data_value=message.id)
                if last
                else Html(),
                menu_item("Why this model", icon_name="route", href=f"/logs?id={message.request_id}")
                if message.request_id
                else Html(),
                menu_item("Copy as Markdown", icon_name="copy", data_copy_answer="1"),
            ),
        ),
    )


def _cost(message: MessageView) -> Html:
    if not message.cost_known or message.cost is None:
        return h("span.a-tag.wa", "cost unknown", title="The price of this model is not known")
    about = "about " if message.estimated else ""
    return h(
        "span",
        about,
        h("b", show_usd(message.cost)),
        title=f"${message.cost / 1_000_000_000:.9f}"
        + (", from estimated tokens: the provider did not report them" if message.estimated else ""),
    )


def _initials(name: str) -> str:
    words = name.replace("@", " ").split()
    return (words[0][:1] + (words[1][:1] if len(words) > 1 else words[0][1:2])).upper() if words else "?"
