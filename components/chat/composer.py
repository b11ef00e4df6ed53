"""Where a message is written: the text stays in the browser until it is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from nicegui import ui
from nicegui.events import GenericEventArguments

from app.services.views import ModelView
from components.notify import guarded

Handler = Callable[..., Awaitable[object] | object]


class Composer(ui.element, component=Path(__file__).with_name("composer.js")):
    """Enter sends, Shift+Enter makes a line, Esc stops the answer. `draft` comes when typing pauses."""

    def __init__(self, draft_of: str, *, send: Handler, stop: Handler, pick: Handler, draft: Handler) -> None:
        """`draft_of` names the conversation that an unsent text belongs to."""
        super().__init__()
        self._props["draft-of"] = draft_of
        self._props["busy"] = False
        self.on("send", guarded(lambda event: send(_text(event))))
        self.on("stop", guarded(lambda _: stop()))
        self.on("pick", guarded(lambda _: pick()))
        self.on("draft", guarded(lambda event: draft(_text(event))))

    def set_model(self, model: ModelView | None, name: str = "") -> None:
        """The model that will answer; `name` where it is not there any more."""
        self._props["model"] = model.alias if model else name
        self._props["monogram"] = model.monogram if model else ""
        self._props["accent"] = model.accent if model else "custom"
        self._props["missing"] = model is None

    def set_busy(self, busy: bool) -> None:
        self._props["busy"] = busy

    def set_estimate(self, text: str) -> None:
        self._props["estimate"] = text

    def focus(self) -> None:
        self.run_method("focus")


def _text(event: GenericEventArguments) -> str:
    return str(event.args or "")
