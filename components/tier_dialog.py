"""Making and editing a tier, and choosing the people in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from nicegui import ui

from app.core.errors import AnyGPTError
from app.security.permissions import Permission, outranks
from app.services.tier_editing import TierView
from app.services.views import Person
from components.dialog import Dialog, field, show_error, text_field
from components.limit_words import LABELS
from components.notify import guarded
from components.page import PageContext


class TierForm:
    """`tier` is what the form begins with; `people` are those whom this person may put into it."""

    def __init__(self, tier: TierView | None, people: Sequence[Person], *, new: bool) -> None:
        limits = tier.limits if tier else {}
        self._name = text_field(
            "Name",
            "" if new else tier.name if tier else "",
            hint="Such as free or pro." if new else "The name stays: keys, people and rules know the tier by it.",
        )
        self._name.props("autofocus" if new else "readonly")
        with ui.element("div").classes("a-triple"):
            self._limits = {name: _number(label, limits.get(name)) for name, label in LABELS.items()}
            self._score = _score(tier.min_score if tier else 0)
        ui.label(
            "Each key and each person in the tier has these limits for itself. A key's own can only be tighter. "
            "The minimum score asks a provider for its share of calls that succeed and for votes, 0 to 1."
        ).classes("a-f12 a-t3")
        self._models = text_field(
            "Models", ", ".join(tier.models) if tier else "", hint="Empty: all. Else names and globs: gpt-4o*, claude-*"
        )
        self._people: ui.select | None = None
        self._before = frozenset(person.email for person in people if tier and not new and person.tier == tier.name)
        if people:
            offered = {person.email: _offered(person, tier.name if tier else "") for person in people}
            with field("People", "Their chats, and their keys that have no tier of their own."):
                self._people = ui.select(offered, value=sorted(self._before), multiple=True, with_input=True)
                self._people.props("use-chips aria-label=People hide-bottom-space input-debounce=0").mark("people")
        self.fields: dict[str, Any] = {"name": self._name, "tiers": self._name}

    @property
    def name(self) -> str:
        return str(self._name.value or "").strip()

    def values(self) -> dict[str, Any]:
        """As in a file, without what is not set."""
        limits = {name: int(box.value) for name, box in self._limits.items() if box.value not in (None, "")}
        models = [part.strip() for part in str(self._models.value or "").split(",") if part.strip()]
        score = float(self._score.value or 0)
        found = {"limits": limits, "models": models, "min_score": score}
        return {name: value for name, value in found.items() if value}

    def moved(self) -> dict[str, str]:
        """The tier that each person who was put in or taken out gets: "" is none."""
        if self._people is None:
            return {}
        chosen = frozenset(self._people.value or ())
        return dict.fromkeys(sorted(chosen - self._before), self.name) | dict.fromkeys(
            sorted(self._before - chosen), ""
        )


async def open_tier_dialog(
    context: PageContext, tier: TierView | None, done: Callable[[], Awaitable[None]], *, new: bool
) -> None:
    """With `new` and a tier, the form begins as its copy."""
    people = await _manageable(context)
    with context.root:
        dialog = Dialog("New tier" if tier is None else f"Copy of {tier.name}" if new else f"Edit {tier.name}")
        with dialog.body:
            form = TierForm(tier, people, new=new)

        async def save() -> None:
            services = context.services
            button.props("loading")
            try:
                if new:
                    await services.tiers.add(context.person, form.name, form.values())
                else:
                    await services.tiers.update(context.person, form.name, form.values())
                dialog.close()
            except AnyGPTError as error:
                show_error(error, form.fields)
                return
            finally:
                if not button.is_deleted:
                    button.props(remove="loading")
            for email, name in form.moved().items():
                await services.people.update(context.person, email, tier=name)
            await done()

        with dialog.foot:
            ui.element("span").classes("a-grow")
            ui.button("Cancel", on_click=dialog.close).props("flat")
            button = ui.button("Create tier" if new else "Save", on_click=guarded(save)).mark("save")
        dialog.open()


async def _manageable(context: PageContext) -> list[Person]:
    """Those below this person, who alone may change them, and the person itself."""
    me = context.person
    if not context.allows(Permission.MANAGE_PEOPLE):
        return []
    return [each for each in await context.services.people.list() if each.id == me.id or outranks(me.role, each.role)]


def _offered(person: Person, tier: str) -> str:
    """Who is in another tier says so."""
    return f"{person.email} (now {person.tier})" if person.tier and person.tier != tier else person.email


def _number(label: str, value: int | None) -> ui.number:
    with field(label):
        made = ui.number(value=value, min=1, precision=0, placeholder="no limit").props("hide-bottom-space")
        return made.props(f'aria-label="{label}"').mark(label.lower().replace(" ", "-"))


def _score(value: float) -> ui.number:
    with field("Minimum score"):
        made = ui.number(value=value or None, min=0, max=1, step=0.1, placeholder="none").props("hide-bottom-space")
        return made.props('aria-label="Minimum score"').mark("minimum-score")
