"""The command palette, and every other choice from a list: search, arrows, Enter, Esc, all in the browser."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from nicegui import ui
from nicegui.events import GenericEventArguments

from components.notify import guarded

Chosen = Callable[[str], Awaitable[object] | object]


@dataclass(frozen=True, slots=True)
class Choice:
    """One line. `href` is opened by the browser; otherwise `value` comes back to the server."""

    group: str
    text: str
    value: str = ""
    href: str = ""
    sub: str = ""
    icon: str = ""
    monogram: str = ""
    accent: str = ""
    keys: tuple[str, ...] = ()
    on: bool = False
    only_searched: bool = False  # shown once something is typed


class Palette(ui.element, component=Path(__file__).with_name("palette.js")):
    """One per page frame. `choose` opens it with a list; the answer calls what was given with the list."""

    def __init__(self) -> None:
        super().__init__()
        self._chosen: Chosen | None = None
        self.on("choose", self._choose)

    def choose(self, choices: Sequence[Choice], chosen: Chosen, *, placeholder: str, empty: str) -> None:
        self._chosen = chosen
        self.run_method(
            "open", {"items": [asdict(choice) for choice in choices], "placeholder": placeholder, "empty": empty}
        )

    async def _choose(self, event: GenericEventArguments) -> None:
        if self._chosen is not None:
            await guarded(self._chosen)(str(event.args))
