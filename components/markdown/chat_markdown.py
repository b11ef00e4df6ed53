"""The element that shows a model's answer while it is written."""

from __future__ import annotations

from pathlib import Path

import nicegui.elements.mermaid  # noqa: F401  makes "nicegui-mermaid" importable in the browser
from nicegui.elements.mixins.content_element import ContentElement

HERE = Path(__file__).parent


class ChatMarkdown(ContentElement, component=HERE / "chat_markdown.js", esm={"anygpt-markdown": str(HERE / "bundle")}):
    """Append-only: `append` sends the new text and nothing else, however long the answer is. The whole text stays
    here for a page that is loaded later. HTML in the text is shown as text; what Markdown makes is sanitised."""

    CONTENT_PROP = "content"

    def __init__(self, text: str = "", *, writing: bool = False, plain: bool = False) -> None:
        """`writing` shows the caret; `plain` is for text that a person wrote: no Markdown, only its lines."""
        super().__init__(content=text)
        self._props["writing"] = writing
        self._props["plain"] = plain
        self._props["step"] = 0
        self.classes("a-prose a-md")

    @property
    def text(self) -> str:
        return str(self.content)

    def append(self, chunk: str) -> None:
        """More of the answer."""
        if not chunk:
            return
        self._keep(self.text + chunk, writing=True)
        self.run_method("append", self._props["step"], chunk)

    def grow_to(self, text: str) -> None:
        """Show a text that usually begins with what is shown already."""
        if text.startswith(self.text):
            self.append(text[len(self.text) :])
        else:
            self._keep(text, writing=True)
            self.run_method("restart", self._props["step"], text)

    def finish(self) -> None:
        """The answer is complete: the whole is parsed once more, diagrams are drawn, the caret goes."""
        self._keep(self.text, writing=False)
        self.run_method("finish")

    def _keep(self, text: str, *, writing: bool) -> None:
        """For a page that is loaded later; the open page gets the change by method. The step tells the browser which
        changes the text that it was given holds already."""
        with self._props.suspend_updates():
            self.content = text
            self._props["writing"] = writing
            self._props["step"] += 1
