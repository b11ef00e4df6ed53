"""Telling a person what happened: a line that goes by itself, an error's sentence, an offer to undo."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from functools import wraps

from nicegui import ui

from app.core.errors import AnyGPTError

UNDO_SECONDS = 10.0


def notify(message: str) -> None:
    ui.notify(message, type="positive", position="top", timeout=3500)


def notify_error(error: AnyGPTError) -> None:
    """The error's own sentence; it stays until it can have been read."""
    ui.notify(error.message, type="negative", position="top", timeout=9000, close_button="Close", multi_line=True)


def tell_result(sentence: str, *, ok: bool) -> None:
    """What came of a test; longer than a plain message, since it is to be read."""
    ui.notify(sentence, type="positive" if ok else "negative", position="top", timeout=6000, multi_line=True)


def guarded(handler: Callable[..., Awaitable[object] | object]) -> Callable[..., Awaitable[None]]:
    """An event handler whose errors of the tree reach the person as a sentence."""

    @wraps(handler)
    async def run(*arguments: object) -> None:
        try:
            result = handler(*arguments)
            if inspect.isawaitable(result):
                await result
        except AnyGPTError as error:
            notify_error(error)

    return run


class Toasts:
    """The corner where offers to undo stand. It belongs to the frame, so an offer survives a change of page."""

    def __init__(self) -> None:
        self._place = ui.element("div").classes("a-toasts").props("role=status aria-live=polite")

    def offer_undo(self, message: str, undo: Callable[[], Awaitable[object] | object]) -> None:
        """Say what was done and take it back on request, for ten seconds."""
        with self._place, ui.element("div").classes("a-toast a-pop") as toast:
            ui.icon("svguse:/static/icons.svg#check|0 0 24 24").classes("a-t2")
            ui.label(message).classes("a-grow")

            async def take_back() -> None:
                toast.delete()
                await guarded(undo)()

            ui.button("Undo", on_click=take_back).props("flat dense")
            ui.button(on_click=toast.delete, icon="svguse:/static/icons.svg#x|0 0 24 24").props(
                "flat dense aria-label=Dismiss"
            )
            ui.timer(UNDO_SECONDS, toast.delete, once=True)
