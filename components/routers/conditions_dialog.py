"""Choosing when a rule holds: a control for every condition, and what must not be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nicegui import ui

from app.core.errors import BadRequest
from app.routing.conditions import WEEKDAYS, read_hours
from components.dialog import Dialog
from components.notify import guarded
from components.routers.condition_words import FIELDS, ConditionField
from components.routers.document_edits import Rule

Known = Mapping[str, Sequence[str]]  # what can be offered: models, keys, people, teams, tiers
X = "svguse:/static/icons.svg#x|0 0 24 24"


class ConditionsDialog:
    """`done` gets `when` and `unless`, each a dict without what is not set."""

    def __init__(
        self, name: str, rule: Rule, known: Known, done: Callable[[dict[str, Any], dict[str, Any]], object]
    ) -> None:
        self._done = done
        self._dialog = Dialog(f"When does {name} decide?", wide=True)
        with self._dialog.body:
            self._when = _Part(
                "All of these hold",
                "Nothing chosen: the rule always holds.",
                "Add a condition",
                rule.get("when"),
                known,
            )
            self._unless = _Part(
                "Unless all of these hold",
                "Nothing chosen: no exception.",
                "Add an exception",
                rule.get("unless"),
                known,
            )
        with self._dialog.foot:
            ui.element("span").classes("a-grow")
            ui.button("Cancel", on_click=self._dialog.close).props("flat")
            ui.button("Use these conditions", on_click=guarded(self._save)).mark("save")
        self._dialog.open()

    def _save(self) -> None:
        when, unless = self._when.read(), self._unless.read()
        if when is None or unless is None:
            return
        self._done(when, unless)
        self._dialog.close()


class _Part:
    def __init__(self, title: str, nothing: str, add: str, value: Mapping[str, Any] | None, known: Known) -> None:
        self._known = known
        self._controls: dict[str, _Control] = {}
        with ui.element("section").classes("a-conditions").props(f'aria-label="{title}"'):
            ui.label(title).classes("a-strong a-f13").props("role=heading aria-level=3")
            self._none = ui.label(nothing).classes("a-f12 a-t3")
            self._rows = ui.element("div").classes("a-condition-rows")
            self._add = ui.select({}, label=add, on_change=self._chosen).classes("a-condition-add")
            self._add.props("behavior=menu").mark(add.lower().replace(" ", "-"))
        for name in FIELDS:
            if (value or {}).get(name) not in (None, []):
                self._show(name, (value or {})[name])
        self._offer()

    def read(self) -> dict[str, Any] | None:
        """None where a control holds something that is none."""
        found: dict[str, Any] = {}
        for name, control in self._controls.items():
            try:
                value = control.read()
            except ValueError as error:
                control.complain(str(error))
                return None
            if value not in (None, []):
                found[name] = value
        return found

    def _chosen(self, event: Any) -> None:
        if event.value:
            self._show(event.value, None)
            self._offer()

    def _show(self, name: str, value: Any) -> None:
        field = FIELDS[name]
        with self._rows, ui.element("div").classes("a-condition-row") as row:
            ui.label(field.label).classes("a-f13 a-mid a-condition-label")
            self._controls[name] = _Control(field, value, self._known)

            def remove() -> None:
                del self._controls[name]
                row.delete()
                self._offer()

            ui.button(icon=X, on_click=remove).props(f'flat round aria-label="Remove {field.label}"')

    def _offer(self) -> None:
        left = {name: field.label for name, field in FIELDS.items() if name not in self._controls}
        self._add.set_options(left, value=None)
        self._none.set_visibility(not self._controls)


class _Control:
    def __init__(self, field: ConditionField, value: Any, known: Known) -> None:
        self._field = field
        with ui.element("div").classes("a-grow"):
            self._made = _MAKERS[field.kind](field, value, known)
        self._made.props(f'aria-label="{field.label}" hide-bottom-space').mark(f"condition-{field.name}")
        if field.hint:
            self._made.props(f'hint="{field.hint}"')

    def read(self) -> Any:
        """Raises ValueError with a sentence."""
        return _READERS[self._field.kind](self._made.value)

    def complain(self, sentence: str) -> None:
        self._made.error = sentence


def _words(field: ConditionField, value: Any, known: Known) -> ui.select:
    chosen = list(value or [])
    if field.choices is not None:
        return ui.select(dict(field.choices), value=chosen, multiple=True).props("use-chips")
    offered = list(dict.fromkeys([*known.get(field.known, ()), *chosen]))
    made = ui.select(offered, value=chosen, multiple=True, with_input=True, new_value_mode="add-unique")
    return made.props('use-chips hide-dropdown-icon input-debounce=0 placeholder="Type, then Enter"')


def _number(field: ConditionField, value: Any, known: Known) -> ui.number:
    return ui.number(value=value, min=0, step=1000, format="%d").props("inputmode=numeric suffix=tokens")


def _percent(field: ConditionField, value: Any, known: Known) -> ui.number:
    shown = round(value * 100, 4) if value is not None else 20
    return ui.number(value=shown, min=0.01, max=100).props("inputmode=decimal suffix=%")


def _hours(field: ConditionField, value: Any, known: Known) -> ui.input:
    return ui.input(value=value or "", placeholder=field.example)


def _yes_no(field: ConditionField, value: Any, known: Known) -> ui.select:
    return ui.select({True: "Yes, the answer is streamed", False: "No, it comes whole"}, value=value is not False)


def _read_words(value: Any) -> list[str]:
    words = [str(word).strip() for word in value or ()]
    order = {day: at for at, day in enumerate(WEEKDAYS)}
    return sorted((word for word in words if word), key=lambda word: order.get(word, len(order)))


def _read_number(value: Any) -> int | None:
    if value is None:
        return None
    if value < 0 or value != int(value):
        raise ValueError("Whole tokens, 0 or more.")
    return int(value)


def _read_percent(value: Any) -> float | None:
    if value is None:
        return None
    if not 0 < value <= 100:
        raise ValueError("More than 0 and at most 100 percent.")
    return round(value / 100, 6)


def _read_hours(value: Any) -> str | None:
    text = str(value or "").strip()
    if not text:
        return None
    try:
        read_hours(text)
    except BadRequest:
        raise ValueError("A span of hours such as 08-20.") from None
    return text


_MAKERS: dict[str, Callable[[ConditionField, Any, Known], Any]] = {
    "words": _words,
    "number": _number,
    "percent": _percent,
    "hours": _hours,
    "yes_no": _yes_no,
}
_READERS: dict[str, Callable[[Any], Any]] = {
    "words": _read_words,
    "number": _read_number,
    "percent": _read_percent,
    "hours": _read_hours,
    "yes_no": bool,
}
