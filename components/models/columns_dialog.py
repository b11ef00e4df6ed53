"""Which columns the model browser shows; kept for the person."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from nicegui import ui

from components.dialog import Dialog
from components.models.columns import COLUMNS, FIXED, USUAL
from components.notify import guarded


def choose_columns(shown: Sequence[str], choose: Callable[[tuple[str, ...]], Awaitable[None]]) -> None:
    dialog = Dialog("Columns", full_on_phone=False)
    with dialog.body, ui.element("div").classes("a-scopes"):
        boxes = {
            name: ui.checkbox(column.head, value=name in shown) for name, column in COLUMNS.items() if name not in FIXED
        }

    async def save() -> None:
        dialog.close()
        await choose(tuple(name for name in COLUMNS if name in FIXED or boxes[name].value))

    def usual() -> None:
        for name, box in boxes.items():
            box.value = name in USUAL

    with dialog.foot:
        ui.button("The usual ones", on_click=usual).props("outline")
        ui.element("span").classes("a-grow")
        ui.button("Show these", on_click=guarded(save)).mark("save-columns")
    dialog.open()
