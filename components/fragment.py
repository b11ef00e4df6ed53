"""One NiceGUI element for a whole piece of markup: a page stays under a hundred elements whatever it shows."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from pathlib import Path

from nicegui.elements.mixins.content_element import ContentElement
from nicegui.events import GenericEventArguments

from app.core.errors import AnyGPTError
from components.markup import Html
from components.notify import notify_error

Action = Callable[[str], Awaitable[object] | object]


class Fragment(ContentElement, component=Path(__file__).with_name("fragment.js")):
    """Shows markup made with `components.markup`. New content is merged into the old, so focus, scroll positions and
    open menus survive a live update.

    What a person does inside comes back by name: an element with `data-act="open" data-value="req_1"` calls
    `actions["open"]("req_1")`; a field with `data-input="search"` calls `actions["search"](its value)`."""

    def __init__(self, content: Html = Html(), *, tag: str = "div", **actions: Action) -> None:
        super().__init__(content=content)
        self._props["tag"] = tag
        self.actions = actions
        self.on("act", self._act)

    def show(self, content: Html) -> None:
        """Show other markup."""
        self.set_content(content)

    async def _act(self, event: GenericEventArguments) -> None:
        name, value = event.args.get("name"), event.args.get("value")
        action = self.actions.get(name) if isinstance(name, str) else None
        if action is None:
            return
        try:
            result = action(str(value or ""))
            if inspect.isawaitable(result):
                await result
        except AnyGPTError as error:
            notify_error(error)
