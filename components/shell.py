"""The part of the frame that lives in the browser: keys, menus, theme, copying."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nicegui import ui
from nicegui.events import GenericEventArguments


class Shell(ui.element, component=Path(__file__).with_name("shell.js")):
    """Knows the keys (`G` and a letter goes to a page) and sets density and accent on the document."""

    def __init__(self, *, goto: dict[str, tuple[str, str]], density: str, accent: str) -> None:
        super().__init__()
        self._props["goto"] = {key: list(target) for key, target in goto.items()}
        self._props["density"] = density
        self._props["accent"] = accent

    def wear(self, *, density: str, accent: str) -> None:
        self._props["density"] = density
        self._props["accent"] = accent

    def show_keys(self) -> None:
        self.run_method("showKeys")

    def on_palette(self, handler: Callable[[GenericEventArguments], object]) -> None:
        self.on("palette", handler)
