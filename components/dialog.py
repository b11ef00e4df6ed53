"""Dialogs: a form in a card, and the one question before something that cannot be undone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nicegui import ui

from app.core.errors import AnyGPTError
from components.notify import notify_error

X = "svguse:/static/icons.svg#x|0 0 24 24"


class Dialog:
    """A dialog that is gone from the page once it is closed. Focus goes back where it was (Quasar sees to it)."""

    def __init__(self, title: str, *, wide: bool = False, full_on_phone: bool = True) -> None:
        self._dialog = ui.dialog().classes("a-dialog" + (" a-dialog-full" if full_on_phone else ""))
        self._dialog.props(f'aria-label="{_plain(title)}"').on("hide", self._dialog.delete)
        with self._dialog, ui.card().classes("a-dialog-card a-scope" + (" is-wide" if wide else "")) as card:
            self._card = card
            card.props("data-density=comfortable")
            with ui.element("header").classes("a-dialog-head"):
                self.title = ui.label(title).classes("a-strong a-f16 a-grow a-cut").props("role=heading aria-level=2")
                ui.button(icon=X, on_click=self.close).props("flat round aria-label=Close").classes("a-dialog-x")
            self.body = ui.element("div").classes("a-dialog-body")
            self.foot = ui.element("footer").classes("a-dialog-foot")

    def rename(self, title: str) -> None:
        self.title.set_text(title)

    def widen(self) -> None:
        """As wide as the window allows, for what stands side by side."""
        self._card.classes("is-broad")

    def open(self) -> None:
        self._dialog.open()

    def close(self) -> None:
        self._dialog.close()

    def keep_open(self) -> None:
        """A click outside or Esc does not close it: what it shows is shown once."""
        self._dialog.props("persistent")


@contextmanager
def field(label: str, hint: str = "") -> Iterator[None]:
    """A label above, the field inside the `with`, a hint below."""
    with ui.element("div").classes("a-field"):
        ui.label(label).classes("a-field-label").props("aria-hidden=true")
        yield
        if hint:
            ui.label(hint).classes("a-f12 a-t3")


def text_field(label: str, value: str = "", *, hint: str = "", placeholder: str = "", **options: bool) -> ui.input:
    with field(label, hint):
        made = ui.input(value=value, placeholder=placeholder, **options).props(f'aria-label="{_plain(label)}"')
        made.props("hide-bottom-space autocomplete=off spellcheck=false").mark(label.lower().replace(" ", "-"))
    return made


def show_error(error: AnyGPTError, fields: dict[str, ui.input | ui.textarea | ui.select | ui.number]) -> None:
    """Below the field that the error names; where it names none, as a message."""
    for made in fields.values():
        made.error = None
    name = (error.field or "").split("[")[0].split(".")[0]
    if name in fields:
        sentence = error.message.removeprefix(f"{error.field}: ")
        fields[name].error = sentence[:1].upper() + sentence[1:]
    else:
        notify_error(error)


async def confirm(title: str, consequence: str, verb: str, *, keep: str = "Keep") -> bool:
    """Ask once. The button repeats what will happen."""
    with ui.dialog() as dialog, ui.card().classes("a-dialog-card a-scope a-confirm") as card:
        dialog.props(f'aria-label="{_plain(title)}"')
        card.props("data-density=comfortable")
        ui.label(title).classes("a-strong a-f14").props("role=heading aria-level=2")
        ui.label(consequence).classes("a-f13 a-t2")
        with ui.element("div").classes("a-row a-confirm-acts"):
            ui.button(keep, on_click=lambda: dialog.submit(False)).props("outline autofocus")
            ui.button(verb, on_click=lambda: dialog.submit(True), color="negative").mark("confirm")
    answer = await dialog
    dialog.delete()
    return bool(answer)


def _plain(text: str) -> str:
    return text.replace('"', "'")
