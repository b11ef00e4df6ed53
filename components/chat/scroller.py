"""The part of the chat that scrolls: it stays at the end while an answer grows, unless a person looked back."""

from __future__ import annotations

from pathlib import Path

from nicegui import ui


class Scroller(ui.element, component=Path(__file__).with_name("scroller.js")):
    def to_end(self) -> None:
        """Go to the end, also if a person had scrolled up."""
        self.run_method("toEnd")

    def keep_place(self) -> None:
        """What is added above next does not move what is read."""
        self.run_method("keepPlace")
