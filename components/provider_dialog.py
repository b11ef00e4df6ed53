"""Adding and editing a provider: its kind, where it is, its keys, a connection test, its models."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from nicegui import ui

from app.core.errors import AnyGPTError
from app.services.views import FoundKey, ProviderSpec, ProviderView, TestResult
from components.badges import badge, note
from components.dialog import Dialog, field, show_error, text_field
from components.format import plural
from components.fragment import Fragment
from components.markup import Html, h, icon, join
from components.notify import guarded, notify
from components.page import PageContext

if TYPE_CHECKING:
    from app.providers.kinds import Kind

PASTED, FROM_ENVIRONMENT = "Paste it here", "From the environment"
GROUPS = {
    "hosted": "Makers and hosts of models",
    "gateway": "Gateways: one key for many providers",
    "own": "Your own server",
    "compatible": "Anything else that speaks one of these formats",
}


class AddProvider:
    """First the kind, then the form. Keys that the environment holds are offered ready-made."""

    def __init__(self, context: PageContext, done: Callable[[], None]) -> None:
        """`done` is called when a provider was added."""
        self._context = context
        self._done = done
        self._kinds = {kind.name: kind for kind in context.services.providers.kinds()}
        self._dialog = Dialog("Add provider", wide=True)
        with self._dialog.body:
            self._choice = Fragment(
                self._markup(""), pick=self._pick, found=self._take_found, search=lambda text: self._search(text)
            )
        self._dialog.open()

    def _search(self, text: str) -> None:
        self._choice.show(self._markup(text.strip().lower()))

    def _markup(self, text: str) -> Html:
        found = self._context.services.providers.found_in_environment()
        kinds = [kind for kind in self._kinds.values() if text in f"{kind.label} {kind.name}".lower()]
        return join(
            h("div.a-found", [self._offer(key) for key in found]) if found and not text else None,
            h(
                "div.a-input.is-sm",
                icon("search", class_="a-t3"),
                h(
                    "input",
                    type="search",
                    placeholder="Search kinds",
                    aria_label="Search kinds",
                    data_input="search",
                    data_search=True,
                ),
            ),
            [self._group(title, [kind for kind in kinds if kind.group == name]) for name, title in GROUPS.items()]
            if kinds
            else h("p.a-f13.a-t2", "No kind of that name. “OpenAI-compatible” fits most servers."),
        )

    def _group(self, title: str, kinds: Sequence[Kind]) -> Html | None:
        if not kinds:
            return None
        return h(
            "section.a-kind-group",
            h("h3.a-f12.a-t3", title),
            h("div.a-kinds", [self._kind(kind) for kind in kinds]),
            aria_label=title,
        )

    def _offer(self, key: FoundKey) -> Html:
        kind = self._kinds[key.kind]
        return h(
            "div.a-note.ok",
            badge(kind.monogram, kind.accent),
            h("div.a-grow", h("b.a-mid", key.label), " is ready: its key is in ", h("span.a-mono", key.variable), "."),
            h("button.a-btn.is-sm", f"Add {key.label}", type="button", data_act="found", data_value=key.variable),
        )

    def _kind(self, kind: Kind) -> Html:
        return h(
            "button.a-kind",
            badge(kind.monogram, kind.accent, "is-lg"),
            h("span.a-mid", kind.label),
            type="button",
            data_act="pick",
            data_value=kind.name,
        )

    def _pick(self, name: str) -> None:
        kind = self._kinds[name]
        spec = ProviderSpec(name=_free_name(self._context, kind.name), kind=kind.name)
        self._to_form(kind, spec)

    async def _take_found(self, variable: str) -> None:
        services = self._context.services
        key = next(key for key in services.providers.found_in_environment() if key.variable == variable)
        name = _free_name(self._context, key.suggested_name)
        spec = ProviderSpec(name=name, kind=key.kind, api_key_env=key.variable)
        if self._kinds[key.kind].base_url is None:  # the key alone does not say where it belongs
            self._to_form(self._kinds[key.kind], spec)
            return
        view = await services.providers.add(self._context.person, spec)
        self._dialog.close()
        self._done()
        notify(f"{view.name} added, {plural(len(view.models), 'model')} found")

    def _to_form(self, kind: Kind, spec: ProviderSpec) -> None:
        self._dialog.rename(f"Add {kind.label}")
        self._dialog.body.clear()
        with self._dialog.body:
            form = ProviderForm(self._context, kind, spec, stored_hints=())

        async def save() -> None:
            filled = form.spec()
            try:
                view = await self._context.services.providers.add(self._context.person, filled)
            except AnyGPTError as error:
                show_error(error, form.fields)
                return
            self._dialog.close()
            self._done()
            notify(f"{view.name} added, {plural(len(view.models), 'model')} found")

        form.buttons(self._dialog, "Add provider", save)


def edit_provider(context: PageContext, provider: ProviderView, done: Callable[[], None]) -> None:
    """The form of a provider that exists. Keys stay unless new ones are given."""
    kind = next((kind for kind in context.services.providers.kinds() if kind.name == provider.kind), None)
    dialog = Dialog(f"Edit {provider.name}", wide=True)
    stored = spec_of(context, provider)
    with dialog.body:
        form = ProviderForm(context, kind, stored, stored_hints=provider.key_hints)

    async def save() -> None:
        try:
            await context.services.providers.update(context.person, provider.id, form.spec())
        except AnyGPTError as error:
            show_error(error, form.fields)
            return
        dialog.close()
        done()
        notify(f"{form.spec().name} saved")

    form.buttons(dialog, "Save", save)
    dialog.open()


def spec_of(context: PageContext, provider: ProviderView) -> ProviderSpec:
    """What is stored, so that saving a form changes only what the form shows."""
    services = context.services
    return services.provider_views.spec_of(services.providers.find(provider.id))


class ProviderForm:
    """The fields, and the connection test, which asks with what is written and stores nothing."""

    def __init__(
        self, context: PageContext, kind: Kind | None, spec: ProviderSpec, *, stored_hints: Sequence[str]
    ) -> None:
        self._context, self._kind, self._spec = context, kind, spec
        self._has_keys = bool(stored_hints)
        default_url = kind.base_url if kind else ""
        needed = kind.key_required if kind else False
        self._name = text_field("Name", spec.name, hint="How logs, routers and the model picker call it.")
        self._url = text_field(
            "Base URL",
            spec.base_url or "",
            placeholder=default_url or "https://…",
            hint="Leave empty for the usual address." if default_url else _where(kind),
        )
        with field("API key"):
            self._source = ui.toggle([PASTED, FROM_ENVIRONMENT], value=FROM_ENVIRONMENT if spec.api_key_env else PASTED)
            self._source.props("unelevated no-caps aria-label='Where the key comes from'").classes("a-toggle")
            self._key = ui.textarea(placeholder=self._key_placeholder(needed, stored_hints)).props(
                'autogrow aria-label="API key" hide-bottom-space autocomplete=off spellcheck=false rows=1'
            )
            self._key.classes("a-secret a-mono")
            usual = kind.key_env if kind else None
            self._env = ui.input(value=spec.api_key_env or usual or "", placeholder="OPENAI_API_KEY").props(
                'aria-label="Variable with the key" hide-bottom-space autocomplete=off spellcheck=false'
            )
            self._env.classes("a-mono")
            self._key.bind_visibility_from(self._source, "value", value=PASTED)
            self._env.bind_visibility_from(self._source, "value", value=FROM_ENVIRONMENT)
            ui.label("Stored encrypted, never shown again. Several keys: one a line, they take turns.").classes(
                "a-f12 a-t3"
            ).bind_visibility_from(self._source, "value", value=PASTED)
        with field("Priority", "Lower comes first where a rule names no targets."):
            self._priority = ui.number(value=spec.priority, min=0, max=10_000, precision=0).props(
                "aria-label=Priority hide-bottom-space"
            )
            self._priority.classes("a-short")
        self._result = Fragment(Html()).props("aria-live=polite")
        self.fields = {
            "name": self._name,
            "base_url": self._url,
            "api_key": self._key,
            "api_keys": self._key,
            "api_key_env": self._env,
            "priority": self._priority,
        }

    @staticmethod
    def _key_placeholder(needed: bool, hints: Sequence[str]) -> str:
        if hints:
            return f"Keeps {', '.join(hints)}"
        return "sk-…" if needed else "Only if the server asks for one"

    def spec(self) -> ProviderSpec:
        keys = [line.strip() for line in str(self._key.value or "").splitlines() if line.strip()]
        from_environment = self._source.value == FROM_ENVIRONMENT
        variable = str(self._env.value or "").strip()
        return replace(
            self._spec,
            name=str(self._name.value or "").strip(),
            base_url=str(self._url.value or "").strip() or None,
            api_keys=None if from_environment or not keys else keys,
            api_key_env=variable if from_environment and variable else None,
            priority=int(self._priority.value or 0),
        )

    def buttons(self, dialog: Dialog, verb: str, save: Callable[[], Awaitable[None]]) -> None:
        with dialog.foot:
            self._test_button = ui.button("Test connection", on_click=guarded(self._test)).props("outline")
            ui.element("span").classes("a-grow")
            ui.button("Cancel", on_click=dialog.close).props("flat")
            save_button = ui.button(verb).mark("save")

            async def run() -> None:
                save_button.props("loading")
                try:
                    await save()
                finally:
                    if not save_button.is_deleted:
                        save_button.props(remove="loading")

            save_button.on_click(guarded(run))

    async def _test(self) -> None:
        self._test_button.props("loading")
        try:
            result = await self._context.services.providers.test(self.spec())
        except AnyGPTError as error:
            show_error(error, self.fields)
            return
        finally:
            self._test_button.props(remove="loading")
        self._result.show(_result(result))


def _result(result: TestResult) -> Html:
    return note("ok" if result.ok else "er", icon("check" if result.ok else "warn"), h("div.a-grow", result.sentence))


def _where(kind: Kind | None) -> str:
    if kind is not None and kind.adds is not None:
        return f"The resource's address; {kind.adds.path} is added where it is missing."
    return "Where the server answers, with its version path."


def _free_name(context: PageContext, wanted: str) -> str:
    taken = {provider.name for provider in context.services.providers.list()}
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}-{number}", number + 1
    return name
