"""Try it: a request made up here is planned by the draft, nobody is called, and its way lights up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from nicegui import ui

from app.core.errors import AnyGPTError
from components.badges import note
from components.format import plural, tokens
from components.fragment import Fragment
from components.markup import Html, h, icon, join
from components.notify import guarded

if TYPE_CHECKING:
    from app.services.explain import Explain
    from app.services.router_views import Explained
    from components.routers.document_edits import Document

PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
WITH = {"picture": "a picture", "tools": "tools", "json": "JSON asked for"}
ANYBODY = ""
X = "svguse:/static/icons.svg#x|0 0 24 24"


class TryPanel:
    """`shown` gets what was explained, or None where there is nothing to show any more."""

    def __init__(
        self,
        explain: Explain,
        router: str,
        document: Callable[[], Document],
        models: Sequence[str],
        keys: Sequence[str],
        people: Sequence[str],
        shown: Callable[[Explained | None], object],
    ) -> None:
        self._explain, self._router, self._document, self._shown = explain, router, document, shown
        self._place = ui.element("section").classes("a-card a-try").props('aria-label="Try it"')
        with self._place:
            self._build(list(models), keys, people)
        self._place.set_visibility(False)

    def _build(self, models: list[str], keys: Sequence[str], people: Sequence[str]) -> None:
        with ui.element("header"):
            self._title = Fragment(_title(None)).classes("a-row a-grow")
            ui.button(icon=X, on_click=self.close).props('flat round aria-label="Close Try it"')
        with ui.element("div").classes("a-panel"):
            with ui.element("div").classes("a-row a-wrap"):
                self._text = ui.input(placeholder="What a person or an app would ask").classes("a-grow a-try-text")
                self._text.props('aria-label="Text of the request" autocomplete=off').mark("try-text")
                self._text.on("keydown.enter", guarded(self.run))
                ui.button("Run", on_click=guarded(self.run)).mark("try-run")
            with ui.element("div").classes("a-row a-wrap"):
                self._model = ui.select(
                    models, value=models[0] if models else None, with_input=True, new_value_mode="add-unique"
                )
                self._model.props('aria-label="Model asked for" prefix="model " hide-dropdown-icon').classes(
                    "a-try-pick"
                )
                whose = {ANYBODY: "no key"}
                whose |= {f"key:{name}": f"key {name}" for name in keys} | {f"person:{name}": name for name in people}
                self._whose = ui.select(whose, value=ANYBODY).props('aria-label="Who asks"').classes("a-try-pick")
                self._with = ui.select(WITH, value=[], multiple=True).classes("a-try-pick")
                self._with.props('aria-label="What the request carries" label="with"')
                self._stream = ui.switch("streamed").classes("a-f12")
            self._result = Fragment().classes("a-try-result").props("aria-live=polite")

    @property
    def is_open(self) -> bool:
        return bool(self._place.visible)

    def open(self) -> None:
        self._place.set_visibility(True)
        self._text.run_method("focus")
        self._into_view()

    def _into_view(self) -> None:
        script = f"getHtmlElement({self._place.id})?.scrollIntoView({{block: 'nearest'}})"
        self._place.client.run_javascript(f"setTimeout(() => {script}, 50)")

    def close(self) -> None:
        self._place.set_visibility(False)
        self._result.show(Html())
        self._shown(None)

    async def run(self) -> None:
        kind, _, name = str(self._whose.value or "").partition(":")
        try:
            found = await self._explain.explain(
                self._router,
                self._request(),
                document=self._document(),
                key=name if kind == "key" else None,
                person=name if kind == "person" else None,
            )
        except AnyGPTError as error:
            self._title.show(_title(None))
            self._result.show(note("er", icon("warn"), h("div.a-grow", error.message)))
            self._shown(None)
            return
        self._title.show(_title(found))
        self._result.show(explained(found))
        self._shown(found)
        self._into_view()

    def _request(self) -> dict[str, Any]:
        """As a client of the OpenAI format would send it."""
        text, extras = str(self._text.value or "Hello"), set(self._with.value or ())
        content: Any = text
        if "picture" in extras:
            content = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": PIXEL}}]
        request: dict[str, Any] = {
            "model": self._model.value or "auto",
            "messages": [{"role": "user", "content": content}],
        }
        if self._stream.value:
            request["stream"] = True
        if "tools" in extras:
            function = {"name": "look_up", "parameters": {"type": "object", "properties": {}}}
            request["tools"] = [{"type": "function", "function": function}]
        if "json" in extras:
            request["response_format"] = {"type": "json_object"}
        return request


def explained(found: Explained) -> Html:
    dropped = [each for each in found.candidates if not each.get("kept")]
    return join(
        h("div.a-row.a-wrap.a-f12.a-chips", h("span.a-t3", "seen as"), list(_seen(found))),
        note("ok" if found.order else "wa", icon("check" if found.order else "warn"), h("div.a-grow", found.sentence)),
        h(
            "ol.a-try-order",
            [
                h("li", h("b.a-mid", str(each["model"])), h("span.a-t3", f" {each['provider']}"))
                for each in found.order[:8]
            ],
            aria_label="Who is asked, in this order",
        )
        if len(found.order) > 1
        else None,
        h(
            "details.a-f12.a-t2",
            h("summary", f"{plural(len(dropped), 'candidate')} dropped"),
            h(
                "ul.a-try-dropped",
                [
                    h("li", f"{each['model']} at {each['provider']} ", h("span.a-t3", str(each.get("reason") or "")))
                    for each in dropped[:60]
                ],
            ),
            open=len(dropped) <= 6,
        )
        if dropped
        else None,
    )


def _title(found: Explained | None) -> Html:
    return join(
        icon("play"),
        h("h2", "Try it"),
        h("span.a-t3.a-f12.a-light", "no provider is called"),
        h("span.a-grow"),
        h("span.a-f12.a-t3.a-light.a-wide", f"planned in {found.took_us:,} µs") if found else None,
    )


def _seen(found: Explained) -> Iterator[Html]:
    if found.intent is not None:
        yield _chip("intent", f"{found.intent.name.replace('_', ' ')} {found.intent.confidence:.2f}")
        yield _chip("complexity", found.intent.complexity)
    yield _chip("input", f"about {tokens(found.input_tokens)}")
    for need in found.needs:
        yield _chip("needs", need)


def _chip(word: str, value: str) -> Html:
    return h("span.a-chip", word, " ", h("b", value))
