"""Light, dark or as the device; compact or comfortable; the accent: what a person chose, and NiceGUI's defaults."""

from __future__ import annotations

from typing import Literal

from nicegui import app, ui

from app.services.views import Person

Theme = Literal["auto", "light", "dark"]
THEMES: dict[str, str] = {"auto": "As the device", "light": "Light", "dark": "Dark"}
THEME_ICONS = {"auto": "auto", "light": "sun", "dark": "moon"}
DENSITIES: dict[str, str] = {"auto": "As the page needs", "compact": "Compact", "comfortable": "Comfortable"}
ACCENTS: dict[str, str] = {
    "": "AnyGPT",
    "openai": "OpenAI",
    "anthropic": "Anthropic",
    "gemini": "Gemini",
    "openrouter": "OpenRouter",
}
_DARK: dict[str, bool | None] = {"auto": None, "light": False, "dark": True}


def choice(person: Person, name: str, known: dict[str, str]) -> str:
    """A preference, if it is still one that is known."""
    value = str(person.preferences.get(name) or "")
    return value if value in known else next(iter(known))


def dark_value(person: Person) -> bool | None:
    """What Quasar is told; None follows the device."""
    return _DARK[choice(person, "theme", THEMES)]


def density(person: Person, of_page: str) -> str:
    chosen = choice(person, "density", DENSITIES)
    return of_page if chosen == "auto" else chosen


def first_paint_style(person: Person) -> str:
    """The plane's colour before the first script has run, so that a dark page does not flash white."""
    light, dark = "html{background:#f6f7f9}", "html{background:#0a0c0f;color-scheme:dark}"
    value = dark_value(person)
    if value is None:
        return f"<style>{light}@media(prefers-color-scheme:dark){{{dark}}}</style>"
    return f"<style>{dark if value else light}</style>"


def set_defaults() -> None:
    """Once per process: Quasar's parts the way the look wants them."""
    app.colors(primary="#076877")  # fallback only: quasar.css points it at the tokens
    app.config.quasar_config["loadingBar"]["skipHijack"] = True  # pages show their own loading state
    ui.button.default_props("unelevated no-caps")
    for field in (ui.input, ui.select, ui.number, ui.textarea):
        field.default_props("outlined dense")
    ui.select.default_props('options-dense dropdown-icon="svguse:/static/icons.svg#chev|0 0 24 24"')
    ui.card.default_props("flat bordered")
