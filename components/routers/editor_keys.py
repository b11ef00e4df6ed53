"""The editor's part that lives in the browser: dragging rules, moving them by keys, undo and redo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nicegui import ui
from nicegui.events import GenericEventArguments


class EditorKeys(ui.element, component=Path(__file__).with_name("editor_keys.js")):
    """Cards are elements with `data-rule` in one parent, grips inside them have `data-grip`."""

    def __init__(
        self, *, move: Callable[[str, int], object], undo: Callable[[], object], redo: Callable[[], object]
    ) -> None:
        """`move(rule id, its new place from 0)`."""
        super().__init__()

        def moved(event: GenericEventArguments) -> None:
            move(str(event.args["rule"]), int(event.args["to"]))

        self.on("move", moved)
        self.on("undo", lambda _: undo())
        self.on("redo", lambda _: redo())
